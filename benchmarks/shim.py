"""A process whose disk, network or clock fails on demand: the Python side of ``shim.c``.

The library in C is compiled by gcc when it is first needed, and preloaded into the process that is
to suffer; what fails, and when, stands in a page shared with it. Linux only.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import shutil
import subprocess
from collections.abc import Mapping
from enum import IntFlag
from pathlib import Path

import attrs

_SOURCE = Path(__file__).with_name("shim.c")


class Kind(IntFlag):
    """What a process asks of its system; those on files count only within one folder."""

    OPEN = 1
    WRITE = 2
    FLUSH = 4
    RENAME = 8
    TRUNCATE = 16
    REMOVE = 32
    MAKE = 64
    READ = 128
    CONNECT = 256
    SEND = 512
    RECEIVE = 1024
    RESOLVE = 2048


CHANGES = Kind.OPEN | Kind.RENAME | Kind.REMOVE | Kind.MAKE
"""What a read-only folder refuses."""

DISK = CHANGES | Kind.WRITE | Kind.FLUSH | Kind.TRUNCATE
"""All that changes a file, or the database, which is one."""

FILLING = DISK & ~Kind.REMOVE
"""What a full disk refuses."""

SOCKETS = Kind.CONNECT | Kind.SEND | Kind.RECEIVE


class _Page(ctypes.Structure):
    """The shared page, laid out as in ``shim.c``."""

    _fields_ = (
        ("clock", ctypes.c_int64),
        ("kinds", ctypes.c_int32),
        ("first", ctypes.c_int32),
        ("times", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("seen", ctypes.c_int32),
        ("failed", ctypes.c_int32),
        ("last", ctypes.c_int32),
        ("folder", ctypes.c_char * 512),
    )


@attrs.frozen(kw_only=True)
class Fault:
    """Which operations fail.

    Attributes:
        kinds: The kinds that count.
        folder: The folder in which files count; None where none do.
        first: The number of the first that fails, from 1; 0: none does, and they are counted.
        times: How many fail; 0: all from there on.
        error: The error number that they fail with.
        clock: Seconds by which the wall clock is off.
    """

    kinds: Kind = Kind(0)
    folder: Path | None = None
    first: int = 0
    times: int = 1
    error: int = errno.EIO
    clock: int = 0


class Control:
    """The page shared with processes that were started with ``environment``."""

    def __init__(self, work: Path) -> None:
        self._library = compiled(work)
        self._file = work / f"control-{os.getpid()}-{id(self)}"
        self._file.write_bytes(bytes(mmap.PAGESIZE))
        with self._file.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._page = _Page.from_buffer(self._map)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to be struck."""
        return {"LD_PRELOAD": str(self._library), "BROKEN_CONTROL": str(self._file)}

    @property
    def seen(self) -> int:
        """Operations that counted since the last ``arm``."""
        return int(self._page.seen)

    @property
    def failed(self) -> int:
        """Operations that failed since the last ``arm``."""
        return int(self._page.failed)

    @property
    def last(self) -> Kind:
        """What the last one was that failed."""
        return Kind(self._page.last)

    def arm(self, fault: Fault) -> None:
        """Let operations fail from now on, counted anew."""
        page = self._page
        page.kinds = 0  # nothing counts while the rest changes
        page.seen = page.failed = page.last = 0
        page.first, page.times, page.error = fault.first, fault.times, fault.error
        page.folder = b"" if fault.folder is None else bytes(fault.folder.resolve())
        page.clock = fault.clock
        page.kinds = int(fault.kinds)

    def disarm(self) -> None:
        """Let everything work; what was counted stays."""
        self._page.kinds = 0
        self._page.clock = 0


def compiled(work: Path) -> Path:
    """Compile the library into a folder, once.

    Raises:
        RuntimeError: There is no gcc.
    """
    library = work / "shim.so"
    if library.exists():
        return library
    gcc = shutil.which("gcc")
    if gcc is None:
        raise RuntimeError("A broken disk is made by a small library in C: install gcc.")
    beside = work / f"shim-{os.getpid()}.so"
    words = [gcc, "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", str(beside), str(_SOURCE)]
    subprocess.run([*words, "-ldl"], check=True)  # noqa: S603 - our own source
    return beside.replace(library)
