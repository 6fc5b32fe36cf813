"""Calls in flight, by a virtual clock: what refusals and answers teach of the cap."""

from __future__ import annotations

import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.governor.room import Room

AT_ONCE, NEVER = -math.inf, math.inf


def filled(most: int = 16, first: int = 4) -> Room:
    """Give a room in which as many left at 0 as its cap."""
    room = Room(most, first)
    for _ in range(room.cap):
        room.leave(0.0)
    return room


def answer(room: Room, now: float, *, left: float = 0.0) -> None:
    """Let a call be answered, and another leave in its place."""
    room.came_back(left, now)
    room.answered(left, now)
    room.leave(now)


def refuse(room: Room, now: float, *, left: float) -> None:
    room.came_back(left, now)
    room.refused(left, now)


def drive(room: Room, slots: int, seconds: float, *, takes: float = 10.0) -> tuple[float, float]:
    """Send all that may go to a provider with so many slots; give shares used and refused."""
    now = busy = 0.0
    refused = taken = 0
    ends: list[tuple[float, float, bool]] = []
    while now < seconds:
        when = max(room.earliest(now), now)
        if when > now or not math.isfinite(when):
            upcoming = min(when, ends[0][0])
            busy += taken * (upcoming - now)
            now = upcoming
            if ends and ends[0][0] <= now:
                _, left, let_in = heapq.heappop(ends)
                taken -= let_in
                room.came_back(left, now)
                (room.answered if let_in else room.refused)(left, now)
            continue
        room.leave(now)
        let_in = taken < slots
        taken += let_in
        refused += not let_in
        heapq.heappush(ends, (now + (takes if let_in else 0.1), now, let_in))
    return busy / slots / seconds, refused / (refused + busy / takes)


def test_calls_leave_until_the_cap_is_reached() -> None:
    """Below the cap a call may leave at once; at the cap only an answer lets one go."""
    room = Room(16, 2)
    assert (room.cap, room.in_flight, room.earliest(0.0)) == (2, 0, AT_ONCE)
    room.leave(0.0)
    assert room.earliest(0.0) == AT_ONCE
    room.leave(0.0)
    assert (room.in_flight, room.earliest(99.0)) == (2, NEVER)
    room.came_back(-1.0, 0.0)
    assert (room.in_flight, room.earliest(99.0)) == (1, AT_ONCE)


def test_a_call_beyond_the_cap_is_tried_only_where_the_cap_binds() -> None:
    """After an answer one more may go, but is no trial while slots are free."""
    room = filled()
    room.came_back(-1.0, 0.0)
    room.answered(0.0, 1.0)
    room.came_back(-1.0, 0.0)
    room.leave(2.0)
    assert room.earliest(9.0) == AT_ONCE  # the fourth slot
    room.leave(9.0)
    assert (room.cap, room.earliest(9.0)) == (4, AT_ONCE)  # the trial
    room.leave(9.0)
    assert (room.cap, room.in_flight, room.earliest(9.0)) == (4, 5, 10.0)


def test_a_trial_that_is_still_out_after_a_second_was_let_in() -> None:
    """The cap is one higher, and with enough answers the next trial begins then."""
    room = filled()
    answer(room, 5.0)
    room.leave(5.0)
    answer(room, 5.5, left=4.0)
    assert (room.cap, room.earliest(5.5)) == (4, 6.0)
    assert room.earliest(6.0) == AT_ONCE
    room.leave(6.0)
    assert (room.cap, room.in_flight, room.earliest(6.5)) == (5, 6, 7.0)


def test_a_trial_is_let_in_when_a_call_that_left_after_it_is_answered() -> None:
    """Answers that come sooner than a second say the same."""
    room = filled()
    answer(room, 5.0)
    room.leave(5.0)
    answer(room, 5.1, left=4.0)
    assert room.cap == 4
    answer(room, 5.2, left=5.1)
    assert (room.cap, room.in_flight) == (5, 5)


def test_a_trial_that_is_answered_was_let_in() -> None:
    """Its own answer says so, however soon it comes, once its slot is free."""
    room = filled()
    answer(room, 5.0)
    room.leave(5.5)
    learned = [room.learned]
    room.came_back(5.5, 5.7)
    caps = [room.cap]
    room.answered(5.5, 5.7)
    assert (caps, room.cap) == ([4], 5)
    assert [*learned, room.learned] == [None, 5]


def test_a_trial_that_ends_without_a_verdict_teaches_nothing() -> None:
    """One that was not sent, or refused for rate, is no proof of a slot, however long ago it is."""
    room = filled()
    answer(room, 5.0)
    room.leave(5.5)
    room.came_back(5.5, 5.7)
    answer(room, 9.0, left=5.0)
    assert (room.cap, room.learned) == (4, None)


def test_what_is_not_taught_is_not_learned() -> None:
    """A cap that nobody refused and no trial raised is what it began with, and no lesson."""
    room = filled(most=4, first=4)
    learned = [room.learned]
    refuse(room, 1.0, left=0.0)
    learned.append(room.learned)
    for now in range(2, 12):
        answer(room, now, left=-1.0)
        if room.earliest(now) == AT_ONCE:
            room.leave(now)
    assert room.cap == 4
    assert [*learned, room.learned] == [None, 3, None]  # it is back at what is stated


def test_while_one_is_tried_others_still_take_the_place_of_those_that_end() -> None:
    """The trial does not keep a slot of the cap empty."""
    room = filled()
    answer(room, 5.0)
    room.leave(5.0)
    room.came_back(-1.0, 0.0)
    assert room.earliest(5.1) == AT_ONCE


def test_a_refusal_says_how_many_fit() -> None:
    """After a refusal as many fit as are still in flight, at least one."""
    room = filled(first=8)
    for _ in range(4):
        room.came_back(-1.0, 0.0)
    refuse(room, 1.0, left=0.5)
    assert (room.cap, room.in_flight) == (3, 3)
    for _ in range(3):
        room.came_back(-1.0, 0.0)
    room.leave(2.0)
    refuse(room, 2.1, left=2.0)
    assert (room.cap, room.in_flight, room.earliest(2.1)) == (1, 0, AT_ONCE)


def answers_before_a_trial(room: Room, now: float) -> int:
    """Count the answers that come before one more may leave; it does."""
    count = 0
    while room.earliest(now) > now:
        answer(room, now, left=now - 10.0)
        count += 1
    room.leave(now)
    return count


def test_trials_are_ever_rarer_after_refusals_and_ever_sooner_after_successes() -> None:
    """Each refusal makes it four times as many answers, up to 36; each success an eighth."""
    room, now, counts = filled(), 10.0, list[int]()
    for _ in range(5):
        counts.append(answers_before_a_trial(room, now))
        refuse(room, now + 0.1, left=now)
        now += 10.0
    assert counts == [1, 4, 16, 36, 36]
    counts.clear()
    for _ in range(3):
        counts.append(answers_before_a_trial(room, now))
        now += 10.0
    assert counts == [36, 4, 0]
    refuse(room, now - 9.9, left=now - 10.0)
    assert answers_before_a_trial(room, now) == 2


def test_a_storm_of_refusals_is_one_lesson() -> None:
    """Of calls that left together each refusal lowers the cap, and only the first the patience."""
    room = filled(first=12)
    for _ in range(8):
        refuse(room, 0.1, left=0.0)
    assert (room.cap, room.in_flight) == (4, 4)
    assert answers_before_a_trial(room, 10.0) == 4


def test_a_trial_that_does_not_go_out_is_no_lesson() -> None:
    """Undone, it may begin again at once; undoing another call leaves it alone."""
    room = filled()
    answer(room, 5.0)
    room.leave(6.0)
    room.undo(6.0)
    assert (room.in_flight, room.earliest(6.5)) == (4, AT_ONCE)
    room.leave(7.0)
    room.undo(5.0)
    assert (room.in_flight, room.earliest(7.0)) == (4, AT_ONCE)
    room.leave(7.5)
    room.leave(8.0)  # the one of 7.0 was let in: this is beyond a cap of 5
    assert (room.cap, room.in_flight) == (5, 6)


def test_nothing_is_tried_beyond_the_most() -> None:
    """A cap that is what is stated stays, whatever is answered."""
    room = filled(most=4, first=9)
    answer(room, 1.0)
    assert (room.cap, room.earliest(9.0)) == (4, NEVER)


def test_what_was_learned_before_is_where_it_begins() -> None:
    """A cap is taken up again, within one and the most."""
    room = Room(16, 2)
    for cap, begun in ((7, 7), (99, 16), (0, 1)):
        room.begin(cap)
        assert room.cap == begun


@pytest.mark.parametrize(("slots", "first"), [(5, 2), (25, 2), (5, 64), (64, 64), (1, 1)])
def test_an_unknown_number_of_slots_is_used_and_hardly_exceeded(slots: int, first: int) -> None:
    """Over two hours 97 % are used, and 3 % refused beside those of a storm at the start."""
    used, refused = drive(Room(64, first), slots, 7200)
    assert used >= 0.97
    assert refused <= 0.03 + max(0, first - slots) / (slots * 720)


Steps = st.lists(
    st.tuples(st.sampled_from(["leave", "answer", "refuse", "undo"]), st.floats(0, 3)), max_size=80
)


@given(st.integers(1, 9), st.integers(1, 9), Steps)
def test_the_count_is_right_and_the_cap_within_bounds(
    most: int, first: int, steps: list[tuple[str, float]]
) -> None:
    """Whatever happens, no more are in flight than may be, and asking changes nothing."""
    room, now, out = Room(most, first), 0.0, list[float]()
    for what, later in steps:
        now += later
        before = vars(room).copy()
        assert room.earliest(now) == room.earliest(now)
        assert vars(room) == before
        if what == "leave" and room.earliest(now) <= now:
            room.leave(now)
            out.append(now)
        elif what == "undo" and out:
            room.undo(out.pop())
        elif what != "leave" and out:
            left = out.pop(0)
            room.came_back(-1.0, 0.0)
            (room.answered if what == "answer" else room.refused)(left, now)
        assert room.in_flight == len(out) <= most
        assert 1 <= room.cap <= most
