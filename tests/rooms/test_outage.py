"""Outages by a virtual clock: how little is lost to one, and when somebody looks again."""

from __future__ import annotations

import heapq
import math

import attrs
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.outage import Outage

PAUSE, LONGEST = 1.0, 8.0
LONG = 2.5 * LONGEST


def begun(*, sent: bool = True, last_sent: bool | None = None, replied: bool = True) -> Outage:
    """Give an outage that begins at 0, of five calls that were sent, or not."""
    outage = Outage(PAUSE, LONGEST)
    ends = [sent] * 4 + [sent if last_sent is None else last_sent]
    begins = [fail(outage, 0.0, sent=end, replied=replied and end) for end in ends]
    assert begins == [False] * 4 + [True]
    return outage


def fail(outage: Outage, now: float, *, sent: bool = True, replied: bool = True) -> bool:
    """Let one call leave and fail at once; tell whether the outage begins."""
    number = outage.leave(now)
    return outage.silent(number, now, sent=sent, replied=replied and sent)


def answer(outage: Outage, now: float) -> bool:
    number = outage.leave(now)
    return outage.answered(number)


def test_five_in_a_row_begin_it_and_an_answer_ends_it() -> None:
    """Five silent attempts are an outage; the first answer to a call that left since ends it."""
    outage = begun()
    assert (outage.on, outage.lasting(7.0)) == (True, 7.0)
    assert outage.earliest(in_flight=1) == math.inf
    assert answer(outage, 20.0)
    assert (outage.on, outage.lasting(30.0), outage.next_probe) == (False, 0.0, math.inf)
    assert outage.earliest(in_flight=9) == -math.inf
    assert not answer(outage, 30.0)
    outage.probed(31.0, answered=False)  # a probe that comes too late says nothing
    assert (outage.on, outage.earliest(in_flight=9)) == (False, -math.inf)


def test_an_answer_in_between_begins_the_row_anew() -> None:
    """Four failures, an answer, and four failures are no outage."""
    outage = Outage(PAUSE, LONGEST)
    for _ in range(4):
        fail(outage, 0.0)
    ever = [outage.ever_answered]
    assert not answer(outage, 0.0)
    assert [*ever, outage.ever_answered] == [False, True]
    assert not any(fail(outage, 0.0) for _ in range(4))
    assert fail(outage, 0.0)


def test_an_older_call_s_answer_says_nothing_of_now() -> None:
    """A call that left before the streak began does not end it, nor the outage."""
    outage = Outage(PAUSE, LONGEST)
    old = [outage.leave(0.0) for _ in range(2)]
    fail(outage, 1.0)
    assert not outage.answered(old[0])
    assert outage.in_a_row == 1
    for _ in range(4):
        fail(outage, 1.0)
    assert not outage.answered(old[1])
    assert outage.on


def test_while_a_streak_is_on_few_calls_are_under_way() -> None:
    """After n failures in a row no call leaves unless fewer than 5 - n are out, new or old."""
    outage = Outage(PAUSE, LONGEST)
    assert outage.earliest(in_flight=99) == -math.inf
    for failures in range(1, 5):
        fail(outage, 1.0)
        room = 5 - failures
        assert outage.earliest(in_flight=room - 1) == -math.inf
        assert outage.earliest(in_flight=room) == math.inf
    answer(outage, 2.0)
    assert outage.earliest(in_flight=99) == -math.inf


def test_pauses_between_probes_double_up_to_the_longest() -> None:
    """Probes go out after 1, 2, 4, 8, 8 … seconds, as long as none is a sign of recovery."""
    outage = begun()
    times = [outage.next_probe]
    for _ in range(4):
        outage.probed(times[-1], answered=False)
        times.append(outage.next_probe)
    assert times == [1.0, 3.0, 7.0, 15.0, 23.0]
    assert outage.earliest(0) == LONG


def test_a_probe_answered_after_one_that_failed_is_a_sign() -> None:
    """Then one paid call goes out at once, alone."""
    outage = begun()
    outage.probed(1.0, answered=False)
    assert outage.earliest(0) == LONG
    outage.probed(3.0, answered=True)
    assert outage.earliest(0) == 3.0
    outage.leave(3.0)
    assert outage.earliest(in_flight=1) == math.inf


def test_a_probe_answered_after_an_attempt_that_was_not_sent_is_a_sign() -> None:
    """A network that was gone, and is there again, is worth a paid call."""
    outage = begun(last_sent=False)
    outage.probed(1.0, answered=True)
    assert outage.earliest(0) == 1.0


def test_a_probe_answered_where_calls_were_hung_up_on_is_a_sign() -> None:
    """A provider that did not even reply, and does, is worth one paid call, and no second."""
    outage = begun(replied=False)
    outage.probed(1.0, answered=True)
    assert outage.earliest(0) == 1.0
    fail(outage, 1.0, replied=False)
    outage.probed(3.0, answered=True)
    assert outage.earliest(0) == 1.0 + LONG


def test_a_new_opening_is_a_sign_from_the_user() -> None:
    """One paid call goes at once, alone; without an outage there is nothing to renew."""
    outage = begun()
    outage.renewed()
    assert outage.earliest(0) == -math.inf
    assert outage.earliest(in_flight=1) == math.inf
    fail(outage, 1.0)
    assert outage.earliest(0) == 1.0 + 2 * LONG
    well = Outage(PAUSE, LONGEST)
    well.renewed()
    assert well.earliest(in_flight=9) == -math.inf


def test_probes_that_are_always_answered_tell_nothing() -> None:
    """Then paid calls go out after 2.5 longest pauses, then 5, 10 and 10."""
    outage = begun()
    assert gaps(outage, answered=True) == [LONG, 2 * LONG, 4 * LONG, 4 * LONG]


def test_probes_that_are_never_answered_do_not_hold_up_for_ever() -> None:
    """A gateway that hangs up on every probe gets a paid call after the same long pauses."""
    outage = begun()
    assert gaps(outage, answered=False) == [LONG, 2 * LONG, 4 * LONG, 4 * LONG]


def gaps(outage: Outage, *, answered: bool) -> list[float]:
    """Let paid calls go out as soon as they may, and fail; give the pauses before each."""
    found, now = list[float](), 0.0
    for _ in range(4):
        outage.probed(now, answered=answered)
        found.append(outage.earliest(0) - now)
        now += found[-1]
        fail(outage, now)
    return found


def test_after_a_wrong_sign_the_next_paid_call_waits_long() -> None:
    """A call lost to a sign makes signs worth nothing, and the long pause begins anew."""
    outage = begun()
    outage.probed(1.0, answered=False)
    outage.probed(3.0, answered=True)
    fail(outage, 3.0)
    outage.probed(7.0, answered=False)
    outage.probed(15.0, answered=True)
    assert outage.earliest(0) == 3.0 + LONG
    number = outage.leave(3.0 + LONG)
    outage.silent(number, 3.0 + LONG, sent=False)  # this one cost nothing: signs count again
    assert outage.earliest(0) == 3.0 + 2 * LONG
    outage.probed(30.0, answered=True)
    assert outage.earliest(0) == 30.0


def test_while_nothing_can_be_sent_paid_calls_are_the_probes() -> None:
    """They cost nothing: one at a time, with growing pauses, and no plain probes."""
    outage = begun(sent=False)
    times = [outage.earliest(0)]
    for _ in range(4):
        assert outage.next_probe == math.inf
        fail(outage, times[-1], sent=False)
        times.append(outage.earliest(0))
    assert times == [1.0, 3.0, 7.0, 15.0, 23.0]
    fail(outage, 23.0)  # the network is there again, the provider is not
    assert outage.earliest(0) == 23.0 + LONG
    assert outage.next_probe == 23.0 + LONGEST


def test_a_straggler_changes_the_timetable_only_by_what_it_cost() -> None:
    """A call from before the outage is no trial; one that was lost makes others wait long."""
    outage = Outage(PAUSE, LONGEST)
    stragglers = [outage.leave(0.0) for _ in range(3)]
    for _ in range(5):
        fail(outage, 0.0, sent=False)
    outage.silent(stragglers[0], 0.5, sent=False)
    assert outage.earliest(0) == 1.0
    outage.silent(stragglers[1], 0.5, sent=True)
    assert outage.earliest(0) == 0.5 + LONG
    outage.silent(stragglers[2], 0.7, sent=True)
    assert outage.earliest(0) == 0.5 + LONG
    outage.undo(stragglers[2])
    assert outage.earliest(0) == 0.5 + LONG


def test_a_trial_that_does_not_go_out_leaves_its_place_to_another() -> None:
    """Undone, another may go at once; cut off and never told of, the next waits long."""
    outage = begun()
    number = outage.leave(LONG)
    outage.undo(number)
    assert outage.earliest(0) <= LONG
    outage.leave(LONG)
    assert outage.earliest(0) == 2 * LONG


@attrs.define
class Provider:
    """A provider that goes down, and a client with so many slots that keeps asking."""

    slots: int
    down: float
    takes: list[float]
    unsent: list[bool]
    answers: list[bool]
    outage: Outage = attrs.field(factory=lambda: Outage(PAUSE, LONGEST))
    lost: int = 0
    out_at_first: int = 0
    first_failed: bool = False
    misled: bool = False

    def run(self) -> None:
        """Go on until 2.5 longest pauses after the outage began; it never recovers."""
        now, ends, flying = 0.0, math.inf, list[tuple[float, int, float]]()
        probe_failed = False
        while now < ends:
            while len(flying) < self.slots and self.outage.earliest(len(flying)) <= now:
                number = self.outage.leave(now)
                takes = self.takes[number % len(self.takes)]
                heapq.heappush(flying, (now + takes, number, now))
            back = flying[0][0] if flying else math.inf
            leaves = self.outage.earliest(len(flying)) if len(flying) < self.slots else math.inf
            now = max(now, min(back, self.outage.next_probe, leaves))
            if flying and back <= now:
                self.come_back(now, heapq.heappop(flying), len(flying))
            elif self.outage.next_probe <= now:
                answered = self.answers[int(now) % len(self.answers)]
                self.misled |= answered and probe_failed
                probe_failed |= not answered
                self.outage.probed(now, answered=answered)
            if self.outage.on and ends == math.inf:
                ends = now + LONG

    def come_back(self, now: float, call: tuple[float, int, float], still_out: int) -> None:
        _, number, left = call
        if left < self.down:
            self.outage.answered(number)
            return
        sent = not self.unsent[number % len(self.unsent)]
        if not self.first_failed:
            self.first_failed, self.out_at_first = True, still_out
        self.lost += sent
        self.misled |= not sent
        self.outage.silent(number, now, sent=sent, replied=sent)


@given(
    st.integers(1, 16),
    st.floats(0, 20),
    st.lists(st.floats(0.01, 5), min_size=1, max_size=9),
    st.lists(st.booleans(), min_size=1, max_size=9),
    st.lists(st.booleans(), min_size=1, max_size=9),
)
def test_no_more_are_lost_than_five_or_those_that_were_out(
    slots: int, down: float, takes: list[float], unsent: list[bool], answers: list[bool]
) -> None:
    """In an outage's first 2.5 longest pauses: five or those out at first, and one wrong sign."""
    provider = Provider(slots, down, takes, unsent, answers)
    provider.run()
    assert provider.lost <= max(5, 1 + provider.out_at_first) + provider.misled


@given(st.integers(1, 16), st.floats(0, 20), st.lists(st.floats(0.01, 5), min_size=1, max_size=9))
def test_where_probes_say_nothing_five_are_lost_exactly(
    slots: int, down: float, takes: list[float]
) -> None:
    """If only calls fail, no call is risked before the long pause is over."""
    provider = Provider(slots, down, takes, [False], [True])
    provider.run()
    assert 5 <= provider.lost <= max(5, 1 + provider.out_at_first)
