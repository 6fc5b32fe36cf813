"""What is typed for a field of a request, and for the limits."""

from __future__ import annotations

import pytest

from volcv_async.cli.options import parse_fields, stated_limits
from volcv_async.config import Limits, SharedConcurrency, SharedRate
from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.models import GeneralV21


def test_a_value_is_of_its_fields_kind() -> None:
    """Booleans, whole and other numbers, texts and objects are told apart by the field."""
    pairs = [
        "use_sr=False",
        "return_url=true",
        "width=512",
        "seed=-1",
        "scale=3",
        "negative_prompt=42 = x",
        'logo_info={"add_logo": true}',
        'extra={"new": [1]}',
        "unknown=1",
    ]
    assert parse_fields(GeneralV21, pairs) == {
        "use_sr": False,
        "return_url": True,
        "width": 512,
        "seed": -1,
        "scale": 3.0,
        "negative_prompt": "42 = x",
        "logo_info": {"add_logo": True},
        "extra": {"new": [1]},
        "unknown": "1",
    }


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("use_sr=yes", "'yes' is no true or false."),
        ("width=5.5", "'5.5' is no whole number."),
        ("scale=much", "'much' is no number."),
        ("logo_info={", "'{' is no object in JSON."),
        ("width", "-p width: no '=' in it."),
    ],
)
def test_a_value_of_another_kind_is_refused(pair: str, says: str) -> None:
    """The error shows what was typed, and what the field takes."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_fields(GeneralV21, [pair])
    assert says in str(caught.value)


STORE = "sqlite:///limits.sqlite"


@pytest.mark.parametrize(
    ("rate", "concurrency", "shared", "limits"),
    [
        (2.0, 4, None, Limits(rate=2.0, concurrency=4)),
        (2.0, None, STORE, Limits(rate=SharedRate(STORE, 2.0))),
        (None, 4, STORE, Limits(concurrency=SharedConcurrency(STORE, 4))),
    ],
)
def test_limits_are_shared_where_a_store_is_named(
    rate: float | None, concurrency: int | None, shared: str | None, limits: Limits
) -> None:
    """What is stated is this run's alone, or that of all who name the same store."""
    assert stated_limits(rate, concurrency, shared) == limits


@pytest.mark.parametrize(
    ("rate", "shared", "said"),
    [
        (None, STORE, "nothing is stated that could be shared"),
        (2.0, "redis://:secret@host", "does not belong on a command line"),
        (2.0, "redis://host?password=secret", "does not belong on a command line"),
        (2.0, "ftp://somewhere", "is no URL of a store"),
    ],
)
def test_a_store_that_cannot_be_shared_by_is_refused(
    rate: float | None, shared: str, said: str
) -> None:
    """Without a limit to share, with a password, or where there is no store, nothing is sent."""
    with pytest.raises(ConfigurationError, match=said) as raised:
        stated_limits(rate, None, shared)
    assert "secret" not in str(raised.value)


def test_a_local_gateway_is_shared_with_nobody() -> None:
    """Each ``--local`` starts a gateway of its own, so that there is nobody to share with."""
    with pytest.raises(ConfigurationError, match="an account, of its own"):
        stated_limits(2.0, None, STORE, local=True)
