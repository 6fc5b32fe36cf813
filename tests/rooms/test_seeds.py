"""Seeds: fresh ones for another picture, and derived ones for a list that stays the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async import models
from volcv_async.codec.requests import body
from volcv_async.models.seeds import rerolled, with_seeds

NONE: set[str] = set()


def raw(**fields: object) -> volcv.RawRequest:
    return volcv.RawRequest(req_key="unheard_of", body={"prompt": "a cat", **fields})


def seeds(request: volcv.Request) -> Mapping[str, Any]:
    return {name: value for name, value in body(request).items() if name.endswith("seed")}


@given(st.integers(0, 2**63 - 1), st.integers(1, 100))
def test_a_stated_seed_is_replaced_by_one_that_follows_from_it(seed: int, nth: int) -> None:
    """A reroll draws 31 bits that differ from time to time, and are the same each time."""
    request = volcv.GeneralV21(prompt="a cat", seed=seed, llm_seed=7, sr_seed=8)
    fresh = rerolled(request, nth)
    assert fresh.seed is not None
    assert 0 <= fresh.seed < 2**31
    assert fresh == rerolled(request, nth) != rerolled(request, nth + 1)
    assert (fresh.prompt, fresh.llm_seed, fresh.sr_seed) == ("a cat", 7, 8)
    assert request.seed == seed


def test_what_a_seed_becomes_is_the_same_everywhere() -> None:
    """Other releases and machines draw the same fresh seeds."""
    assert seeds(rerolled(volcv.GeneralV14(prompt="a cat", seed=1), 1)) == {"seed": 892639607}
    assert seeds(with_seeds(volcv.GeneralV21(prompt="a cat"), b"key")) == {
        "llm_seed": 54257105,
        "seed": 705467206,
        "sr_seed": 292716481,
    }


@pytest.mark.parametrize("seed", [None, -1])
def test_a_seed_left_to_the_provider_stays_with_it_when_rerolled(seed: int | None) -> None:
    """Without a seed of its own a request goes out as it is: the provider draws anew."""
    request = volcv.GeneralV21(prompt="a cat", seed=seed)
    assert rerolled(request, 1) is request


@pytest.mark.parametrize("where", ["body", "extra"])
def test_a_raw_request_is_rerolled_in_its_body(where: str) -> None:
    """The seed of a variant without a class is replaced where it stands, and nothing else is."""
    given: dict[str, Any] = {"body": {"prompt": "a cat"}, "extra": {}}
    given[where] = {**given[where], "seed": 5}
    request = volcv.RawRequest(req_key="unheard_of", **given)
    fresh = rerolled(request, 1)
    assert seeds(fresh)["seed"] not in {5, None}
    assert {**body(fresh), "seed": 5} == body(request)


@pytest.mark.parametrize("seed", [-1, None, "5", True, 5.5])
def test_a_raw_seed_that_is_no_number_from_0_goes_out_as_it_is(seed: object) -> None:
    """What is no seed is left alone in a body that nobody checks."""
    request = raw(seed=seed)
    assert rerolled(request, 1) is request


@pytest.mark.parametrize(
    ("request_", "derived"),
    [
        (volcv.GeneralV14(prompt="a cat"), {"seed"}),
        (volcv.GeneralV14(prompt="a cat", seed=-1, use_sr=True), {"seed", "sr_seed"}),
        (volcv.GeneralV14(prompt="a cat", seed=3), NONE),
        (volcv.GeneralV20Pro(prompt="a cat"), {"seed"}),
        (volcv.GeneralV20Pro(prompt="a cat", extra={"llm_seed": -1}), {"seed", "llm_seed"}),
        (volcv.GeneralV21(prompt="a cat"), {"seed", "llm_seed", "sr_seed"}),
        (volcv.GeneralV21(prompt="a cat", seed=0, llm_seed=-1, use_sr=False), {"llm_seed"}),
        (volcv.GeneralV21(prompt="a cat", use_pre_llm=False, sr_seed=4), {"seed"}),
        (raw(), NONE),
        (raw(seed=-1, llm_seed=-1, sr_seed=9), {"seed", "llm_seed"}),
    ],
)
def test_the_seeds_that_would_be_used_and_are_open_are_derived(
    request_: volcv.Request, derived: set[str]
) -> None:
    """Whether a seed is used says its switch, or the provider's default for that."""
    before, after = body(request_), body(with_seeds(request_, b"key"))
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == derived
    numbers = [after[name] for name in derived]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 2**31 for number in numbers)


@pytest.mark.parametrize("model", models.VARIANTS)
def test_every_variant_can_be_given_its_seeds(model: type) -> None:
    """Different keys give different seeds, and the same key the same ones."""
    request = model(prompt="a cat")
    one = with_seeds(request, b"one")
    assert one == with_seeds(request, b"one") != with_seeds(request, b"two")
    assert with_seeds(one, b"two") is one


def test_what_was_warned_of_is_not_warned_of_again() -> None:
    """A request out of a range of the community's is warned of when it is made, and only then."""
    with pytest.warns(volcv.VolcvWarning, match="width"):
        request = volcv.GeneralV21(prompt="a cat", width=1024, seed=5)
    assert with_seeds(rerolled(request, 1), b"key").width == 1024
