"""Interruption: a signal asks a command to end in order, and each that follows to hurry."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from volcv_async.cli.messages import insist

_Returned = TypeVar("_Returned")


def run_interruptibly(work: Coroutine[Any, Any, _Returned], notice: str) -> _Returned:
    """Run a coroutine; SIGINT, SIGTERM and SIGHUP cancel it, each time they come.

    Args:
        work: What to run.
        notice: What is said when the first of them comes.

    Raises:
        KeyboardInterrupt: It was interrupted.
    """
    try:
        return asyncio.run(_interruptible(work, notice))
    except asyncio.CancelledError as cancelled:
        raise _interruption(cancelled) from cancelled


def _interruption(cancelled: asyncio.CancelledError) -> KeyboardInterrupt:
    """Make a cancellation what it is for a command, with what was noted on its way."""
    interruption = KeyboardInterrupt()
    for line in getattr(cancelled, "__notes__", ()):
        interruption.add_note(line)
    return interruption


async def _interruptible(work: Coroutine[Any, Any, _Returned], notice: str) -> _Returned:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    notices = iter([notice])

    def interrupt() -> None:
        task.cancel()
        for line in notices:
            insist(line)

    # Windows has no such handlers; there asyncio.run turns the first Ctrl-C into a cancellation.
    with suppress(NotImplementedError):
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # What is ignored stays so, as nohup has set it.
        for number in [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]:
            loop.add_signal_handler(number, interrupt)
    return await work
