"""Client CPU a call, against scripts written by hand and other clients."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import cattrs

from benchmarks.calls import table
from benchmarks.calls.figures import Figures
from benchmarks.calls.measuring import FULL, QUICK
from benchmarks.calls.measuring import measure as play_all


def measure(*, quick: bool, rounds: int | None = None) -> dict[str, object]:
    """Measure, and give the figures as they go into a JSON file."""
    effort = QUICK if quick else FULL
    figures = play_all(attrs.evolve(effort, rounds=rounds or effort.rounds))
    plain: dict[str, object] = cattrs.unstructure(figures)
    return plain


def show(figures: Mapping[str, object]) -> str:
    """Give the tables as text."""
    return table.text(cattrs.structure(figures, Figures))


__all__ = ["measure", "show"]
