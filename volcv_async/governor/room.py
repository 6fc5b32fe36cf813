"""Calls in flight under a cap, and what refusals teach of it. Arithmetic."""

from __future__ import annotations

MOST_UNSTATED = 16
"""Calls in flight at the most where the account states no limit."""


class Room:
    """Calls in flight under a cap, and the cap that refusals teach beneath what is stated.

    A refusal tells the capacity: the calls still in flight. From there single calls are tried,
    ever faster after successes.
    """

    _FIRST = 2  # where an unstated limit starts
    _SLOWEST = 64  # successes between two trials, at the most

    def __init__(self, stated: int | None, *, adaptive: bool) -> None:
        self._most = stated or MOST_UNSTATED
        self._adaptive = adaptive
        self.cap = self._most if stated or not adaptive else self._FIRST
        self.in_flight = 0
        self._patience = 1
        self._successes = 0

    @property
    def most(self) -> int:
        """What the cap will never exceed."""
        return self._most

    def free(self) -> bool:
        """Tell whether one more may go out."""
        return self.in_flight < self.cap

    def refused(self) -> None:
        """Learn from a refusal of one that has just come back."""
        if self._adaptive:
            self.cap = max(1, min(self.cap, self.in_flight))
            self._patience = min(self._patience * 4, self._SLOWEST)
            self._successes = 0

    def succeeded(self) -> None:
        """Learn from an answer: after enough of them, try one more in flight."""
        self._successes += 1
        if self.cap < self._most and self._adaptive and self._successes >= self._patience:
            self.cap += 1
            self._successes = 0
            self._patience = max(1, self._patience // 2)
