"""What a job knows of each of its requests, from run to run: the tables of the journal.

Everything here blocks. A request is known by what it asks for and by its ordinal among equal ones,
never by its place in the list. Its states:

    pending ─▶ sent ─▶ paid ─▶ done
       ▲         │       └───▶ failed
       └─────────┴───────────▶ failed, in doubt

What changes is durable once ``commit`` returns. Texts are JSON, times ISO 8601 in UTC.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import attrs

from volcv_async.errors import Billed, ConfigurationError
from volcv_async.job import database
from volcv_async.job.database import JOURNAL, LOCK, Database, JournalError
from volcv_async.job.rows import Row

__all__ = [
    "JOURNAL",
    "LOCK",
    "Counts",
    "Entry",
    "JournalError",
    "Records",
    "Standing",
    "State",
    "reading",
]

State = Literal["pending", "sent", "paid", "done", "failed", "in doubt"]
"""What is known of a request: that it is yet to go out, went out, or what came of it."""

T = TypeVar("T")

Describe = Callable[[int], str]
"""Gives the JSON of a request's body, by its ordinal among equal ones."""

_PAGE = 200  # entries that are read at a time
_MARK = 16  # digits that tell apart what stands in one line
_COLUMNS = (
    "number, key, ordinal, listed, state, model, request, attempts, sent, account, request_id, "
    'billed, again, images, "rows", '
    "(SELECT value FROM notes WHERE name = 'columns ' || number)"
)


@attrs.frozen(kw_only=True)
class Standing:
    """Where an image of a paid call stands.

    Attributes:
        url: Its URL, or None where it came within the reply.
        expires: When that URL dies (UTC), or None where nothing is known of it.
    """

    url: str | None
    expires: datetime | None


@attrs.frozen(kw_only=True)
class Entry:
    """What is known of one request.

    Attributes:
        number: What its files are named by: the order of first enrolment in this folder, from 0.
        key: Its identity, 16 bytes.
        ordinal: Its place among equal requests, from 0.
        listed: Whether a list has held it since, and including, the last run that ended cleanly.
        state: What is known of it.
        model: The class of the request, by name.
        request: The body as it goes out or went out last, as JSON, its seeds in it.
        attempts: How many attempts were made, over all runs.
        sent: When the last attempt left (UTC), or None.
        account: The account of the last attempt, or None.
        request_id: The provider's id of the last attempt, or None.
        billed: Whether any attempt was charged for, as far as anybody can tell.
        again: Of what failed: whether the next run sends it unasked.
        images: Of what is paid: where its images stand.
        rows: What it left in ``metadata.jsonl``, ``failed.jsonl`` or ``in_doubt.jsonl``.
        columns: What its row in the list says beside the request.
    """

    number: int
    key: bytes
    ordinal: int
    listed: bool = True
    state: State = "pending"
    model: str
    request: str
    attempts: int = 0
    sent: datetime | None = None
    account: str | None = None
    request_id: str | None = None
    billed: Billed = "no"
    again: bool = False
    images: tuple[Standing, ...] = ()
    rows: tuple[Row, ...] = ()
    columns: Mapping[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.frozen(kw_only=True)
class Counts:
    """How many requests are in each state, over all lists this folder has seen."""

    pending: int = 0
    sent: int = 0
    paid: int = 0
    done: int = 0
    failed: int = 0
    in_doubt: int = 0


class Records:
    """The journal of one run; a context manager, entered once.

    It may be used from another thread than it was opened in, by one at a time.

    Args:
        folder: Where it lies.
        fsync: Whether what is committed is on the disk; otherwise it is safe from the end of this
            process, and a power cut may take the latest of it.

    Attributes:
        fresh: Whether the journal was made now.
        was_clean: Whether the run before this one ended cleanly; True where there was none.
    """

    fresh: bool
    was_clean: bool

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder, self._fsync = folder, fsync
        self._held = ExitStack()
        self._run = 0
        self._clean_run = 0
        self._db: Database

    def __enter__(self) -> Self:
        """Make the folder, keep it to this process, open its journal, and begin a run.

        Raises:
            ConfigurationError: Another run holds the folder, it is none, or its journal is none.
            OSError: Something cannot be made, read or written.
        """
        with ExitStack() as held:
            _make_folder(self._folder)
            held.enter_context(database.held(self._folder))
            self._db = held.enter_context(database.writing(self._folder / JOURNAL))
            self.fresh = self._db.make(fsync=self._fsync)
            self._begin()
            self._held = held.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._held:
            if error is None:
                self._db.change("UPDATE runs SET ended = ? WHERE run = ?", (_now(), self._run))
            self._db.commit()

    @classmethod
    def over(cls, db: Database) -> Self:
        """Give the records of a journal that is open already, for reading."""
        records = cls(db.path.parent)
        records._db, records.fresh = db, False
        records.was_clean = records._look_back()
        return records

    def _begin(self) -> None:
        self.was_clean = self._look_back()
        self._run += 1
        who = (self._run, os.getpid(), socket.gethostname(), _now())
        self._db.change("INSERT INTO runs (run, pid, host, began) VALUES (?, ?, ?, ?)", who)
        self._db.commit()

    def _look_back(self) -> bool:
        """Find the latest run, and the latest that ended cleanly; tell whether they are one."""
        ((self._run, self._clean_run),) = self._db.ask(
            "SELECT coalesce(max(run), 0), coalesce(max(run) FILTER (WHERE ended NOTNULL), 0) "
            "FROM runs"
        )
        return self._run == self._clean_run

    # From the list

    def enrol(self, key: bytes, model: str, describe: Describe) -> Entry:
        """Find the next request of this identity that this run has not seen, or add one.

        Equal requests are told apart by their order alone, so that a list may be reordered,
        extended or shortened between runs.

        Args:
            key: The identity of the request.
            model: Its class, by name.
            describe: Gives the JSON of the body of a new one, by its ordinal.
        """
        first = self._db.ask(
            "SELECT number, listed, seen FROM entries WHERE key = ? AND ordinal = 0", (key,)
        )
        if not first:
            return self._add(key, 0, model, describe(0), seen=1)
        ((number, listed, seen),) = first
        ordinal = seen if listed == self._run else 0
        self._db.change(
            "UPDATE entries SET listed = ?, seen = ? WHERE number = ?",
            (self._run, ordinal + 1, number),
        )
        return self.entry(number) if ordinal == 0 else self._further(key, ordinal, model, describe)

    def _further(self, key: bytes, ordinal: int, model: str, describe: Describe) -> Entry:
        """Find or add one that is not the first among equal ones."""
        found = self._db.ask(
            "SELECT number FROM entries WHERE key = ? AND ordinal = ?", (key, ordinal)
        )
        if not found:
            return self._add(key, ordinal, model, describe(ordinal))
        ((number,),) = found
        self._db.change("UPDATE entries SET listed = ? WHERE number = ?", (self._run, number))
        return self.entry(number)

    def _add(self, key: bytes, ordinal: int, model: str, request: str, seen: int = 0) -> Entry:
        number = self._db.add(
            "INSERT INTO entries (number, key, ordinal, listed, seen, model, request) "
            "SELECT coalesce(max(number) + 1, 0), ?, ?, ?, ?, ?, ? FROM entries",
            (key, ordinal, self._run, seen, model, request),
        )
        return Entry(number=number, key=key, ordinal=ordinal, model=model, request=request)

    def describe(self, number: int, columns: Mapping[str, Any]) -> None:
        """Keep what the row of an entry says beside the request, in place of what was kept."""
        self.note(f"columns {number}", _dump(columns))

    # Rows of the list that are no requests

    def set_aside(self, row: Row, number: int | None = None) -> None:
        """Keep a row for ``failed.jsonl``, once however often it is set aside.

        Args:
            row: It; what this run sets aside stands for its whole list.
            number: The entry that it stands for as long as that is pending, the last where it is
                set aside for several; None: it is of none.
        """
        text = _dump(row)
        mark = hashlib.sha256(text.encode()).hexdigest()[:_MARK]
        value = {"run": self._run, "number": number, "row": row}
        self.note(f"aside {_text(row['list'])} {row['line']:09d} {mark}", _dump(value))

    def rest_stays_listed(self) -> None:
        """Take what the list before held for listed still, where this run has not read that far."""
        self._db.change(
            "UPDATE entries SET listed = ? WHERE listed >= ?", (self._run, self._clean_run)
        )

    def forget_others(self) -> None:
        """Forget what only earlier runs have set aside, now that the whole list was seen."""
        for name, aside in self._aside():
            if aside["run"] != self._run and not self._waits(aside["number"]):
                self._db.change("DELETE FROM notes WHERE name = ?", (name,))

    def aside(self) -> Iterator[Row]:
        """Give the rows that were set aside, by list and line, a page at a time."""
        for _, aside in self._aside():
            if aside["number"] is None or self._waits(aside["number"]):
                yield aside["row"]

    def _aside(self) -> Iterator[tuple[str, dict[str, Any]]]:
        sql = (
            "SELECT name, value FROM notes WHERE name > 'aside ' AND name < 'aside!' "  # noqa: S608 - our own number
            f"AND name > ? ORDER BY name LIMIT {_PAGE}"
        )
        return ((name, json.loads(value)) for name, value in self._pages(sql, first=""))

    def _waits(self, number: int | None) -> bool:
        return number is not None and self.entry(number).state == "pending"

    # From state to state

    def sending(
        self, number: int, *, attempts: int, sent: datetime, account: str, request: str
    ) -> None:
        """Note that an attempt goes out: it is in doubt until something else is known.

        Args:
            number: Which entry.
            attempts: How many attempts were made with this one, over all runs.
            sent: When it leaves.
            account: By which account.
            request: The JSON of the body as it goes out.
        """
        self._db.change(
            "UPDATE entries SET state = 'sent', attempts = ?, sent = ?, account = ?, request = ?, "
            "request_id = NULL, again = 0, images = '[]' WHERE number = ?",
            (attempts, _iso(sent), account, request, number),
        )

    def repeatable(self, number: int) -> None:
        """Note that an attempt cost nothing, so that the request may go out again.

        One of which an earlier attempt may have been billed stays as it is.
        """
        self._db.change(
            "UPDATE entries SET state = 'pending' "
            "WHERE number = ? AND state = 'sent' AND billed = 'no'",
            (number,),
        )

    def paid(self, number: int, *, request_id: str, images: Sequence[Standing]) -> None:
        """Note that a call was answered with images, and where they stand.

        What has come of it already, where that is known first, stays as it is.
        """
        standing = [{"url": i.url, "expires": i.expires and _iso(i.expires)} for i in images]
        self._db.change(
            "UPDATE entries SET state = 'paid', billed = 'yes', request_id = ?, images = ? "
            "WHERE number = ? AND state = 'sent'",
            (_text(request_id), _dump(standing), number),
        )

    def done(self, number: int, rows: Sequence[Row]) -> None:
        """Note that the images are on the disk, with the rows that say so."""
        self._db.change(
            "UPDATE entries SET state = 'done', billed = 'yes', again = 0, \"rows\" = ? "
            "WHERE number = ?",
            (_dump(rows), number),
        )

    def stranded(self, number: int, row: Row) -> None:
        """Note that what is paid for could not be fetched yet; it stays paid.

        Args:
            number: Which entry.
            row: What stands of it in ``failed.jsonl``.
        """
        self._db.change('UPDATE entries SET "rows" = ? WHERE number = ?', (_dump([row]), number))

    def failed(
        self,
        number: int,
        row: Row,
        *,
        billed: Billed,
        again: bool,
        request_id: str | None,
        images: Sequence[Row] = (),
    ) -> None:
        """Note that a request ended without an image, for a known reason.

        Args:
            number: Which entry.
            row: What stands of it in ``failed.jsonl``.
            billed: Whether any attempt was charged for.
            again: Whether the next run sends it unasked.
            request_id: The provider's id of the call, if there is one.
            images: What stands in ``metadata.jsonl`` of those of its images that are whole.
        """
        rows = [*images, row]
        self._end(number, "failed", rows, billed=billed, again=again, request_id=request_id)

    def in_doubt(self, number: int, row: Row, *, billed: Billed, request_id: str | None) -> None:
        """Note that nobody knows what became of a request.

        Args:
            number: Which entry.
            row: What stands of it in ``in_doubt.jsonl``.
            billed: Whether any attempt was charged for.
            request_id: The provider's id of the call, if there is one.
        """
        self._end(number, "in doubt", [row], billed=billed, again=False, request_id=request_id)

    def _end(
        self,
        number: int,
        state: State,
        rows: Sequence[Row],
        *,
        billed: Billed,
        again: bool,
        request_id: str | None,
    ) -> None:
        self._db.change(
            "UPDATE entries SET state = ?, billed = ?, again = ?, "
            'request_id = coalesce(?, request_id), "rows" = ? WHERE number = ?',
            (state, billed, again, request_id and _text(request_id), _dump(rows), number),
        )

    # What is known

    def entry(self, number: int) -> Entry:
        """Give an entry.

        Raises:
            KeyError: There is none of that number.
        """
        for found in self._db.ask(f"SELECT {_COLUMNS} FROM entries WHERE number = ?", (number,)):  # noqa: S608 - our own columns
            return self._entry(found)
        raise KeyError(number)

    def entries(self) -> Iterator[Entry]:
        """Give all entries by number, a page at a time."""
        sql = f"SELECT {_COLUMNS} FROM entries WHERE number > ? ORDER BY number LIMIT {_PAGE}"  # noqa: S608 - our own columns
        return map(self._entry, self._pages(sql))

    def unfinished(self) -> list[Entry]:
        """Give what a run that died has left sent or paid, by number."""
        found = self._db.ask(
            f"SELECT {_COLUMNS} FROM entries WHERE state IN ('sent', 'paid') ORDER BY number"  # noqa: S608 - our own columns
        )
        return [self._entry(row) for row in found]

    def rows(self, *states: State) -> Iterator[Row]:
        """Give the rows of all entries in these states, state by state, a page at a time."""
        sql = (
            'SELECT number, "rows" FROM entries WHERE state = ? AND number > ? '  # noqa: S608 - our own columns
            f"ORDER BY number LIMIT {_PAGE}"
        )
        for state in states:
            for _, rows in self._pages(sql, state):
                yield from json.loads(rows)

    def counts(self) -> Counts:
        """Count the entries in each state."""
        found = self._db.ask("SELECT state, count(*) FROM entries GROUP BY state")
        return Counts(**{state.replace(" ", "_"): number for state, number in found})

    def _pages(self, sql: str, *values: object, first: int | str = -1) -> Iterator[tuple[Any, ...]]:
        """Give the rows of a query that begins after the last of its first column."""
        last: object = first
        while page := self._db.ask(sql, (*values, last)):
            yield from page
            last = page[-1][0]

    def _entry(self, found: Sequence[Any]) -> Entry:
        (number, key, ordinal, listed, state, model, request, attempts) = found[:8]
        (sent, account, request_id, billed, again, images, rows, columns) = found[8:]
        return Entry(
            number=number,
            key=key,
            ordinal=ordinal,
            listed=listed >= self._clean_run,
            state=state,
            model=model,
            request=request,
            attempts=attempts,
            sent=_time(sent),
            account=account,
            request_id=request_id,
            billed=billed,
            again=bool(again),
            images=tuple(
                Standing(url=image["url"], expires=_time(image["expires"]))
                for image in json.loads(images)
            ),
            rows=tuple(json.loads(rows)),
            columns=json.loads(columns) if columns else {},
        )

    # From run to run

    def note(self, name: str, value: str) -> None:
        """Keep a small fact for later runs, in place of an earlier one of that name."""
        self._db.change("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, _text(value)))

    def noted(self, name: str) -> str | None:
        """Give a fact that was kept, or None."""
        for (value,) in self._db.ask("SELECT value FROM notes WHERE name = ?", (name,)):
            return str(value)
        return None

    # Whole or not at all

    def commit(self) -> None:
        """Make all changes durable; they are on the disk when this returns.

        Raises:
            JournalError: They cannot be written; ``rollback`` is what is left.
        """
        self._db.commit()

    def rollback(self) -> None:
        """Take back all changes since the last commit."""
        self._db.rollback()

    def apart(self, op: Callable[[Records], T]) -> T:
        """Carry out an operation whose changes alone are taken back if it raises.

        After an ``OSError`` nothing is taken back: the whole transaction is to be.
        """
        if self._db.begin():
            return self._begun_by(op)
        self._db.change("SAVEPOINT apart")
        try:
            given = op(self)
        except OSError:
            raise
        except BaseException:
            self._db.change("ROLLBACK TO apart")
            self._db.change("RELEASE apart")
            raise
        self._db.change("RELEASE apart")
        return given

    def _begun_by(self, op: Callable[[Records], T]) -> T:
        """Carry out the first operation of a transaction, which holds nothing else yet."""
        try:
            return op(self)
        except OSError:
            raise
        except BaseException:
            self.rollback()
            raise


@contextmanager
def reading(folder: Path) -> Generator[Records]:
    """Read the journal of a folder as it stands at this moment, also while a run goes on.

    It is not changed, and may lie where nothing can be written.

    Raises:
        ConfigurationError: There is no journal, or it cannot be read where it lies.
        JournalError: It cannot be read.
    """
    with database.reading(folder / JOURNAL) as db:
        yield Records.over(db)


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder} is no folder.", help="Give another one to write to.")
    folder.mkdir(parents=True, exist_ok=True)


def _now() -> str:
    return _iso(datetime.now(UTC))


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time(iso: str | None) -> datetime | None:
    return None if iso is None else datetime.fromisoformat(iso)


def _dump(value: object) -> str:
    # Half a surrogate pair in a provider's words becomes its JSON escape.
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _text(value: str) -> str:
    """Write what is no text, half a surrogate pair, as its escape: the database takes none."""
    return value.encode(errors="backslashreplace").decode()
