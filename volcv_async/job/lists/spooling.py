"""Lists that can be read only once, standard input above all: kept in a file while a run lasts.

A list is read several times: checked, compared with the folder, and sent. One that lies in that
folder, such as its ``failed.jsonl``, may be written to meanwhile. Everything here blocks.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TypeGuard

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.listing import PromptList
from volcv_async.job.lists.matrix import Matrix
from volcv_async.job.lists.sources import Source, of_file
from volcv_async.job.lists.telling import FORMATS

STANDARD_INPUT = "-"


@contextmanager
def spooled(lists: Sequence[Path | Matrix], folder: Path) -> Generator[list[PromptList]]:
    """Give lists that can be read again: ``-``, pipes and files of the folder are copied.

    A copy lies in the folder, or the nearest above it that is there. It has no name, and goes with
    the process.

    Raises:
        InvalidRequestError: Standard input is closed.
        OSError: A list cannot be read, or that folder not written to.
    """
    with ExitStack() as held:
        yield [_again(one, folder, held) if _may_change(one, folder) else one for one in lists]


def _may_change(path: Path | Matrix, folder: Path) -> TypeGuard[Path]:
    if isinstance(path, Matrix):
        return False
    return _flows(path) or (path.is_file() and path.resolve().parent == folder.resolve())


def _flows(path: Path) -> bool:
    return str(path) == STANDARD_INPUT or not (path.is_file() or path.is_dir() or not path.exists())


def _again(path: Path, folder: Path, held: ExitStack) -> Source:
    kept = held.enter_context(tempfile.TemporaryFile(dir=_there(folder)))  # noqa: SIM115 - it is held
    if str(path) == STANDARD_INPUT:
        shutil.copyfileobj(_standard_input(), kept)
        return Source("standard input", lambda: _from_start(kept))
    with path.open("rb") as file:
        shutil.copyfileobj(file, kept)
    return Source(str(path), lambda: _from_start(kept), _suffix(path))


def _there(folder: Path) -> Path:
    """Give the folder, or the nearest above it that is there."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison] - a shell may close it
        raise InvalidRequestError(
            "Standard input is closed, so no list comes from there.",
            help="Give it one: volcv run - < prompts.txt.",
        )
    return sys.stdin.buffer


def _suffix(path: Path) -> str:
    """Give what a name says of the format; a shell names its pipes as it likes."""
    suffix = of_file(path).suffix
    return "" if _flows(path) and suffix.removeprefix(".") not in FORMATS else suffix


def _from_start(kept: BinaryIO) -> BinaryIO:
    """Open it once more; all share one place in it, so one is read after the other."""
    kept.flush()
    again = os.fdopen(os.dup(kept.fileno()), "rb")
    again.seek(0)
    return again
