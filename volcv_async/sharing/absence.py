"""A store that is lost and comes back: arithmetic under a clock that is given."""

from __future__ import annotations

import math
from collections.abc import Callable


class Absence:
    """Whether a store is out of reach, and the rest that follows its return.

    What it held may be gone, with what others took just before or hold still. So for a while
    nothing is taken: what was taken before grows old, and what is held is stated again.
    """

    def __init__(self, rest: float, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._clock = clock
        self._rest_ends = -math.inf
        self.lasts = False

    def begins(self) -> None:
        """Note that the store was not reached."""
        self.lasts = True

    def ends(self) -> bool:
        """Note that the store was reached; tell whether it was lost until now."""
        if not self.lasts:
            return False
        self.lasts = False
        self._rest_ends = self._clock() + self._rest
        return True

    def rest(self) -> float:
        """Seconds for which nothing is taken yet."""
        return max(0.0, self._rest_ends - self._clock())
