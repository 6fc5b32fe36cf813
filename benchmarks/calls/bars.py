"""The bars that the library holds itself to, and whether it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from benchmarks.calls.figures import Figures, Play, Scene
from benchmarks.calls.programme import BARE, OURS, OURS_ON_UVLOOP, PEERS, READING
from benchmarks.calls.rounds import Spread, spread
from benchmarks.calls.samples import SIZES, Size

Measure: TypeAlias = Callable[[Play], float | None]
"""Reads a figure out of a scene; None if it is not there."""


@attrs.frozen(kw_only=True)
class Bar:
    """What a figure may come to at the most.

    Attributes:
        name: What it is of.
        most: The bar, by size of reply.
        measure: Reads the figure.
        fresh: In the scene with a connection of its own for each call.
        digits: Digits after the point that are shown.
    """

    name: str
    most: Mapping[Size, float]
    measure: Measure
    fresh: bool = False
    digits: int = 2

    def verdict(self, figures: Figures, size: Size) -> str:
        """Say the figure, the bar, and whether it holds; empty where there is no bar."""
        if size not in self.most:
            return ""
        most = f"(≤ {self.most[size]:.{self.digits}f})"
        play = figures.at(Scene(size=size, fresh=self.fresh))
        found = self.measure(play) if play else None
        if found is None:
            return f"? {most}"
        holds = "holds" if found <= self.most[size] else "misses"
        return f"{found:.{self.digits}f} {most} {holds}"


def _median(found: Spread | None) -> float | None:
    return found.median if found else None


def _ratio(name: str, to: str) -> Measure:
    return lambda play: _median(play.ratio(name, to))


def _to_cheapest(play: Play) -> float | None:
    peer = play.cheapest(PEERS)
    return _median(play.ratio(OURS, peer)) if peer else None


def _stall(play: Play) -> float | None:
    track = play.of(OURS)
    return 1e3 * spread(track.stalls).median if track and track.stalls else None


def _peak(play: Play) -> float | None:
    track = play.of(OURS)
    return track.peak / 2**20 if track and track.peak else None


def _sizes(*most: float) -> Mapping[Size, float]:
    return dict(zip(SIZES, most, strict=True))


BARS = (
    Bar(
        name="CPU, bare script = 1",
        most=_sizes(1.05, 0.23, 0.27),
        measure=_ratio(OURS, BARE),
    ),
    Bar(
        name="CPU on uvloop, bare script = 1",
        most=_sizes(0.82, 0.22, 0.26),
        measure=_ratio(OURS_ON_UVLOOP, BARE),
    ),
    Bar(
        name="CPU, read() only = 1",
        most=_sizes(1.25, 1.40, 1.50),
        measure=_ratio(OURS, READING),
    ),
    Bar(
        name="CPU, cheapest peer = 1",
        most=_sizes(0.21, 0.17, 0.25),
        measure=_to_cheapest,
    ),
    Bar(
        name="CPU, fresh, bare script fresh = 1",
        most=_sizes(1.08, 0.38, 0.33),
        measure=_ratio(OURS, BARE),
        fresh=True,
    ),
    Bar(
        name="longest stall, ms",
        most={"medium": 10.0, "large": 20.0},
        measure=_stall,
        digits=1,
    ),
    Bar(name="peak memory, MiB", most={"large": 200.0}, measure=_peak, digits=0),
)
