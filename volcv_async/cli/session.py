"""A command's run: what was typed, and the exit code that its end amounts to."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum

from volcv_async.cli.messages import complain, tell_notes
from volcv_async.errors import InvalidRequestError, VolcvError

typed: ContextVar[str] = ContextVar("typed")
"""The command as it was typed, for whoever tells how to go on."""


class Exit(IntEnum):
    """What the command's end tells the shell."""

    DONE = 0
    SOME_LEFT = 1
    USAGE = 2
    STUCK = 3
    BUDGET = 4
    INTERRUPTED = 130
    UNREAD = 141


class UsageError(Exception):
    """What was typed, or what it names, cannot be worked with; nothing was sent."""


class ReaderGoneError(BrokenPipeError):
    """Whoever read standard output has gone, so that nothing more is to be made for it."""


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
    except (ReaderGoneError, KeyboardInterrupt) as error:
        tell_notes(error)
        return Exit.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Exit.UNREAD
    except (VolcvError, OSError) as error:
        return _complain(error, Exit.STUCK)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PIL":
            raise
        return _complain(error, Exit.USAGE)


def _complain(error: BaseException, code: Exit) -> Exit:
    complain(error)
    return code
