"""A command's run: its client, its signals, and the exit code that its end amounts to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from enum import IntEnum
from typing import Any, TypeVar

import attrs

from volcv_async.cli.messages import Notices, complain, note, tell_notes
from volcv_async.client import Client
from volcv_async.config import Account, Limits, RetryPolicy, from_environment
from volcv_async.errors import InvalidRequestError, VolcvError
from volcv_async.gateway import LocalGateway
from volcv_async.gateway.pictures import load_painter

_Returned = TypeVar("_Returned")

_LOCAL_CONCURRENCY = 8

typed: ContextVar[str] = ContextVar("typed")
"""The command as it was typed, for whoever tells how to go on."""


class Exit(IntEnum):
    """What the command's end tells the shell."""

    DONE = 0
    SOME_LEFT = 1
    USAGE = 2
    STUCK = 3
    INTERRUPTED = 130


class UsageError(Exception):
    """What was typed, or what it names, cannot be worked with; nothing was sent."""


@contextmanager
def reading_input() -> Generator[None]:
    """Take what goes wrong here for a mistake in what was typed."""
    try:
        yield
    except (VolcvError, OSError, ValueError) as error:
        raise UsageError from error


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command, say what went wrong, and give the exit code."""
    try:
        return command() or Exit.DONE
    except UsageError as error:
        return _complain(error.__cause__ or error, Exit.USAGE)
    except InvalidRequestError as error:
        sent = error.http_status is not None
        return _complain(error, Exit.STUCK if sent else Exit.USAGE)
    except (VolcvError, OSError) as error:
        return _complain(error, Exit.STUCK)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PIL":
            raise
        return _complain(error, Exit.USAGE)
    except (asyncio.CancelledError, KeyboardInterrupt) as error:
        tell_notes(error)
        return Exit.INTERRUPTED


def _complain(error: BaseException, code: Exit) -> Exit:
    complain(error)
    return code


def run_interruptibly(work: Coroutine[Any, Any, _Returned], notice: str) -> _Returned:
    """Run a coroutine; SIGINT, SIGTERM and SIGHUP cancel it, each time they come.

    Args:
        work: What to run.
        notice: What is said when the first of them comes.

    Raises:
        asyncio.CancelledError: It was interrupted.
    """
    return asyncio.run(_interruptible(work, notice))


async def _interruptible(work: Coroutine[Any, Any, _Returned], notice: str) -> _Returned:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    notices = iter([notice])

    def interrupt() -> None:
        for line in notices:
            note(line)
        task.cancel()

    # Windows has no such handlers; there asyncio.run turns the first Ctrl-C into a cancellation.
    with suppress(NotImplementedError):
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # What is ignored stays so, as nohup has set it.
        for number in [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]:
            loop.add_signal_handler(number, interrupt)
    return await work


def account_for(*, local: bool) -> Account | None:
    """Find the account of the environment; None where a local gateway is asked for.

    It is asked before the folder is touched, so that what is missing leaves no trace.

    Raises:
        ConfigurationError: The environment names none.
        ModuleNotFoundError: What the local gateway draws with is not installed.
    """
    if not local:
        return from_environment()
    load_painter()
    return None


@asynccontextmanager
async def open_client(
    limits: Limits,
    retry: RetryPolicy | None = None,
    *,
    account: Account | None = None,
    time_scale: float = 0.01,
) -> AsyncGenerator[Client]:
    """Open a client at an account, or without one at a local gateway of its own."""
    if account is not None:
        async with Client(account, limits=limits, retry=retry, on_event=Notices()) as client:
            yield client
        return
    stated = attrs.evolve(
        limits, concurrency=limits.concurrency or _LOCAL_CONCURRENCY, adaptive=False
    )
    async with (
        LocalGateway(time_scale=time_scale) as gateway,
        Client(gateway.account(limits=stated), retry=retry, on_event=Notices()) as client,
    ):
        yield client
