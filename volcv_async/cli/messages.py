"""What the command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO

from rich.console import Console
from rich.text import Text

from volcv_async.errors import VolcvError, VolcvWarning


class _Quiet(Console):
    """A console that goes quiet when it cannot be written to, and lets the job go on."""

    def __exit__(self, *error: object) -> None:
        """Write what was printed; rich itself goes quiet for a broken pipe alone."""
        try:
            super().__exit__(*error)
        except OSError:
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        """Stop writing, instead of ending the program as rich would."""
        self.quiet = True
        _write_to_nobody(sys.stderr)


def _write_to_nobody(stream: TextIO) -> None:
    """Send the rest of a stream nowhere, so that its end raises nothing either."""
    with suppress(OSError):  # what has no file descriptor has no pipe to break
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


errors = _Quiet(stderr=True, markup=False, highlight=False, emoji=False)
"""Standard error, past which a progress bar does not run."""


_hushed: ContextVar[bool] = ContextVar("hushed", default=False)


@contextmanager
def hushed() -> Generator[None]:
    """Say nothing but errors for as long as this lasts."""
    token = _hushed.set(True)
    try:
        yield
    finally:
        _hushed.reset(token)


def result(line: str) -> None:
    """Print a line of the result, if anybody reads it."""
    if _hushed.get():
        return
    try:
        sys.stdout.write(f"{_harmless(line) if sys.stdout.isatty() else line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nobody(sys.stdout)


def note(line: str) -> None:
    """Print a line that is no result."""
    if not _hushed.get():
        insist(line)


def note_in_a_row(line: str) -> None:
    """Print a line that is no result, cut where a terminal would wrap it."""
    text = Text(line)
    if errors.is_terminal:
        text.truncate(errors.width - 1, overflow="ellipsis")
    note(text.plain)


def insist(line: str) -> None:
    """Print a line that is no result, even where nothing but errors is to be said."""
    errors.print(_harmless(line), soft_wrap=True)


def _harmless(text: str) -> str:
    """Make spaces of what a terminal takes for a command: it may stand in the words of others."""
    return text.translate(_COMMANDS)


_COMMANDS = dict.fromkeys([*range(10), *range(11, 32), *range(127, 160)], " ")  # all but \n


def complain(error: BaseException) -> None:
    """Print an error: what happened, then what to do about it, each on a line of its own."""
    cure = error.help if isinstance(error, VolcvError) else ""
    insist(f"Error: {what_happened(error).removesuffix(cure).rstrip()}")
    if cure:
        insist(cure)
    tell_notes(error)


def tell_notes(error: BaseException) -> None:
    """Print what was added to an error on its way."""
    for line in getattr(error, "__notes__", ()):
        insist(line)


def what_happened(error: BaseException) -> str:
    """Say an error in words; one of the system's with the file that it is about."""
    if isinstance(error, OSError) and error.strerror:
        name = error.filename2 or error.filename  # of a renaming, what it was to become
        return f"{name}: {error.strerror}" if name else error.strerror
    return str(error)


@contextmanager
def warnings_as_lines() -> Generator[None]:
    """Print each of the library's warnings as one line, the same text once."""
    seen: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        if str(message) in seen:
            return
        seen.add(str(message))
        note(f"{'Warning' if issubclass(category, VolcvWarning) else category.__name__}: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", VolcvWarning)
        warnings.filterwarnings("ignore", module="PIL")  # a picture is kept as it came
        warnings.showwarning = show
        yield
