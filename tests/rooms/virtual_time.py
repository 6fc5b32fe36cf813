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
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if scheduled and not ready:
            self._now = max(self._now, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def virtually(work: Coroutine[Any, Any, Given]) -> Given:
    """Run to the end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
