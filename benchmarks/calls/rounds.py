"""Rounds: who goes when, for how many calls, and what comes of all rounds. Arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import median, quantiles
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class Spread:
    """The median over all rounds, and between what the middle half of them lay."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up the values of all rounds."""
    if len(values) < 2:
        return Spread(*values, *values, *values)
    low, _, high = quantiles(values, n=4, method="inclusive")
    return Spread(median(values), low, high)


def ratios(values: Sequence[float], to: Sequence[float]) -> list[float]:
    """Set each value against the other one of its own round."""
    return [value / other for value, other in zip(values, to, strict=True)]


def four_digits(value: float) -> float:
    """Round to what means anything."""
    return float(f"{value:.4g}")


def turns(contenders: Sequence[T], nth: int) -> list[T]:
    """Give the order of a round; another one each time, so that nobody always follows the same."""
    return Random(nth).sample(contenders, len(contenders))


def calls_within(seconds: float, each: float, least: int) -> int:
    """Tell how many calls, of so many seconds each, take so long; a multiple of ``least``."""
    return least * max(1, math.ceil(seconds / each / least))
