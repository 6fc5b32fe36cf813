"""Files that appear whole or not at all: written beside, flushed, renamed, the folder flushed.

Whoever looks at such a file, after a crash or a full disk too, finds the old one or the new one and
nothing in between. Everything here blocks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from pathlib import Path

PART = ".part"
"""How the name of a file ends that is being written; one that is left over is rubbish."""


def write(target: Path, data: bytes, *, fsync: bool = True) -> None:
    """Write a file that was not there, or is replaced.

    Args:
        target: The file.
        data: All that it is to hold.
        fsync: Wait until it is on the disk, its name too. Without, a process that is killed loses
            nothing, and a power cut may take it.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    beside = _beside(target)
    try:
        with FileIO(beside, "w") as file:
            write_all(file, data)
            if fsync:
                os.fsync(file.fileno())
        os.replace(beside, target)  # noqa: PTH105 - a path of it would be made for each image
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    if fsync:
        flush_folder(target.parent)


@contextmanager
def replacing(target: Path) -> Generator[BufferedWriter]:
    """Give a file to write to, which takes its place when the block ends well.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    beside = Path(_beside(target))
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        flush_folder(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def try_out(target: Path) -> None:
    """Make sure that a file can be written: begin one beside it, and take it away again.

    Raises:
        OSError: It cannot; the error names the file.
    """
    beside = Path(_beside(target))
    try:
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error


def _beside(target: Path) -> str:
    """Name a file beside another, for this thread to write."""
    name = f".{target.name}.{os.getpid()}-{threading.get_ident()}{PART}"
    return f"{target.parent}{os.sep}{name}"


def write_all(file: FileIO, data: bytes) -> None:
    """Write on after a short write, so that the system says what is wrong."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def flush_folder(folder: Path) -> None:
    """Flush the names in a folder, so that they outlive a power cut.

    Windows has no such thing, and opens no folders; it is skipped there.
    """
    if os.name == "nt":  # pragma: no cover - the suite runs on POSIX
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
