"""What the command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console

from volcv_async.errors import VolcvError, VolcvWarning

errors = Console(stderr=True, markup=False, highlight=False, emoji=False)
"""Standard error, past which a progress bar does not run."""


def result(line: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Print a line that is no result."""
    errors.print(line, soft_wrap=True)


def complain(error: BaseException) -> None:
    """Print an error: what happened, then, on a line of its own, what to do about it."""
    cure = error.help if isinstance(error, VolcvError) else ""
    note(f"Error: {_what_happened(error).removesuffix(cure).rstrip()}")
    if cure:
        note(cure)


def _what_happened(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
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
        warnings.showwarning = show
        yield
