"""Who waits, in which order: first come, first served among equals, repetitions first. Pure.

Equals are calls for the same model: what is learned of one model holds back none of another. So
each model has a line of its own, and ``heads`` are the first of each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
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
        self._queues: dict[Model, tuple[_Queue[Item], _Queue[Item]]] = {}  # repetitions, new work
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def number(self) -> int:
        """Give the number of one who comes now."""
        return next(self._numbers)

    def join(
        self, item: Item, model: Model, *, again: bool = False, number: int | None = None
    ) -> Place[Item]:
        """Take a place: behind all others of its kind, or where one of that number would stand."""
        place = Place(item, model, self.number() if number is None else number, again)
        if model not in self._queues:
            self._queues[model] = _Queue(), _Queue()
        self._queues[model][not again].join(place)
        self._waiting += 1
        return place

    def is_head(self, place: Place[Item]) -> bool:
        """Tell whether nobody for its model comes before."""
        repetitions, new_work = self._queues[place.model]
        return (repetitions.first() or new_work.first()) is place

    def leave(self, place: Place[Item]) -> None:
        """Give a place up, wherever in the line it is; doing so again changes nothing."""
        if not place.left:
            place.left = True
            self._waiting -= 1
            self._queues[place.model][not place.again].left()

    def heads(self) -> Iterator[Place[Item]]:
        """Give the first of each model that is still there."""
        for repetitions, new_work in self._queues.values():
            head = repetitions.first() or new_work.first()
            if head is not None:
                yield head

    def everybody(self) -> list[Place[Item]]:
        """Give all who wait, in order."""
        queues = [queue for both in self._queues.values() for queue in both]
        return sorted(place for queue in queues for place in queue.places if not place.left)


class _Queue(Generic[Item]):
    """Places by number. Those that were left stay until they are first, or most of it."""

    def __init__(self) -> None:
        self.places: deque[Place[Item]] = deque()
        self._left = 0

    def join(self, place: Place[Item]) -> None:
        """Stand where the number says: most come last."""
        at = len(self.places)
        while at and place < self.places[at - 1]:
            at -= 1
        self.places.insert(at, place)

    def first(self) -> Place[Item] | None:
        """Give the first that is still there."""
        while self.places and self.places[0].left:
            self.places.popleft()
            self._left -= 1
        return self.places[0] if self.places else None

    def left(self) -> None:
        """Note that one of the places was left."""
        self._left += 1
        if self._left > max(_FEW, len(self.places) // 2):
            self.places = deque(place for place in self.places if not place.left)
            self._left = 0
