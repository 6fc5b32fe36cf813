"""Lines for whoever reads standard output, written by a thread; and the end of a run without one.

A reader that is slow holds up what is sent, and not what is in flight; one that has gone ends the
sending. Neither keeps the loop from its work.
"""

from __future__ import annotations

import asyncio
import os
import queue
import stat
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing, suppress
from io import FileIO
from types import TracebackType
from typing import Self

from volcv_async import durable
from volcv_async.cli.session import ReaderGoneError
from volcv_async.job import Item, each

_UNREAD = 64  # lines that may wait for the reader before nothing more is sent


def goes_into_a_pipe() -> bool:
    """Tell whether standard output is a pipe, at whose other end a program reads."""
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):  # it was closed, or is no file of the system's
        return False


def standard_output() -> Output:
    """Take standard output, past whatever else of Python's writes there."""
    return Output(FileIO(os.dup(sys.stdout.fileno()), "w"))


class Output:
    """Lines on their way to a file; a context manager.

    Its end waits until all is written or cannot be, and closes the file.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        # It must not keep the process alive: the reader may never read on.
        self._thread = threading.Thread(target=self._write_all, name="volcv output", daemon=True)
        self._moved = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._error: OSError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait until all is written.

        Raises:
            OSError: It cannot be, and not because the reader has gone.
        """
        self._lines.put(None)
        self._thread.join()
        with suppress(ReaderGoneError):
            if error is None and self._error is not None:
                raise self._error

    def write(self, lines: bytes) -> None:
        """Have lines written, in their order; this does not wait."""
        self._lines.put(lines)

    async def read_along(
        self, source: Iterable[Item] | AsyncIterable[Item]
    ) -> AsyncGenerator[Item]:
        """Give what a source gives, as long as there is a reader, and one that keeps up.

        Raises:
            ReaderGoneError: There is none any more, and the source has more to give.
            OSError: Standard output cannot be written to.
        """
        self._loop = asyncio.get_running_loop()
        async with aclosing(each(source)) as requests:
            async for request in requests:
                await self._until_read()
                yield request

    async def _until_read(self) -> None:
        while self._error is None and self._lines.qsize() > _UNREAD:
            self._moved.clear()
            await self._moved.wait()
        if self._error is not None:
            raise self._error

    def _write_all(self) -> None:
        with self._file:
            while (lines := self._lines.get()) is not None:
                self._write(lines)
                self._tell()

    def _write(self, lines: bytes) -> None:
        if self._error is not None:
            return
        try:
            durable.write_all(self._file, lines)
        except BrokenPipeError:
            self._error = ReaderGoneError("Nobody reads standard output any more.")
        except OSError as error:
            self._error = error

    def _tell(self) -> None:
        """Let the source look again, if there is still one."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._moved.set)
