"""An SQLite file that the processes of one machine share, and the leases in it.

Times are those of the machine's monotonic clock, which all its processes share, and are taken
inside a transaction. After the machine was started anew the clock begins again: what then lies in
the future is from before, and is forgotten.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

_PATIENCE = 5.0  # seconds for which others may be in the way
_PAUSE = 0.01  # seconds between two looks where SQLite itself does not wait
_KIND = 0xFF  # of an error code; the rest says more of it

Used = TypeVar("Used")
Result = TypeVar("Result")


class Transaction:
    """A write transaction as a lock, which its holder may take again inside."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._depth = 0

    def __enter__(self) -> None:
        if not self._depth:
            self._connection.execute("BEGIN IMMEDIATE")
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth and self._connection.in_transaction:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


class SqliteFile(Generic[Used]):
    """A file, what is used of it, and the one thread in which that happens.

    Args:
        path: The file; its folder must be there.
        prepare: Makes what is used of a new connection, its tables too.
        pause: Sleeps, in seconds.
    """

    def __init__(
        self,
        path: str,
        prepare: Callable[[sqlite3.Connection], Used],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = path
        self._prepare = prepare
        self._pause = pause
        self._opened: tuple[sqlite3.Connection, Used] | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[Used], Result]) -> Result:
        """Work in the thread with what is used of the file; open it if it is not open.

        Raises:
            OSError: SQLite cannot do it; the file is opened anew the next time.
        """
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="volcv-sharing")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    async def close(self) -> None:
        """Close the file, after what is still under way."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._let_go)
            thread.shutdown()

    def _work(self, work: Callable[[Used], Result]) -> Result:
        try:
            return work(self._use())
        except sqlite3.Error as error:
            self._let_go()
            raise OSError(f"The shared limits in {self._path} are out of reach: {error}") from error

    def _use(self) -> Used:
        if self._opened is None:
            connection = sqlite3.connect(self._path, timeout=_PATIENCE, isolation_level=None)
            try:
                self._to_wal(connection)
                self._opened = connection, self._prepare(connection)
            except sqlite3.Error:
                connection.close()
                raise
        return self._opened[1]

    def _to_wal(self, connection: sqlite3.Connection) -> None:
        """Let writers not wait for the disk; only a crash of the machine loses the last ones.

        SQLite gives up at once here if others are in the way.
        """
        connection.execute("PRAGMA synchronous=NORMAL")
        for _ in range(round(_PATIENCE / _PAUSE)):
            try:
                connection.execute("PRAGMA journal_mode=WAL").close()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & _KIND != sqlite3.SQLITE_BUSY:
                    raise
                self._pause(_PAUSE)
            else:
                return
        raise sqlite3.OperationalError("others are in the way for too long")

    def _let_go(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].close()


_SLOTS = """
CREATE TABLE IF NOT EXISTS slots (
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (name, token)
) WITHOUT ROWID
"""


class SqliteSlots:
    """Leases in a file, for the processes of one machine."""

    def __init__(
        self,
        path: str,
        name: str,
        slots: int,
        lease: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = SqliteFile(path, _prepare_slots)
        self._name = name
        self._slots = slots
        self._lease = lease
        self._clock = clock

    async def settle(self, *, keep: Collection[str], drop: Collection[str], want: str) -> bool:
        """Do all at once: lease to the tokens to keep, forget those to drop, count what is left."""

        def work(connection: sqlite3.Connection) -> bool:
            with Transaction(connection):
                now = self._clock()
                self._forget(connection, now, drop)
                self._give(connection, now, keep)
                had = bool(want) and self._count(connection) < self._slots
                self._give(connection, now, [want] if had else [])
            return had

        return await self._file.run(work)

    async def close(self) -> None:
        """Let go of the file."""
        await self._file.close()

    def _forget(self, connection: sqlite3.Connection, now: float, drop: Collection[str]) -> None:
        connection.execute("DELETE FROM slots WHERE until <= ? OR since > ?", (now, now))
        rows = [(self._name, token) for token in drop]
        connection.executemany("DELETE FROM slots WHERE name = ? AND token = ?", rows)

    def _give(self, connection: sqlite3.Connection, now: float, tokens: Collection[str]) -> None:
        rows = [(self._name, token, now, now + self._lease) for token in tokens]
        connection.executemany("INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?)", rows)

    def _count(self, connection: sqlite3.Connection) -> int:
        query = "SELECT count(*) FROM slots WHERE name = ?"
        found: tuple[int] = connection.execute(query, (self._name,)).fetchone()
        return found[0]


def _prepare_slots(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(_SLOTS)
    return connection
