"""How many calls could be in flight, over the time of a run, for its card and its drawing."""

from __future__ import annotations

import time
from collections.abc import Callable

_SELDOM = 1.0  # seconds between two looks
_MOST = 500  # changes that are kept; where there are more, every second one is dropped


class Ceiling:
    """Keeps when the limit of calls in flight changed; its clock starts when it is made.

    Args:
        limit: Gives the limit as it is now.
        clock: Where the time comes from, in seconds.

    Attributes:
        steps: The limit, and from how many seconds on it was so, in the order of time.
    """

    def __init__(
        self, limit: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._clock = limit, clock
        self._began = self._looked = clock()
        self.steps: list[tuple[float, int]] = [(0.0, limit())]

    def look_now_and_then(self) -> None:
        """Look, if the last time was long ago."""
        if self._clock() - self._looked >= _SELDOM:
            self.look()

    def look(self) -> None:
        """Note the limit, if it is another than before."""
        self._looked = self._clock()
        limit = self._limit()
        if limit != self.steps[-1][1]:
            self.steps.append((round(self._looked - self._began, 3), limit))
        if len(self.steps) > _MOST:
            del self.steps[1:-1:2]
