"""A learned rate, by a virtual clock: what refusals teach, and when more is tried."""

from __future__ import annotations

import copy
import math
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.governor.tempo import Tempo

FLOOR = 1 / 120


def leave(tempo: Tempo, count: int, now: float = 0.0) -> list[float]:
    """Let calls leave as soon as they may; give when they did."""
    left: list[float] = []
    for _ in range(count):
        now = max(now, tempo.earliest(now))
        tempo.leave(now)
        left.append(now)
    return left


def learned(rate: float, most: float | None = None) -> Tempo:
    """Give a tempo that begins at a rate."""
    tempo = Tempo(most)
    tempo.begin(rate)
    return tempo


def begun(rate: float, most: float | None = None) -> Tempo:
    """Give the same after its first call, which nothing held back."""
    tempo = learned(rate, most)
    tempo.leave(0.0)
    return tempo


def interval(tempo: Tempo, now: float) -> float:
    """Say how long after a departure now the next may follow."""
    return tempo.earliest(now) - now


def drive(
    tempo: Tempo, rate: float, seconds: float, *, began: float = 0.0
) -> tuple[float, float, float]:
    """Send all that may go to a provider with a rate; give shares used and refused, and the end."""
    now, let_in, refused = began, list[float](), 0
    window = max(1.0, 1 / rate)
    while (now := max(now + 0.001, tempo.earliest(now))) < began + seconds:
        tempo.leave(now)
        if len(let_in) - bisect_right(let_in, now - window) < math.ceil(rate * window - 1e-9):
            let_in.append(now)
        else:
            refused += 1
            tempo.refused(now, now + 0.01)
    used = len(let_in) / (rate * seconds)
    return used, refused / (refused + len(let_in)), now


def test_before_the_first_refusal_nothing_is_held_back() -> None:
    """Nothing is learned from departures alone."""
    for most in (None, 2.0):
        tempo = Tempo(most)
        for _ in range(50):
            tempo.leave(1.0)
            assert (tempo.rate, tempo.earliest(1.0)) == (None, -math.inf)


def test_the_first_refusal_tells_what_left_in_the_last_second() -> None:
    """Where nothing is stated the rate is what was let in, and a blind second follows."""
    tempo = Tempo(None)
    for left in (-9.0, 0.5, 0.9, 1.2, 1.3):
        tempo.leave(left)
    tempo.refused(1.3, 1.4)
    assert (tempo.rate, tempo.earliest(1.4)) == (3, 2.4)


def test_the_first_refusal_after_a_while_tells_how_long_is_too_short() -> None:
    """If nothing left in the last second, it is one call in the time since the last one."""
    tempo = Tempo(None)
    for left in (0.0, 1.0, 5.0):
        tempo.leave(left)
    tempo.refused(5.0, 5.1)
    assert tempo.rate == 0.25
    assert tempo.earliest(5.1) == pytest.approx(9.1)


def test_a_first_call_that_is_refused_tells_little() -> None:
    """Where nothing was ever let in, it is one call a second."""
    tempo = Tempo(None)
    tempo.leave(0.0)
    tempo.refused(0.0, 0.1)
    assert tempo.rate == 1.0
    assert tempo.earliest(0.1) == pytest.approx(1.1)


def test_a_stated_rate_is_undercut_a_little() -> None:
    """Where a rate is stated and was asked for, 95 % of it is left."""
    tempo = Tempo(10.0)
    for nth in range(12):
        tempo.leave(nth * 0.09)
    tempo.refused(11 * 0.09, 1.0)
    assert tempo.rate == pytest.approx(9.5)


def test_a_storm_of_refusals_is_one_lesson() -> None:
    """Refusals of calls that left before the last lesson teach nothing more."""
    tempo = Tempo(None)
    for _ in range(9):
        tempo.leave(0.0)
    for _ in range(5):
        tempo.refused(0.0, 0.1)
    assert tempo.rate == 8


def test_a_refusal_off_trial_leaves_70_to_95_per_cent() -> None:
    """How much depends on what was let in lately; a pause of one interval follows."""
    tempo = learned(4.0)
    tempo.leave(0.0)
    tempo.refused(0.0, 0.1)
    assert tempo.rate == pytest.approx(2.8)
    assert tempo.earliest(0.1) == pytest.approx(0.1 + 1 / 2.8)
    tempo = learned(1.0)
    *_, last = leave(tempo, 2)
    tempo.refused(last, last)
    assert tempo.rate == pytest.approx(0.95)


def test_the_rate_never_falls_under_a_call_in_two_minutes() -> None:
    """However often it is refused; unless even less is stated."""
    for most, least in ((None, FLOOR), (0.001, 0.00095)):
        tempo = Tempo(most)
        now = 0.0
        for _ in range(60):
            (now,) = leave(tempo, 1, now)
            tempo.refused(now, now)
        assert tempo.rate == pytest.approx(least)


def test_more_is_tried_after_calls_that_left_because_of_the_rate() -> None:
    """After four of them the next follow 2 % sooner; what is learned stays until that is known."""
    tempo = begun(0.5)
    *_, third = leave(tempo, 3)
    assert interval(tempo, third) == pytest.approx(1.01 / 0.5)
    (fourth,) = leave(tempo, 1, third)
    assert interval(tempo, fourth) == pytest.approx(1.01 / 0.51)
    assert tempo.rate == 0.5


def test_nothing_is_tried_while_something_else_holds_calls_back() -> None:
    """Calls that leave later than the rate allows do not count."""
    tempo = learned(0.5)
    for nth in range(100):
        tempo.leave(nth * 3.0)
    assert interval(tempo, 297.0) == pytest.approx(1.01 / 0.5, abs=0.01)


def test_a_trial_that_is_survived_is_the_rate_and_the_next_is_sooner_and_bolder() -> None:
    """Three windows' worth of calls end it; the next begins with the next call, at 8 % more."""
    tempo = begun(0.5)
    *_, last = leave(tempo, 7)
    assert tempo.rate == pytest.approx(0.51)
    *_, last = leave(tempo, 1, last)
    assert interval(tempo, last) == pytest.approx(1.01 / (0.51 * 1.08))


def test_a_trial_that_is_refused_is_undone_and_the_next_is_later_and_shyer() -> None:
    """The rate is what it was; the next trial takes four times as many calls, up to 45."""
    tempo = begun(0.5)
    *_, last = leave(tempo, 8)  # the second trial, at 8 %
    for calls, step in ((4, 0.02), (16, 0.02), (45, 0.02), (45, 0.02)):
        *_, last = leave(tempo, 1, last)
        tempo.refused(last, last)
        assert tempo.rate == pytest.approx(0.51)
        *_, last = leave(tempo, calls - 1, last)
        assert interval(tempo, last) == pytest.approx(1.01 / 0.51)
        *_, last = leave(tempo, 1, last)
        assert interval(tempo, last) == pytest.approx(1.01 / (0.51 * (1 + step)))


def test_a_call_from_before_the_trial_speaks_of_the_rate() -> None:
    """The one that left as the trial began left at the old rate: its refusal cuts that."""
    tempo = begun(0.5)
    *_, last = leave(tempo, 4)
    tempo.refused(last, last)
    assert tempo.rate == pytest.approx(0.475)


def test_a_rate_that_is_back_at_what_is_stated_is_forgotten() -> None:
    """The stated rate is tried, never exceeded, and then nothing is held back any more."""
    tempo = begun(0.5, most=0.505)
    *_, last = leave(tempo, 4)
    assert interval(tempo, last) == pytest.approx(1.01 / 0.505)
    *_, last = leave(tempo, 3, last)
    assert (tempo.rate, tempo.earliest(last)) == (None, -math.inf)


def test_what_was_learned_before_is_where_it_begins() -> None:
    """A rate is taken up again, unless it is no less than what is stated."""
    for rate, begun in ((0.5, 0.5), (2.0, None), (1e-9, FLOOR), (None, None)):
        tempo = Tempo(2.0)
        tempo.begin(rate)
        assert tempo.rate == begun
    tempo = learned(0.5)
    tempo.leave(0.0)
    tempo.begin(None)
    assert (tempo.rate, tempo.earliest(0.0)) == (None, -math.inf)


def test_a_departure_that_did_not_happen_is_taken_back() -> None:
    """It frees its place, and does not count as let in; before anything is learned, too."""
    tempo = learned(0.5)
    tempo.leave(0.0)
    tempo.undo(0.0)
    assert tempo.earliest(0.0) <= 0.0
    tempo = Tempo(None)
    for left in (0.0, 0.1, 0.2, 0.3):
        tempo.leave(left)
    tempo.undo(0.1)
    tempo.undo(9.9)  # what is not there changes nothing
    tempo.refused(0.3, 0.4)
    assert tempo.rate == 2


def test_a_late_departure_holds_back_those_that_follow() -> None:
    """One that took place later than granted counts from then; before anything is learned not."""
    tempo = learned(0.5)
    tempo.leave(0.0)
    tempo.moved(0.0, 1.0)
    assert tempo.earliest(0.0) == pytest.approx(1.0 + 2.02)
    tempo = Tempo(None)
    tempo.leave(0.0)
    tempo.moved(0.0, 1.0)
    assert tempo.earliest(0.0) == -math.inf


@pytest.mark.parametrize(("rate", "hours"), [(20.0, 0.2), (2.0, 0.5), (0.2, 2), (1 / 60, 12)])
def test_an_unknown_rate_is_used_and_hardly_exceeded(rate: float, hours: float) -> None:
    """Of one call a minute and of twenty a second 93 % are used, and at most 4 % refused."""
    tempo = Tempo(None)
    tempo.begin(100 * rate)
    _, _, now = drive(tempo, rate, 0.2 * hours * 3600)
    used, refused, _ = drive(tempo, rate, hours * 3600, began=now)
    assert used >= 0.93
    assert refused <= 0.04


def test_a_limit_that_rose_25_fold_is_found() -> None:
    """From 0.4 to 10 a second within two minutes and a half."""
    tempo = Tempo(None)
    tempo.begin(0.5)
    _, _, now = drive(tempo, 0.4, 600)
    _, _, now = drive(tempo, 10.0, 150, began=now)
    assert 9.3 <= (tempo.rate or 0.0) <= 10.2


Steps = st.lists(
    st.tuples(
        st.sampled_from(["leave", "leave", "late", "answer", "refuse", "undo", "move"]),
        st.floats(0, 3),
    ),
    max_size=80,
)


@given(st.none() | st.floats(0.001, 100), st.none() | st.floats(0.001, 200), Steps)
def test_the_rate_stays_within_bounds_and_asking_changes_nothing(
    most: float | None, begun: float | None, steps: list[tuple[str, float]]
) -> None:
    """Whatever happens, it is under what is stated, and a call in two minutes at the least."""
    tempo, now, out = Tempo(most), 0.0, list[float]()
    tempo.begin(begun)
    for what, later in steps:
        before = copy.deepcopy(tempo)
        assert tempo.earliest(now) == tempo.earliest(now) == before.earliest(now)
        if what in {"leave", "late"}:
            now = max(now, tempo.earliest(now)) + (later if what == "late" else 0.0)
            tempo.leave(now)
            out.append(now)
        elif out:
            left = out.pop(0)
            match what:
                case "answer":
                    pass
                case "refuse":
                    tempo.refused(left, now)
                case "undo":
                    tempo.undo(left)
                case _:
                    tempo.moved(left, left + later)
        rate = tempo.rate
        if rate is not None:
            assert min(FLOOR, 0.95 * (most or math.inf)) <= rate < (most or math.inf)


def test_a_refusal_that_took_its_time_tells_what_had_left_with_it() -> None:
    """What counts is what was let in before the refused call left, however late the refusal is."""
    tempo = Tempo(None)
    for nth in range(30):
        tempo.leave(nth / 10)
    left = 3.0
    tempo.leave(left)
    tempo.refused(left, left + 2.5)
    assert tempo.rate == pytest.approx(10.0, rel=0.15)
