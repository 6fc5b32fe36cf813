"""What one stream waits for while it lasts: at its window, at the gate, for its source.

A stream that feeds waits in one place at a time. Its window is held up by the consumer, if outcomes
wait to be taken, or by calls in flight; what holds up the gate, the gate knows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from volcv_async.bottleneck import Cause, Stopwatch, TimeSpent, between

Read = Callable[[], Mapping[Cause, float]]
"""Gives the seconds for which anybody waited at the gate, by cause."""


class Waits:
    """Adds up what a stream waits for.

    Args:
        at_gate: Reads the watch of the gate.
        at_window: Tells what holds up the window now, where nothing but that is waited for.

    Attributes:
        consumer: What the consumer waits for, if it said so.
    """

    def __init__(self, at_gate: Read, at_window: Callable[[], Cause | None]) -> None:
        self.consumer: Cause = "consumer"
        self._at_gate, self._at_window = at_gate, at_window
        self._watch, self._spent = Stopwatch(), TimeSpent()
        self._read: Mapping[Cause, float] = {}
        self._read_at_gate: Mapping[Cause, float] | None = None  # while it waits there
        self._watches_window = False

    @property
    def total(self) -> Mapping[Cause, float]:
        """The seconds spent on each cause so far."""
        self._add_up()
        return self._spent.total.copy()

    @property
    def lately(self) -> Cause | None:
        """What most time was spent on of late; None where nothing was waited for."""
        self._add_up()
        return self._spent.lately

    @contextmanager
    def for_(self, cause: Cause | None) -> Generator[None]:
        """Count what is awaited meanwhile as this."""
        before = self._watch.cause
        self._watch.switch(cause, time.monotonic())
        try:
            yield
        finally:
            self._watch.switch(before, time.monotonic())

    def add(self, cause: Cause, seconds: float) -> None:
        """Count what was waited for just now, where nothing else is."""
        self._spent.add({cause: seconds}, time.monotonic())

    @contextmanager
    def blocked_by_consumer(self) -> Generator[None]:
        """Count what is done meanwhile as the consumer's, and not as the gate's, too."""
        self._add_up()
        try:
            with self.for_("consumer"):
                yield
        finally:
            if self._read_at_gate is not None:
                self._read_at_gate = self._at_gate()

    @contextmanager
    def for_window(self) -> Generator[None]:
        """Count what is awaited meanwhile as what holds up the window, whatever that is by then."""
        self.watch_window()
        try:
            yield
        finally:
            self._watches_window = False
            self._watch.switch(None, time.monotonic())

    def watch_window(self) -> None:
        """From now on nothing is waited for but the window."""
        self._watches_window = True
        self.window_changed()

    def window_changed(self) -> None:
        """Ask again what holds up the window."""
        if self._watches_window and (cause := self._at_window()) != self._watch.cause:
            self._watch.switch(cause, time.monotonic())

    @contextmanager
    def for_turn(self) -> Generator[None]:
        """Count what is awaited meanwhile as what holds up those who wait at the gate."""
        self._read_at_gate = self._at_gate()
        try:
            yield
        finally:
            self._add_up()
            self._read_at_gate = None

    @contextmanager
    def for_consumer(self, cause: Cause) -> Generator[None]:
        """Meanwhile the consumer takes nothing because of this."""
        self.consumer = cause
        self.window_changed()
        try:
            yield
        finally:
            self.consumer = "consumer"
            self.window_changed()

    def _add_up(self) -> None:
        """Add what was waited for since the last time, and what still is."""
        now = time.monotonic()
        before, self._read = self._read, self._watch.read(now)
        self._spent.add(between(before, self._read), now)
        if self._read_at_gate is not None:
            before, self._read_at_gate = self._read_at_gate, self._at_gate()
            self._spent.add(between(before, self._read_at_gate), now)
