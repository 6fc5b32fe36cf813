"""This part of ``python -m benchmarks``, by the contract that all parts keep."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import cattrs

from benchmarks.calls import pages as all_pages
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


def pages(figures: Mapping[str, object]) -> Mapping[str, str]:
    """Give the files for the documentation, by name."""
    return all_pages.pages(cattrs.structure(figures, Figures))
