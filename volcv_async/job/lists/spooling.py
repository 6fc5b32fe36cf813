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
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeGuard

from volcv_async.job.lists.listing import PromptList
from volcv_async.job.lists.matrix import Matrix
from volcv_async.job.lists.sources import Source, of_file

STANDARD_INPUT = "-"


@contextmanager
def spooled(lists: Sequence[Path | Matrix], folder: Path) -> Generator[list[PromptList]]:
    """Give lists that can be read again: ``-``, pipes and files of the folder are copied into it.

    A copy has no name, and goes with the process. A folder that was made for it and stays empty is
    taken away again.

    Raises:
        OSError: A list cannot be read, or the folder not written to.
    """
    made = not folder.exists()
    with ExitStack() as held:
        try:
            yield [_again(one, folder, held) if _may_change(one, folder) else one for one in lists]
        finally:
            held.close()
            if made:
                with suppress(OSError):
                    folder.rmdir()


def _may_change(path: Path | Matrix, folder: Path) -> TypeGuard[Path]:
    if isinstance(path, Matrix):
        return False
    return _flows(path) or (path.is_file() and path.resolve().parent == folder.resolve())


def _flows(path: Path) -> bool:
    return str(path) == STANDARD_INPUT or not (path.is_file() or path.is_dir() or not path.exists())


def _again(path: Path, folder: Path, held: ExitStack) -> Source:
    folder.mkdir(parents=True, exist_ok=True)
    kept = held.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - it is held
    if str(path) == STANDARD_INPUT:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        return Source("standard input", lambda: _from_start(kept))
    with path.open("rb") as file:
        shutil.copyfileobj(file, kept)
    suffix = "" if _flows(path) else of_file(path).suffix
    return Source(str(path), lambda: _from_start(kept), suffix)


def _from_start(kept: BinaryIO) -> BinaryIO:
    """Open it once more; all share one place in it, so one is read after the other."""
    kept.flush()
    again = os.fdopen(os.dup(kept.fileno()), "rb")
    again.seek(0)
    return again
