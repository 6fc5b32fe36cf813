"""The file of the journal: who may write it, whether it is one of ours, what its errors say.

SQLite's own errors end here. They become a ``JournalError``, an ``OSError`` that names the file.
"""

from __future__ import annotations

import errno
import socket
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from filelock import FileLock, Timeout

from volcv_async.errors import ConfigurationError

JOURNAL = "journal.sqlite"
"""The journal's name in the folder of a job."""

LOCK = "journal.sqlite.lock"
"""A file beside it that is locked while a run goes on; it stays when the run is over."""

_OURS = 0x766C6376  # "vlcv", in the header of each of our files
_VERSION = 1
_CACHE = -32_000  # in KiB, so that memory does not grow with the journal
_CHECKPOINT = (
    4000  # in pages of 4 KiB: fewer flushes, and still read again in no time after a crash
)
_ERRNOS = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
}

# `seen` counts, in the first of several equal requests, how many of them the run in `listed` has
# met. Those are always the first ones, so that the next one is found without looking for it.
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    began TEXT NOT NULL,
    ended TEXT
);
CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'sent', 'paid', 'done', 'failed', 'in doubt')),
    model TEXT NOT NULL,
    request TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    sent TEXT,
    account TEXT,
    request_id TEXT,
    billed TEXT NOT NULL DEFAULT 'no' CHECK (billed IN ('no', 'unknown', 'yes')),
    again INTEGER NOT NULL DEFAULT 0,
    images TEXT NOT NULL DEFAULT '[]',
    "rows" TEXT NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX entries_by_key ON entries (key, ordinal);
CREATE INDEX entries_by_state ON entries (state);
PRAGMA application_id = {_OURS};
PRAGMA user_version = {_VERSION};
COMMIT;
"""


class JournalError(OSError):
    """The journal cannot be read or written; what was committed to it before is whole.

    Attributes:
        errno: The system's number of what is nearest to the cause, such as ``ENOSPC``.
    """


class Database:
    """A connection to a journal, whose answers are read whole and whose errors are ours."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def ask(self, sql: str, values: Sequence[object] = ()) -> list[Any]:
        """Run one statement and give its rows.

        Raises:
            JournalError: It cannot be done.
        """
        return self._run(sql, values)[0]

    def change(self, sql: str, values: Sequence[object] = ()) -> None:
        """Run one statement that changes something, in a transaction that is begun if need be.

        Raises:
            JournalError: It cannot be done.
        """
        self.begin()
        self.ask(sql, values)

    def add(self, sql: str, values: Sequence[object]) -> int:
        """Run one statement that adds a row, as ``change`` does; give the row's number.

        Raises:
            JournalError: It cannot be done.
        """
        self.begin()
        return self._run(sql, values)[1]

    def _run(self, sql: str, values: Sequence[object]) -> tuple[list[Any], int]:
        """Run one statement; give its rows, and the number of the row that was added last."""
        try:
            cursor = self._connection.execute(sql, values)
            return cursor.fetchall(), cursor.lastrowid or 0
        except sqlite3.Error as error:
            raise _in_words(self.path, error) from error

    def begin(self) -> bool:
        """Begin a transaction if need be; tell whether so.

        Raises:
            JournalError: It cannot be done.
        """
        if self._connection.in_transaction:
            return False
        self.ask("BEGIN IMMEDIATE")
        return True

    def commit(self) -> None:
        """Make what was changed durable; it is on the disk when this returns.

        Raises:
            JournalError: It cannot be written; ``rollback`` is what is left.
        """
        if self._connection.in_transaction:
            self.ask("COMMIT")

    def rollback(self) -> None:
        """Take back what was changed since the last commit."""
        if self._connection.in_transaction:
            self.ask("ROLLBACK")

    def copy(self, target: sqlite3.Connection) -> None:
        """Copy all to another connection.

        Raises:
            JournalError: It cannot be done.
        """
        try:
            self._connection.backup(target)
        except sqlite3.Error as error:
            raise _in_words(self.path, error) from error

    def make(self, *, fsync: bool = True) -> bool:
        """Set the connection up for writing, make the tables if there are none; tell whether so.

        Args:
            fsync: Whether each commit waits for the disk. Without, a power cut may take the latest
                of them, and leaves those before it whole.

        Raises:
            ConfigurationError: The file is no journal of ours, or of a newer version.
            JournalError: It cannot be read or written.
        """
        self.ask(f"PRAGMA cache_size = {_CACHE}")
        fresh = not self.ask("SELECT 1 FROM sqlite_schema LIMIT 1")
        if not fresh:
            self.check()
        self.ask("PRAGMA journal_mode = WAL")
        self.ask(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
        self.ask(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        if fresh:
            self._create()
        return fresh

    def _create(self) -> None:
        for statement in _TABLES.split(";\n"):
            self.ask(statement)

    def check(self) -> None:
        """Make sure that this is a journal that we can read.

        Raises:
            ConfigurationError: It is not.
        """
        ((ours,),) = self.ask("PRAGMA application_id")
        ((version,),) = self.ask("PRAGMA user_version")
        if ours != _OURS:
            raise _foreign(self.path)
        if version > _VERSION:
            raise ConfigurationError(
                f"{self.path} was written by a newer volcv-async (version {version} of the file; "
                f"this one reads up to {_VERSION}).",
                help="Use that release for this folder, or give another folder. Nothing was sent.",
            )


@contextmanager
def writing(path: Path) -> Generator[Database]:
    """Open a journal to write it. Left, it is closed; what was not committed is taken back.

    It may be used from other threads, one at a time.

    Raises:
        JournalError: It cannot be opened.
    """
    with closing(_connect(path, "mode=rwc")) as connection:
        yield Database(path, connection)


@contextmanager
def reading(path: Path, *, untouched: bool = False) -> Generator[Database]:
    """Open a journal to read it, as it stands at this moment, while others may write it.

    Args:
        path: The journal.
        untouched: Where no run goes on, put nothing beside it either, so that its folder stays as
            it is.

    Raises:
        ConfigurationError: There is none, it is none of ours, or it cannot be read where it lies.
        JournalError: It cannot be read.
    """
    if not path.exists():
        raise ConfigurationError(
            f"{path.parent} holds no {path.name}, so there is nothing to tell of.",
            help="Give the folder of a run.",
        )
    mode = _ALONE if untouched and not _log(path).exists() else _mode(path)
    with closing(_connect(path, mode)) as connection:
        database = Database(path, connection)
        database.ask("BEGIN")
        database.check()
        yield database


def copy(path: Path, to: Path) -> None:
    """Copy a journal as it stands at this moment, while others may write it.

    Its folder stays as it is.

    Raises:
        ConfigurationError: There is none, it is none of ours, or it cannot be read where it lies.
        JournalError: It cannot be read, or the copy cannot be written.
    """
    with (
        reading(path, untouched=True) as database,
        closing(_connect(to, "mode=rwc")) as target,
    ):
        database.copy(target)


def _mode(path: Path) -> str:
    """Find out how a journal can be read: together with others, or in a folder that stays as it is.

    Beside a journal that is read lie two more files, which a read-only folder does not take.
    """
    try:
        with closing(_connect(path, "mode=ro")) as connection:
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1")
    except sqlite3.DatabaseError as error:
        if _primary(error) not in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}:
            raise _in_words(path, error) from error
    else:
        return "mode=ro"
    log = _log(path)
    if log.exists() and log.stat().st_size:
        raise ConfigurationError(
            f"{path} was not closed by the run that wrote it, and cannot be put in order where it "
            "cannot be written.",
            help="Copy the whole folder to where you may write, and look at the copy.",
        )
    return _ALONE


_ALONE = "mode=ro&immutable=1"  # as nobody writes it


def _log(path: Path) -> Path:
    """Name the file beside a journal that is there while somebody has it open."""
    return path.with_name(f"{path.name}-wal")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?{mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise _in_words(path, error) from error


def _primary(error: sqlite3.Error) -> int:
    """Give the general one of SQLite's codes of an error, without its details."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _in_words(path: Path, error: sqlite3.Error) -> Exception:
    if _primary(error) == sqlite3.SQLITE_NOTADB:
        return _foreign(path)
    told = JournalError(f"{path}: {error}")
    told.errno = _ERRNOS.get(_primary(error), errno.EIO)
    return told


def _foreign(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is no journal of a job.",
        help="Move it away, or give another folder. Nothing was sent.",
    )


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Keep a folder to this process. The system lets go of it however the process ends.

    Raises:
        ConfigurationError: Another run holds it; the text says which.
        OSError: The file that is locked cannot be made.
    """
    # No lock by mere existence, which would outlive a kill: better none at all.
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise _in_use(folder) from None
    try:
        yield
    finally:
        lock.release()


def _in_use(folder: Path) -> ConfigurationError:
    holder = _holder(folder / JOURNAL)
    if holder is None:
        return ConfigurationError(
            f"{folder} is in use by another process.", help="Wait for its end. Nothing was sent."
        )
    pid, host, since = holder
    there = "" if host == socket.gethostname() else f" on {host}"
    return ConfigurationError(
        f"{folder} is in use by process {pid} on host {host} since {since} UTC.",
        help=f"Wait for its end, or stop it{there}: kill {pid}. Nothing was sent.",
    )


def _holder(path: Path) -> tuple[int, str, str] | None:
    """Say who wrote down last that it began a run, unless that run is over."""
    try:
        with reading(path) as database:
            found = database.ask(
                "SELECT pid, host, began, ended FROM runs ORDER BY run DESC LIMIT 1"
            )
    except (ConfigurationError, JournalError):  # it is being made at this moment
        return None
    for pid, host, began, ended in found:
        if ended is None:
            return pid, host, began[:19].replace("T", " ")
    return None
