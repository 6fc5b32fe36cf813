"""What makes two requests the same, on every machine and in every release."""

from __future__ import annotations

import pytest

import volcv_async as volcv
from volcv_async.job.identity import identity
from volcv_async.models import Request


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (volcv.GeneralV21(prompt="a red fox"), "387726415132dd22314d56bf6eaa3b33"),
        (volcv.GeneralV14(prompt="千军万马", width=512), "72d3d46d9bdd2249ba621033cf1c65da"),
        (
            volcv.RawRequest(req_key="new", body={"prompt": "x", "deep": {"b": [1, 2.5]}}),
            "8451ffc85ecdcc318413f791ef9ae1e4",
        ),
    ],
)
def test_an_identity_never_changes(request_: Request, expected: str) -> None:
    """Journals of earlier releases and other machines are found again: the values are literal."""
    assert identity(request_).hex() == expected


@pytest.mark.parametrize("name", ["seed", "llm_seed", "sr_seed"])
def test_a_seed_of_minus_one_is_one_left_open(name: str) -> None:
    """The provider draws one in both cases; a stated seed is another request."""
    open_, drawn, stated = (
        identity(volcv.RawRequest(req_key="new", body={"prompt": "x", **seed}))
        for seed in ({}, {name: -1}, {name: 7})
    )
    assert open_ == drawn
    assert open_ != stated


def test_a_seed_of_minus_one_counts_elsewhere() -> None:
    """Only the three seeds are left open by -1; another field of -1 is asked for."""
    bodies: list[dict[str, object]] = [{}, {"scale": -1}, {"deep": {"seed": -1}}, {"deep": {}}]
    assert len({identity(volcv.RawRequest(req_key="new", body=body)) for body in bodies}) == 4


def test_numbers_count_by_their_value_and_names_without_order() -> None:
    """A list in another format, which writes 3 as 3.0 or fields in another order, is the same."""
    one = volcv.RawRequest(req_key="new", body={"a": 3, "b": [{"c": 1.5, "d": 2}], "e": None})
    two = volcv.RawRequest(req_key="new", body={"e": None, "b": [{"d": 2.0, "c": 1.5}], "a": 3.0})
    assert identity(one) == identity(two)


def test_what_is_asked_for_tells_requests_apart() -> None:
    """Another prompt, model or field is another request; true is not 1."""
    requests = [
        volcv.GeneralV21(prompt="a red fox"),
        volcv.GeneralV21(prompt="a red fox "),
        volcv.GeneralV20Pro(prompt="a red fox"),
        volcv.GeneralV21(prompt="a red fox", width=512),
        volcv.GeneralV21(prompt="a red fox", extra={"new": True}),
        volcv.GeneralV21(prompt="a red fox", extra={"new": 1}),
    ]
    assert len({identity(request) for request in requests}) == len(requests)
