"""What one account group may do, by a virtual clock: stated for all, learned for each model."""

from __future__ import annotations

import math

import pytest

import volcv_async as volcv
from volcv_async.governor import Governor

MODEL, OTHER = "high_aes_general_v21_L", "high_aes_general_v14"


def earliest(governor: Governor, now: float, model: str = MODEL) -> float:
    return governor.held_up(model, now)[0]


def test_a_governor_grants_slot_and_rate_together() -> None:
    """A call may leave when both are there, and takes both; giving it back frees both."""
    governor = Governor(volcv.Limits(rate=10, concurrency=1))
    assert earliest(governor, 0.0) <= 0.0
    governor.leave(MODEL, 0.0)
    assert governor.held_up(MODEL, 0.0) == (math.inf, "concurrency")
    governor.came_back(MODEL, 0.0, 0.0)
    when, cause = governor.held_up(MODEL, 0.0)
    assert (0.05 < when < 0.2, cause) == (True, "rate")
    governor.leave(MODEL, 0.2)
    governor.undo(MODEL, 0.2)
    assert governor.in_flight == 0
    assert earliest(governor, 0.2) <= 0.2


def test_what_is_stated_binds_all_models_together() -> None:
    """Slots and rate that are stated are those of the account, whatever it is asked to draw."""
    governor = Governor(volcv.Limits(rate=10, concurrency=2))
    governor.leave(MODEL, 0.0)
    assert earliest(governor, 0.0, OTHER) > 0.05
    governor.leave(OTHER, 0.2)
    assert earliest(governor, 9.0, OTHER) == math.inf


def test_what_is_learned_binds_one_model() -> None:
    """A refusal for one model holds back that model, and none of another."""
    governor = Governor(volcv.Limits(concurrency=8))
    for _ in range(4):
        governor.leave(MODEL, 0.0)
    governor.came_back(MODEL, 0.0, 0.0)
    governor.refused(MODEL, "concurrency", 0.0, 0.1)
    assert governor.held_up(MODEL, 0.1) == (math.inf, "concurrency")
    assert earliest(governor, 0.1, OTHER) <= 0.1
    assert list(governor.learned()) == [(MODEL, None, 3)]
    assert governor.slots == 3


def test_rate_and_concurrency_are_learned_apart() -> None:
    """A refusal for rate lowers the rate alone; one for calls in flight, the cap alone."""
    governor = Governor(volcv.Limits(rate=10, concurrency=8))
    assert (governor.rate, governor.slots) == (10, 8)
    governor.leave(MODEL, 0.0)
    governor.leave(MODEL, 0.2)
    governor.came_back(MODEL, 0.0, 0.0)
    governor.refused(MODEL, "rate", 0.2, 0.3)
    assert governor.rate is not None
    assert governor.rate < 10
    assert governor.slots == 8
    slower = governor.rate
    governor.leave(MODEL, 3.0)
    governor.came_back(MODEL, 0.0, 0.0)
    governor.refused(MODEL, "concurrency", 3.0, 3.1)
    assert (governor.rate, governor.slots) == (slower, 1)


def test_without_learning_refusals_teach_nothing() -> None:
    """With ``adaptive=False`` the limits are what is stated, or 16 in flight, whatever comes."""
    for stated, slots in ((4, 4), (None, 16)):
        governor = Governor(volcv.Limits(concurrency=stated, adaptive=False))
        governor.leave(MODEL, 0.0)
        governor.came_back(MODEL, 0.0, 0.0)
        for what in ("rate", "concurrency"):
            governor.refused(MODEL, what, 0.0, 0.1)
        governor.answered(MODEL, 0.0, 0.1)
        governor.recall(MODEL, 1.0, 1)
        assert (governor.slots, governor.rate) == (slots, None)
        assert earliest(governor, 0.1) <= 0.1
        governor.leave(MODEL, 0.2)
        governor.undo(MODEL, 0.2)
        assert governor.in_flight == 0


def test_an_unstated_cap_starts_low() -> None:
    """Without a stated limit two go out at first; the third waits for an answer."""
    governor = Governor(volcv.Limits())
    assert (governor.slots, governor.most) == (2, 16)
    governor.leave(MODEL, 0.0)
    governor.leave(MODEL, 0.0)
    assert earliest(governor, 0.5) == math.inf
    governor.came_back(MODEL, 0.0, 0.0)
    governor.answered(MODEL, 0.0, 1.0)
    governor.leave(MODEL, 1.0)
    assert earliest(governor, 1.0) <= 1.0


def test_a_retry_after_closes_the_governor_for_a_little_longer() -> None:
    """A pause that the provider asks for holds all models back, and up to a tenth longer."""
    governor = Governor(volcv.Limits(rate=10), draw=lambda: 0.5)
    governor.pause(6.0, 0.0)
    governor.pause(3.0, 0.0)
    when, cause = governor.held_up(MODEL, 0.0)
    assert when == pytest.approx(6.3)
    assert cause == "pause"
    assert earliest(governor, 0.0, OTHER) == pytest.approx(6.3)
    assert earliest(governor, 8.0) <= 8.0


def test_a_ramp_holds_back_a_sudden_rise() -> None:
    """With a ramp the slots open one after the other, and then hold nothing back."""
    governor = Governor(volcv.Limits(concurrency=4, ramp=8.0))
    assert earliest(governor, 0.0) <= 0.0
    governor.leave(MODEL, 0.0)
    assert governor.held_up(MODEL, 0.0) == (2.0, "concurrency")
    governor.leave(MODEL, 2.0)
    assert earliest(governor, 8.0) <= 8.0


def test_a_slow_connection_holds_back_those_that_follow() -> None:
    """A call that left later than it was granted counts from when it left, at its best."""
    governor = Governor(volcv.Limits(rate=1, concurrency=99))
    now = 0.0
    for _ in range(10):  # what is usual is not known yet: each counts from when it left
        governor.leave(MODEL, now)
        governor.departed(MODEL, now, now + 0.1)
        assert earliest(governor, now) == pytest.approx(now + 0.1 + 1.01)
        now = earliest(governor, now)
    governor.leave(MODEL, now)
    governor.departed(MODEL, now, now + 0.6)  # half a second longer than usual
    assert earliest(governor, now) == pytest.approx(now + 0.5 + 1.01)
    governor.departed(MODEL, now - 99, now)  # one that is forgotten already changes nothing
    assert earliest(governor, now) == pytest.approx(now + 0.5 + 1.01)


def test_the_throughput_is_the_tighter_of_rate_and_slots() -> None:
    """Calls a second to expect follow from the rate, or from slots and how long a call takes."""
    governor = Governor(volcv.Limits(concurrency=4))
    assert governor.throughput is None
    governor.made(2.0)
    assert governor.throughput == pytest.approx(2.0)
    governor.made(12.0)  # the latest counts a tenth
    assert governor.latency == pytest.approx(3.0)
    assert Governor(volcv.Limits(rate=5)).throughput == 5
    both = Governor(volcv.Limits(rate=5, concurrency=4))
    both.made(2.0)
    assert both.throughput == pytest.approx(2.0)
    both.made(0.1)
    assert both.throughput == pytest.approx(4 / 1.81)


def test_the_rate_of_several_models_is_known_when_that_of_each_is() -> None:
    """Learned rates of models add up; while one of them has none, only what is stated is known."""
    governor = Governor(volcv.Limits())
    governor.recall(MODEL, 2.0, None)
    rates = [governor.rate]
    governor.leave(MODEL, 0.0)
    governor.leave(OTHER, 0.0)
    rates.append(governor.rate)
    governor.leave(OTHER, 0.0)
    governor.came_back(OTHER, 0.0, 0.0)
    governor.refused(OTHER, "rate", 0.0, 0.1)
    assert rates == [2.0, None]
    assert (governor.rate or 0.0) > 2.0
    for nth in range(3):  # those that nobody asks for any more hold nothing back
        governor.leave(OTHER, 70.0 + nth)
    assert (governor.rate or 0.0) < 2.0


def test_what_was_learned_before_is_where_it_begins() -> None:
    """Recalled lessons bind from the start; they change nothing of a model that has lessons."""
    governor = Governor(volcv.Limits())
    governor.recall(MODEL, 2.0, 7)
    assert (governor.slots, governor.rate) == (7, 2.0)
    governor.recall(MODEL, 5.0, 9)
    assert list(governor.learned()) == [(MODEL, 2.0, 7)]
    governor.leave(None, 0.0)  # a call for no model in particular has no lesson to tell
    assert list(governor.learned()) == [(MODEL, 2.0, 7)]


def test_departures_of_late_are_measured() -> None:
    """The governor tells how many calls a second have left."""
    governor = Governor(volcv.Limits(concurrency=99))
    for nth in range(10):
        governor.leave(MODEL, nth * 0.5)
    assert governor.measured(4.5) == pytest.approx(2.0)
    assert governor.left_last == 4.5
