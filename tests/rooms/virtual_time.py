"""An event loop whose clock jumps to the next timer, so that hours pass in no time, and exactly."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Given = TypeVar("Given")


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop on which nothing is waited for but timers, and those take no time."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        inside: Any = self
        if inside._scheduled and not inside._ready:
            self._now = max(self._now, inside._scheduled[0].when())
        inside_of_it: Any = super()
        inside_of_it._run_once()


def virtually(work: Coroutine[Any, Any, Given]) -> Given:
    """Run to the end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
