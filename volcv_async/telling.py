"""Counts what becomes of attempts, and tells ``on_event`` of all that happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from volcv_async.errors import Ending, VolcvError
from volcv_async.events import Attempt, AttemptEnded, AttemptStarted, Event, OnEvent, Statistics


class Teller:
    """What a client has come to since it was made, and who hears of what happens.

    Args:
        on_event: Who is told; None: nobody, and then no event is made of an attempt.
        failed: Gets what that raises.
    """

    def __init__(self, on_event: OnEvent | None, failed: Callable[[Exception], None]) -> None:
        self._on_event, self._failed = on_event, failed
        self._attempts = self._completed = 0
        self._endings: Counter[Ending] = Counter()

    @property
    def counts(self) -> Statistics:
        """What attempts have come to; how things stand now is left out."""
        return Statistics(
            attempts=self._attempts,
            not_sent=self._endings["not sent"],
            rejected=self._endings["rejected"],
            in_doubt=self._endings["in doubt"],
            answered=self._endings["answered"],
            completed=self._completed,
        )

    def started(self, attempt: Attempt) -> None:
        """Count an attempt that has its turn."""
        self._attempts += 1
        if self._on_event is not None:
            self.tell(AttemptStarted(attempt=attempt))

    def ended(self, attempt: Attempt, seconds: float, error: VolcvError | None) -> None:
        """Count an attempt that is over; without an error, it gave an image."""
        ending: Ending = "answered" if error is None else error.ending
        self._endings[ending] += 1
        self._completed += error is None
        if self._on_event is not None:
            self.tell(AttemptEnded(attempt=attempt, ending=ending, seconds=seconds, error=error))

    def tell(self, event: Event) -> None:
        """Tell of anything that happened."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - a hook must not cost an image; it is raised
            self._failed(error)
