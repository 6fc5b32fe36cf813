"""How well the limits of an account are learned from refusals, and how well by other rules.

    python -m benchmarks.learning [--short] [--markdown]

A simulation by a virtual clock: nothing sleeps, and the same seeds give the same table. There is
always more work waiting. The provider judges as the local gateway does: in any w seconds, w the
longer of 1 s and 1/rate, it lets in ⌈rate · w⌉ calls, and so many at once. What it refuses it
refuses at once, which takes a round trip of 0.1 s and counts for nothing. Which of the waiting
requests leaves makes no difference here. With ours a refused one waits outside, so that another
goes in its place; with the others it waits in its slot, up to 2 s, which spares them refusals.

Used is what was let in of what the limit allows: seconds of slots, or calls; where both bind, calls
of what the tighter allows. Refused is a share of all that was sent. Both are counted after the
first minute of each phase, and for ours over the whole of it, too. A rate is found at the end of
the first 10 s (or 5 calls, if they take longer) in which 90 % of what it allows were let in, and at
most 10 % of what was sent was refused.

Ours are ``Room`` and ``Tempo`` together, told nothing but that 64 in flight are the most. Beside:

* told: who knows the limits exactly. The round trip leaves each slot empty for 1 % of the time, and
  where both limits bind, chance leaves more unused than that.
* 2 in flight and 1 a second: limits stated too low; 16 in flight: stated too high.
* additive: one more in flight a round of successes, one less a refusal.
* AIMD: one more a round, x 0.7 a refusal; refusals of calls that left together cut once.
* Gradient2: by latency, with the defaults of Netflix's concurrency-limits, and 64 at the most.

Shown are medians of five seeds, of three for the rules beside; the bars are for the worst of the
five. The exit code is 1 if ours misses one; which one is printed.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import random
import statistics
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Literal, Protocol

import attrs

from volcv_async.governor.pace import Pace
from volcv_async.governor.room import Room
from volcv_async.governor.tempo import Tempo

Refusal = Literal["rate", "concurrency"]

_MOST = 64  # calls in flight that every rule may reach
_WAY = 0.05  # seconds to the provider, and back
_PAUSE = 2.0  # seconds that a refused request waits at the most
_SETTLING = 60.0  # seconds of each phase that are not judged
_SIGMA = 0.2  # of the natural logarithm of how long a call takes


# The provider


@attrs.frozen
class Phase:
    """What a provider allows for a while: calls a second, and at once.

    Calls are counted over a window of so many seconds, or of 1/rate if that is longer.
    """

    seconds: float
    rate: float | None = None
    slots: int = _MOST
    window: float = 1.0

    @property
    def title(self) -> str:
        """The limits, in words."""
        rate = [] if self.rate is None else [f"{self.rate:g}/s"]
        slots = [] if self.slots == _MOST else [f"{self.slots} slots"]
        return ", ".join(rate + slots)


class Provider:
    """Judges each call by those let in before it; what it refuses counts for nothing."""

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.in_flight = 0
        self._let_in: list[float] = []

    def refusal(self, now: float) -> Refusal | None:
        """Say why a call is refused, if it is; one that is not is let in."""
        rate = self.phase.rate
        if rate is not None:
            window = max(self.phase.window, 1 / rate)
            recent = len(self._let_in) - bisect_right(self._let_in, now - window)
            if recent >= math.ceil(rate * window - 1e-9):
                return "rate"
        if self.in_flight >= self.phase.slots:
            return "concurrency"
        self._let_in.append(now)
        self.in_flight += 1
        return None


# The rules


class Rule(Protocol):
    """Decides when calls leave, and learns from what becomes of them."""

    waits_inside: bool

    def earliest(self, now: float) -> float:
        """When the next call may leave."""
        ...

    def leave(self, now: float) -> None:
        """Count a departure."""
        ...

    def freed(self, left: float, now: float) -> None:
        """Free a slot."""
        ...

    def over(self, left: float, now: float, refusal: Refusal | None) -> None:
        """Learn from an answer."""
        ...


class Ours:
    """What the library does for one model of an account that states nothing."""

    waits_inside = False

    def __init__(self) -> None:
        self.room = Room(_MOST, 2)
        self.tempo = Tempo(None)

    def earliest(self, now: float) -> float:
        """When both allow it."""
        return max(self.room.earliest(now), self.tempo.earliest(now))

    def leave(self, now: float) -> None:
        """Take of both."""
        self.room.leave(now)
        self.tempo.leave(now)

    def freed(self, left: float, now: float) -> None:
        """Free a slot."""
        self.room.came_back(left, now)

    def over(self, left: float, now: float, refusal: Refusal | None) -> None:
        """Teach the one that a refusal speaks of."""
        match refusal:
            case None:
                self.room.answered(left, now)
            case "concurrency":
                self.room.refused(left, now)
            case "rate":
                self.tempo.refused(left, now)


class Fixed:
    """A cap, and perhaps a rate, that stay as they are."""

    waits_inside = True

    def __init__(self, cap: float, rate: float | None = None) -> None:
        self.cap = cap
        self.in_flight = 0
        self._pace = Pace(rate) if rate else None

    def earliest(self, now: float) -> float:
        """When there is room, and the rate allows it."""
        if self.in_flight >= max(1, int(self.cap)):
            return math.inf
        return self._pace.earliest(now) if self._pace else -math.inf

    def leave(self, now: float) -> None:
        """Take a slot."""
        self.in_flight += 1
        if self._pace:
            self._pace.leave(now)

    def freed(self, left: float, now: float) -> None:  # noqa: ARG002 - as the others
        """Free a slot."""
        self.in_flight -= 1

    def over(self, left: float, now: float, refusal: Refusal | None) -> None:
        """Learn nothing."""


class Told(Fixed):
    """The limits as they are, and told of every change; a refused request waits outside."""

    waits_inside = False

    def __init__(self) -> None:
        super().__init__(_MOST)

    def hear(self, phase: Phase) -> None:
        """Go on within other limits."""
        self.cap = phase.slots
        self._pace = Pace(phase.rate) if phase.rate else None


class Additive(Fixed):
    """One more a round of successes, one less a refusal."""

    def over(self, left: float, now: float, refusal: Refusal | None) -> None:
        """Move the cap."""
        change = 1 / self.cap if refusal is None else self.cut(left, now)
        self.cap = min(max(self.cap + change, 1), _MOST)

    def cut(self, left: float, now: float) -> float:  # noqa: ARG002 - others look at it
        """What a refusal changes."""
        return -1.0


class Aimd(Additive):
    """One more a round of successes, x 0.7 after refusals of calls that left together."""

    _cut = -math.inf

    def cut(self, left: float, now: float) -> float:
        """What a refusal changes: nothing, if the call left before the last cut."""
        if left <= self._cut:
            return 0.0
        self._cut = now
        return -0.3 * self.cap


class Gradient2(Fixed):
    """By the usual latency over the latest one; a refusal is an answer like any other."""

    _usual = 0.0
    _samples = 0

    def over(self, left: float, now: float, refusal: Refusal | None) -> None:  # noqa: ARG002
        """Move the cap, as long as at least half of it is in use."""
        latest = now - left
        self._samples += 1
        weight = 1 / self._samples if self._samples <= 10 else 2 / 601
        self._usual += (latest - self._usual) * weight
        if self._usual > 2 * latest:
            self._usual *= 0.9
        if self.in_flight >= self.cap / 2:
            gradient = max(0.5, min(1.0, self._usual / latest))
            self.cap = min(max(0.8 * self.cap + 0.2 * (self.cap * gradient + 4), 1), _MOST)


RULES: dict[str, Callable[[], Rule]] = {
    "ours": Ours,
    "told": Told,
    "2 in flight, 1/s": lambda: Fixed(2, 1.0),
    "16 in flight": lambda: Fixed(16),
    "additive": lambda: Additive(2),
    "AIMD": lambda: Aimd(2),
    "Gradient2": lambda: Gradient2(20),
}


# The cases


@attrs.frozen
class Case:
    """What is simulated, and what ours must reach in it.

    Attributes:
        name: What is to be learned.
        phases: What the provider allows, one after the other.
        takes: Seconds that a call takes, on average.
        sigma: How much that varies: 0, not at all.
        late: Seconds that a call may take longer on its way, drawn evenly.
        stranger: Calls a second of another user of the same limit, a new one of these each minute.
        used: The least share of the limit that ours must use, after the first minute.
        of_told: The least of what one uses who is told the limits.
        refused: The largest share that may be refused then.
        found: Seconds within which the first rate must be found.
    """

    name: str
    phases: tuple[Phase, ...]
    takes: float = 10.0
    sigma: float = _SIGMA
    late: float = 0.0
    stranger: tuple[float, ...] = ()
    used: float = 0.0
    of_told: float = 0.0
    refused: float = 1.0
    found: float = math.inf

    @property
    def titles(self) -> list[str]:
        """A title a phase; one for all, if they are many."""
        if self.changing or len(self.phases) == 1:
            return [self.name]
        return [f"{self.name}: {phase.title}" for phase in self.phases]

    @property
    def changing(self) -> bool:
        """Whether the phases are too many to be looked at one by one."""
        return len(self.phases) > 3


def _slots(*slots: int) -> tuple[Phase, ...]:
    return tuple(Phase(1200, slots=some) for some in slots)


def _rates(*rates: float) -> tuple[Phase, ...]:
    return tuple(Phase(1200, rate=rate) for rate in rates)


def _left_by_a_stranger() -> tuple[Phase, ...]:
    taken = random.Random("stranger")
    return tuple(Phase(60, slots=20 - taken.randint(0, 15)) for _ in range(40))


CASES = [
    Case("12, 5, 25 slots", _slots(12, 5, 25), used=0.97, refused=0.03),
    Case("the same, each call exactly 10 s", _slots(12, 5, 25), sigma=0, used=0.97, refused=0.03),
    Case("2/s", _rates(2), 5, used=0.93, refused=0.03, found=_SETTLING),
    Case(
        "2/s, calls up to 20 ms late",
        _rates(2),
        5,
        late=0.02,
        used=0.93,
        refused=0.03,
        found=_SETTLING,
    ),
    Case("0.2/s", (Phase(3600, 0.2),), 5, used=0.93, refused=0.03),
    Case("20/s", (Phase(600, 20),), 2, used=0.93, refused=0.03, found=_SETTLING),
    Case("20/s, calls up to 20 ms late", (Phase(600, 20),), 2, late=0.02, used=0.93, refused=0.03),
    Case("2, 0.5, 8/s", _rates(2, 0.5, 8), 5, used=0.93, refused=0.03, found=_SETTLING),
    Case("2/s and 20 slots", (Phase(1800, 2, 20),), 10, of_told=0.97, refused=0.08),
    Case("1/s and 10 slots", (Phase(1800, 1, 10),), 10, of_told=0.97, refused=0.08),
    Case("2/s and 12 slots", (Phase(1800, 2, 12),), 5, of_told=0.97, refused=0.08),
    Case("30 in any minute", (Phase(2400, 0.5, window=60),), 5),
    Case("20 slots, of which a stranger takes 0 to 15", _left_by_a_stranger()),
    Case("4/s, of which a stranger takes 0 to 2", (Phase(2400, 4),), 5, stranger=(0.0, 1.0, 2.0)),
]


# The simulation


@attrs.define
class Count:
    """What happened in some time."""

    accepted: int = 0
    refused: int = 0
    strangers: int = 0
    slot_seconds: float = 0.0


@attrs.frozen
class Result:
    """What became of one phase: shares after its first minute, and over the whole of it."""

    used: float
    refused: float
    used_ever: float
    refused_ever: float
    found: float


class Simulation:
    """One rule against one provider."""

    def __init__(self, case: Case, rule: Rule, seed: int) -> None:
        self._case, self._rule = case, rule
        self._random = random.Random(f"{case.name} {seed}")
        self._provider = Provider(case.phases[0])
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._counts = [Count()]
        self._sent: list[tuple[float, bool]] = []  # when, and whether it was let in

    def run(self) -> list[Result]:
        """Go through all phases."""
        return [self._phase(phase) for phase in self._case.phases]

    def _phase(self, phase: Phase) -> Result:
        self._provider.phase = phase
        if isinstance(self._rule, Told):
            self._rule.hear(phase)
        began = self._now
        self._sent = []
        if self._case.stranger:
            self._strangers(began, phase.seconds)
        early = self._count_until(began + min(_SETTLING, phase.seconds / 2))
        late = self._count_until(began + phase.seconds)
        settled = phase.seconds - min(_SETTLING, phase.seconds / 2)
        whole = Count(*map(sum, zip(attrs.astuple(early), attrs.astuple(late), strict=True)))
        return Result(
            used=self._used(late, settled),
            refused=late.refused / max(1, late.refused + late.accepted),
            used_ever=self._used(whole, phase.seconds),
            refused_ever=whole.refused / max(1, whole.refused + whole.accepted),
            found=self._found(began),
        )

    def _used(self, count: Count, seconds: float) -> float:
        phase = self._provider.phase
        by_slots = phase.slots / self._case.takes
        if phase.rate is None:
            return count.slot_seconds / (phase.slots * seconds)
        return count.accepted / (min(phase.rate, by_slots) * seconds - count.strangers)

    def _found(self, began: float) -> float:
        rate = self._provider.phase.rate
        if rate is None:
            return math.nan
        window = max(10.0, 5 / rate)
        times = [when for when, _ in self._sent]
        let_in = [0, *itertools.accumulate(let_in for _, let_in in self._sent)]
        for nth, end in enumerate(times, 1):
            before = bisect_right(times, end - window)
            fitted = let_in[nth] - let_in[before]
            if end >= began + window and fitted >= 0.9 * max(rate * window, nth - before):
                return end - began
        return math.inf

    # Events

    def _count_until(self, end: float) -> Count:
        count = Count()
        self._counts.append(count)
        while self._step(end):
            pass
        return count

    def _step(self, end: float) -> bool:
        when = max(self._rule.earliest(self._now), self._now)
        first = self._events[0][0] if self._events else math.inf
        if min(when, first) > end:
            self._pass_time(end)
            return False
        self._pass_time(min(when, first))
        if when < first or when == self._now < first:
            self._send()
        else:
            heapq.heappop(self._events)[2]()
        return True

    def _pass_time(self, until: float) -> None:
        busy = min(self._provider.in_flight, self._provider.phase.slots)
        self._counts[-1].slot_seconds += busy * (until - self._now)
        self._now = until

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._numbers), what))

    def _send(self) -> None:
        left = self._now
        self._rule.leave(left)
        self._after(_WAY + self._random.uniform(0, self._case.late), lambda: self._arrive(left))

    def _arrive(self, left: float) -> None:
        refusal = self._provider.refusal(self._now)
        self._sent.append((self._now, refusal is None))
        if refusal is None:
            self._counts[-1].accepted += 1
            self._after(self._duration(), lambda: self._finish(left))
        else:
            self._counts[-1].refused += 1
            self._after(_WAY, lambda: self._turned_away(left, refusal))

    def _finish(self, left: float) -> None:
        self._provider.in_flight -= 1
        self._after(_WAY, lambda: self._came_back(left))

    def _came_back(self, left: float) -> None:
        self._rule.freed(left, self._now)
        self._rule.over(left, self._now, None)

    def _turned_away(self, left: float, refusal: Refusal) -> None:
        if self._rule.waits_inside:
            self._after(self._random.uniform(0, _PAUSE), lambda: self._rule.freed(left, self._now))
        else:
            self._rule.freed(left, self._now)
        self._rule.over(left, self._now, refusal)

    def _duration(self) -> float:
        sigma = self._case.sigma
        return self._case.takes * self._random.lognormvariate(-(sigma**2) / 2, sigma)

    # A stranger

    def _strangers(self, began: float, seconds: float) -> None:
        """Let a stranger send at random moments, at another rate each minute."""
        for minute in range(int(seconds // 60)):
            rate = self._random.choice(self._case.stranger)
            when = began + minute * 60
            while rate:
                when += self._random.expovariate(rate)
                if when >= began + (minute + 1) * 60:
                    break
                self._after(when - self._now, self._stranger)

    def _stranger(self) -> None:
        if self._provider.refusal(self._now) is None:
            self._counts[-1].strangers += 1
            self._after(self._duration(), self._stranger_finished)

    def _stranger_finished(self) -> None:
        self._provider.in_flight -= 1


# The table


@attrs.frozen
class Line:
    """What all seeds came to, for one rule in one phase: medians, and the worst."""

    title: str
    used: float
    least_used: float
    refused: float
    most_refused: float
    used_ever: float
    refused_ever: float
    found: float

    @property
    def brief(self) -> str:
        """Used and refused, in per cent."""
        return f"{self.used:.1%} / {self.refused:.1%}".replace("%", "")


def simulate(job: tuple[Case, str, int]) -> list[Result]:
    """Run one rule through a case."""
    case, rule, seed = job
    results = Simulation(case, RULES[rule](), seed).run()
    return [_mean(results)] if case.changing else results


def _mean(results: list[Result]) -> Result:
    columns = zip(*map(attrs.astuple, results), strict=True)
    return Result(*(statistics.fmean(column) for column in columns))


def summary(title: str, results: list[Result]) -> Line:
    """Sum up what the seeds came to."""
    return Line(
        title=title,
        used=statistics.median(result.used for result in results),
        least_used=min(result.used for result in results),
        refused=statistics.median(result.refused for result in results),
        most_refused=max(result.refused for result in results),
        used_ever=statistics.median(result.used_ever for result in results),
        refused_ever=statistics.median(result.refused_ever for result in results),
        found=max(result.found for result in results),
    )


Lines = dict[str, list[Line]]  # of each rule


def compare(case: Case, seeds: Mapping[str, int], pool: ProcessPoolExecutor) -> Lines:
    """Run rules through a case, each with so many seeds; give a line for each phase."""
    jobs = [(case, rule, seed) for rule, several in seeds.items() for seed in range(several)]
    results = pool.map(simulate, jobs)
    return {
        rule: [
            summary(title, list(of_phase))
            for title, of_phase in zip(
                case.titles, zip(*itertools.islice(results, several), strict=True), strict=True
            )
        ]
        for rule, several in seeds.items()
    }


def missed(case: Case, lines: Lines) -> list[str]:
    """Say which bars ours misses."""
    complaints: list[str] = []
    for nth, (ours, told) in enumerate(zip(lines["ours"], lines["told"], strict=True)):
        least = max(case.used, case.of_told * told.least_used)
        if ours.least_used < least:
            complaints.append(f"{ours.title}: used {ours.least_used:.1%}, not {least:.1%}")
        if ours.most_refused > case.refused:
            complaints.append(
                f"{ours.title}: refused {ours.most_refused:.1%}, not {case.refused:.1%}"
            )
        if nth == 0 and ours.found > case.found:
            complaints.append(f"{ours.title}: found in {ours.found:.0f} s, not {case.found:.0f}")
    return complaints


def table(rows: list[list[str]], *, markdown: bool) -> str:
    """Lay out rows, the first of which is the head."""
    if markdown:
        rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def beside(every: list[Lines]) -> list[list[str]]:
    """Rows that set ours beside the others."""
    rules = list(every[0])
    return [
        ["used / refused, %", *rules],
        *(
            [lines["ours"][nth].title, *(lines[rule][nth].brief for rule in rules)]
            for lines in every
            for nth in range(len(lines["ours"]))
        ),
    ]


def in_detail(every: list[Lines]) -> list[list[str]]:
    """Rows of ours alone: the worst seed, the first minute too, and when a rate was found."""
    head = ["ours", "used", "worst", "refused", "worst", "first minute too", "found, worst"]
    return [head, *(_details(line) for lines in every for line in lines["ours"])]


def _details(line: Line) -> list[str]:
    shares = (line.used, line.least_used, line.refused, line.most_refused)
    ever = f"{line.used_ever:.1%} / {line.refused_ever:.1%}"
    found = f"{line.found:.0f} s" if line.found < math.inf else "never"
    return [
        line.title,
        *map("{:.1%}".format, shares),
        ever,
        "" if line.found != line.found else found,
    ]


def main(*, short: bool, markdown: bool) -> int:
    """Simulate all cases, print the tables, and judge ours."""
    judged: dict[str, int] = dict.fromkeys(["ours", "told"], 2 if short else 5)
    seeds = judged if short else dict.fromkeys(RULES, 3) | judged
    with ProcessPoolExecutor() as pool:
        every = [compare(case, seeds, pool) for case in CASES]
    print(table(beside(every), markdown=markdown), end="\n\n")
    print(table(in_detail(every), markdown=markdown))
    complaints = [
        text for case, lines in zip(CASES, every, strict=True) for text in missed(case, lines)
    ]
    if complaints:
        print("", *complaints, sep="\n", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--short", action="store_true", help="two seeds, and none of the other rules"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables for a page")
    options = parser.parse_args()
    sys.exit(main(short=options.short, markdown=options.markdown))
