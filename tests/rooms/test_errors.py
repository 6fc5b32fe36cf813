"""Errors as those who meet them read them, and codes as data."""

from __future__ import annotations

import pickle

import pytest

import volcv_async as volcv
from volcv_async import codes, errors

ENTRIES = [
    *codes.SERVICE_CODES.values(),
    *codes.SIGNATURE.values(),
    *codes.GATEWAY.values(),
    *codes._HTTP.values(),
]


def test_an_error_says_what_happened_to_which_request_and_what_to_do() -> None:
    """The text of an error holds the event, the facts, and the cure."""
    error = volcv.RateLimitedError(
        "Too many calls.", help="Go slower.", code=50429, http_status=429, request_id="2026X"
    )
    error.index = 7
    assert str(error) == (
        "Too many calls. (request 7, code 50429, HTTP 429, request id 2026X) Go slower."
    )
    assert str(volcv.VolcvError("Alone.")) == "Alone."


def test_an_error_survives_pickling() -> None:
    """An error that crosses a process keeps what it carries."""
    error = volcv.ContentRejectedError("No.", help="Change it.", code=50412)
    error.stage = "output"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert str(again) == str(error)
    assert (again.stage, again.code) == ("output", 50412)


def test_an_invalid_request_is_a_value_error() -> None:
    """Those who catch ``ValueError`` catch a wrong request."""
    assert issubclass(volcv.InvalidRequestError, ValueError)


def test_only_what_was_refused_or_not_sent_is_ever_repeatable() -> None:
    """No class and no code that may have been billed is repeated on our own."""
    for code in ENTRIES:
        if code.repeat:
            assert code.ending == "rejected"
            assert code.billed in {"no", "unknown"}
        if code.stage == "output":
            assert code.ending == "answered"


def test_every_code_says_what_it_means() -> None:
    """Each entry of the tables has words; those that can be cured say how."""
    for code in ENTRIES:
        assert code.meaning
        assert code.help or issubclass(code.error, volcv.ServerError)


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ],
)
def test_the_tree_at_the_top_of_the_file_is_whole(kind: type[Exception]) -> None:
    """Every class of the tree stands in the drawing of it, and is one documented sentence."""
    assert kind.__name__ in (errors.__doc__ or "")
    assert kind.__doc__
