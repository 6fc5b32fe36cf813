"""What costs more than was recorded, and where. Arithmetic and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from benchmarks.hot_path.figures import Costs
from benchmarks.hot_path.steps import AIOHTTP, ASYNCIO, LIBRARIES, in_files

MORE = 0.10
"""What is dearer than that is too dear, as a share."""

LEAST = 1.0
"""Calls a request that it must be dearer by besides, since some steps have but a few."""

IN_PIECES = frozenset({"stream", "carriers", "call", "transport", AIOHTTP, ASYNCIO})
"""Steps that go on again with each piece of a long body, of which there are now more, now fewer."""

_ONE_PIECE = "small"  # the size of reply that always comes whole
_ROUNDING = 1e-3  # of figures, so that one call more is one call more
_NAMED = 4  # functions that are named with a step


@attrs.frozen(kw_only=True)
class Compared:
    """One figure, as it is and as it was recorded.

    Attributes:
        name: What it is of.
        now: What was found.
        before: What was recorded.
        unit: What is counted.
        because: Which functions are called more often.
    """

    name: str
    now: float
    before: float
    unit: str = "calls a request"
    because: str = ""

    @property
    def dearer(self) -> bool:
        """Whether it costs too much more."""
        return _far_above(self.now, self.before)

    @property
    def cheaper(self) -> bool:
        """Whether it costs so much less that it should be recorded anew."""
        return _far_above(self.before, self.now)

    def __str__(self) -> str:
        digits = 1 if self.now < 1e4 else 0
        now, before = f"{self.now:,.{digits}f}", f"{self.before:,.{digits}f}"
        change = f" ({self.now / self.before - 1:+.0%})" if self.before else ""
        because = f": {self.because}" if self.because else ""
        return f"{self.name}: {now} {self.unit}, recorded {before}{change}{because}"


def _far_above(one: float, other: float) -> bool:
    return one > (1 + MORE) * other and one - other >= LEAST - _ROUNDING


def compare(found: Costs, recorded: Costs) -> Iterator[Compared]:
    """Compare all that can be; where versions differ, only the steps that are ours."""
    for size in recorded.calls:
        yield from _calls(size, found, recorded)
    for size, memory in recorded.memory.items():
        name = f"memory for reading a {size} reply"
        yield Compared(name=name, now=found.memory[size].peak, before=memory.peak, unit="bytes")


def _calls(size: str, found: Costs, recorded: Costs) -> Iterator[Compared]:
    now, before = found.steps(size), recorded.steps(size)
    steps = comparable(size, found, recorded)
    for step in sorted(steps):
        yield Compared(
            name=f"{size} replies, {in_files(step)}",
            now=now.get(step, 0.0),
            before=before.get(step, 0.0),
            because=grown(found.calls[size].get(step, {}), recorded.calls[size].get(step, {})),
        )
    yield Compared(
        name=f"{size} replies, all these steps together",
        now=sum(now.get(step, 0.0) for step in steps),
        before=sum(before.get(step, 0.0) for step in steps),
    )


def comparable(size: str, found: Costs, recorded: Costs) -> frozenset[str]:
    """Name the steps whose calls can be compared."""
    steps = {*found.calls[size], *recorded.calls[size]}
    left_out = set(LIBRARIES) if differing(found, recorded) else set[str]()
    return frozenset(steps - left_out - (set() if size == _ONE_PIECE else IN_PIECES))


def differing(found: Costs, recorded: Costs) -> str:
    """Say which versions differ from those that figures were recorded with; empty if none."""
    return ", ".join(
        f"{name} {found.versions.get(name)} (recorded with {value})"
        for name, value in recorded.versions.items()
        if found.versions.get(name) != value
    )


def grown(now: Mapping[str, float], before: Mapping[str, float]) -> str:
    """Name the functions of a step that are called more often, the most grown first."""
    more = {name: count - before.get(name, 0.0) for name, count in now.items()}
    most = sorted((name for name in more if more[name] > _ROUNDING), key=lambda name: -more[name])
    named = [f"{name} {now[name]:g} times, not {before.get(name, 0):g}" for name in most[:_NAMED]]
    return "; ".join([*named, *(["and others"] if len(most) > _NAMED else [])])


def table(found: Costs, recorded: Costs | None) -> Iterator[str]:
    """Give the calls of each step, as lines for a terminal; those not judged in brackets."""
    for size in found.calls:
        now, before = found.steps(size), (recorded or found).steps(size)
        steps = comparable(size, found, recorded or found)
        yield f"{f'calls a request, {size} reply':<32}{'here':>10}{'recorded':>12}"
        for step in [*now, *(step for step in before if step not in now)]:
            name = step if step in steps else f"({step})"
            yield f"  {name:<30}{now.get(step, 0.0):>10.1f}{before.get(step, 0.0):>12.1f}"
        yield f"  {'all':<30}{sum(now.values()):>10.1f}{sum(before.values()):>12.1f}"
