"""Who waits, in which order: first come, first served among equals, repetitions first. Pure.

Equals are calls for the same model: what is learned of one model holds back none of another. So
each model has a line of its own, and ``heads`` are the first of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

import attrs

Item = TypeVar("Item")

_FEW = 16  # places that were left, and are not worth dropping

Model = str | None
"""The ``req_key`` of a request; None where it is not known yet."""


@attrs.define(eq=False)
class Place(Generic[Item]):
    """A place in the line.

    Attributes:
        item: Who stands there.
        model: For which model.
        number: When it came, as a number that only grows.
        again: Whether its request went out before, so that it goes before new work.
        left: Whether it is in the line no more.
    """

    item: Item
    model: Model
    number: int
    again: bool
    left: bool = False

    def __lt__(self, other: Place[Item]) -> bool:
        """Tell whether it comes before another: a repetition does, and else who came first."""
        return self.number < other.number if self.again == other.again else self.again


class Line(Generic[Item]):
    """All who wait."""

    def __init__(self) -> None:
        self._numbers = count()
        self._lines: dict[Model, list[Place[Item]]] = {}
        self._dead: dict[Model, int] = {}  # places that were left and stand there still
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def join(
        self, item: Item, model: Model, *, again: bool = False, number: int | None = None
    ) -> Place[Item]:
        """Take a place: behind all others of its kind, or where one of that number would stand."""
        place = Place(item, model, next(self._numbers) if number is None else number, again)
        heappush(self._lines.setdefault(model, []), place)
        self._waiting += 1
        return place

    def is_head(self, place: Place[Item]) -> bool:
        """Tell whether nobody for its model came before."""
        return self._lines[place.model][0] is place

    def leave(self, place: Place[Item]) -> None:
        """Give a place up, wherever in the line it is; doing so again changes nothing."""
        if not place.left:
            place.left = True
            self._waiting -= 1
            self._close_ranks(place.model)

    def _close_ranks(self, model: Model) -> None:
        """Drop the places that were left, once they are most of a line."""
        line = self._lines[model]
        self._dead[model] = self._dead.get(model, 0) + 1
        if self._dead[model] > max(_FEW, len(line) // 2):
            line[:] = [place for place in line if not place.left]
            heapify(line)
            self._dead[model] = 0

    def heads(self) -> Iterator[Place[Item]]:
        """Give the first of each model that is still there."""
        for line in self._lines.values():
            while line and line[0].left:
                self._dead[heappop(line).model] -= 1
            if line:
                yield line[0]

    def everybody(self) -> list[Place[Item]]:
        """Give all who wait, in order."""
        return sorted(place for line in self._lines.values() for place in line if not place.left)
