"""The journal's thread: who writes at once shares a flush, and what was told to be durable is."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path

import pytest
from disk_of_tests import files_no_larger_than

from volcv_async.job.journal import Journal
from volcv_async.job.records import JOURNAL, Counts, Entry, JournalError, Records, reading

KEY = b"0123456789abcdef"


@asynccontextmanager
async def journal(folder: Path) -> AsyncGenerator[Journal]:
    with Records(folder) as records:
        async with Journal(records) as running:
            yield running


def enrol(records: Records) -> Entry:
    return records.enrol(KEY, "GeneralV21", str)


def stumble(records: Records) -> None:
    enrol(records)
    raise ZeroDivisionError


def write_much(records: Records) -> None:
    records.enrol(KEY, "GeneralV21", lambda _: "x" * 100_000)


def seen(folder: Path) -> int:
    with reading(folder) as records:
        return records.counts().pending


class Gate:
    """An operation that holds up the journal until it is let go."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go = threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, _: Records) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self.go.wait(30)


@contextmanager
def full_disk(folder: Path) -> Generator[None]:
    """Let the system refuse to let the journal grow any more."""
    size = (folder / f"{JOURNAL}-wal").stat().st_size
    with files_no_larger_than(size + 5000):
        yield


async def test_what_was_done_is_durable_when_it_is_told(tmp_path: Path) -> None:
    """Another reader sees it at once, and the operation's value comes back."""
    async with journal(tmp_path) as running:
        for nth in range(3):
            entry = await running.do(enrol)
            assert (entry.ordinal, seen(tmp_path)) == (nth, nth + 1)


class SlowDisk(Records):
    """Records on a disk that takes its time, until it is let go."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.go = threading.Event()

    def commit(self) -> None:
        assert self.go.wait(30)
        super().commit()


async def test_a_look_is_told_before_it_is_durable(tmp_path: Path) -> None:
    """It does not wait for the disk, as one that must be durable does."""
    with SlowDisk(tmp_path) as records:
        async with Journal(records) as running:
            done = asyncio.create_task(running.do(enrol))
            assert (await running.look(enrol)).ordinal < 2
            assert (seen(tmp_path), done.done()) == (0, False)
            records.go.set()
            await done
    assert seen(tmp_path) == 2


async def test_looking_costs_no_flush(tmp_path: Path) -> None:
    """What only looks is written with the next that must be, or when the journal is left."""
    async with journal(tmp_path) as running:
        await running.look(enrol)
        await running.look(enrol)
        assert seen(tmp_path) == 0
        await running.do(enrol)
        assert seen(tmp_path) == 3
        await running.look(enrol)
    assert seen(tmp_path) == 4


async def test_who_posts_can_be_told(tmp_path: Path) -> None:
    """From any thread; in the loop and its context, once it is on the disk."""
    place: ContextVar[str] = ContextVar("place")
    place.set("the job's")
    told: asyncio.Future[tuple[BaseException | None, int, str]] = asyncio.Future()

    def tell(error: BaseException | None) -> None:
        told.set_result((error, seen(tmp_path), place.get("lost")))

    async with journal(tmp_path) as running:
        thread = threading.Thread(target=running.post, args=(enrol, tell))
        thread.start()
        assert await told == (None, 1, "the job's")
        thread.join()


async def test_who_posts_can_be_told_of_a_mistake(tmp_path: Path) -> None:
    """It is his then, and is not raised when the journal is left."""
    told: asyncio.Future[BaseException | None] = asyncio.Future()
    async with journal(tmp_path) as running:
        running.post(stumble, told.set_result)
        assert isinstance(await told, ZeroDivisionError)


async def test_what_waits_together_is_one_transaction(tmp_path: Path) -> None:
    """Of what waits behind a flush nothing is durable until all of it is; at most 512 at a time."""
    gate, inner = Gate(), Gate()
    async with journal(tmp_path) as running:
        running.post(gate)
        await gate.reached.wait()
        for _ in range(100):
            running.post(enrol)
        running.post(inner)
        gate.go.set()
        await inner.reached.wait()
        assert seen(tmp_path) == 0
        inner.go.set()
        await running.do(enrol)
        assert seen(tmp_path) == 101
        gate, inner = Gate(), Gate()
        running.post(gate)
        await gate.reached.wait()
        for _ in range(600):
            running.post(enrol)
        running.post(inner)
        gate.go.set()
        await inner.reached.wait()
        assert seen(tmp_path) == 101 + 512
        inner.go.set()


async def test_operations_run_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    """Of whatever kind they are."""
    order: list[int] = []
    async with journal(tmp_path) as running:
        running.post(lambda _: order.append(0))
        first = asyncio.create_task(running.do(lambda _: order.append(1)))
        second = asyncio.create_task(running.look(lambda _: order.append(2)))
        await asyncio.gather(first, second)
        running.post(lambda _: order.append(3))
    assert order == [0, 1, 2, 3]


async def test_a_mistake_fails_alone(tmp_path: Path) -> None:
    """What an operation in error changed is taken back; its neighbours are not."""
    async with journal(tmp_path) as running:
        outcomes = await asyncio.gather(
            running.do(enrol), running.do(stumble), running.do(enrol), return_exceptions=True
        )
        assert isinstance(outcomes[1], ZeroDivisionError)
        assert await running.do(Records.counts) == Counts(pending=2)


async def test_an_operation_may_raise_whatever_it_likes(tmp_path: Path) -> None:
    """What a coroutine may not raise, or what ends a thread, comes back too, and nothing hangs."""
    async with journal(tmp_path) as running:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await running.do(lambda _: next(iter(())))
        with pytest.raises(asyncio.CancelledError):
            await running.do(lambda _: _raise(asyncio.CancelledError()))
        assert (await running.do(enrol)).number == 0


def _raise(error: BaseException) -> None:
    raise error


async def test_a_cancelled_wait_leaves_the_operation_in_its_place(tmp_path: Path) -> None:
    """It is carried out all the same."""
    gate = Gate()
    async with journal(tmp_path) as running:
        running.post(gate)
        await gate.reached.wait()
        waiting = asyncio.create_task(running.do(enrol))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.go.set()
    assert seen(tmp_path) == 1


async def test_leaving_waits_for_what_was_posted(tmp_path: Path) -> None:
    """However often it is cancelled meanwhile; the cancellation comes through afterwards."""
    gate = Gate()
    entered = asyncio.Event()

    async def work() -> None:
        async with journal(tmp_path) as running:
            running.post(gate)
            running.post(enrol)
            entered.set()

    task = asyncio.create_task(work())
    await entered.wait()
    await gate.reached.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    gate.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen(tmp_path) == 1
    assert not any(thread.name == "volcv journal" for thread in threading.enumerate())


async def test_a_full_disk_breaks_the_journal(tmp_path: Path) -> None:
    """All of the transaction fails, and all that comes later, with one error; the rest is whole."""
    gate = Gate()
    with pytest.raises(JournalError, match=r"journal\.sqlite: "):
        async with journal(tmp_path) as running:
            await running.do(enrol)
            with full_disk(tmp_path):
                running.post(gate)
                await gate.reached.wait()
                batch = [running.do(enrol), running.do(write_much), running.do(enrol)]
                waiting = [asyncio.create_task(one) for one in batch]
                await asyncio.sleep(0)
                gate.go.set()
                errors = await asyncio.gather(*waiting, return_exceptions=True)
            assert isinstance(errors[0], JournalError)
            assert errors == [errors[0]] * 3
            running.post(enrol)
            await running.look(enrol)
    with Records(tmp_path) as records:
        assert (records.counts(), records.was_clean) == (Counts(pending=1), False)


async def test_an_error_of_the_system_takes_the_whole_transaction_back(tmp_path: Path) -> None:
    """What a broken journal has not told to be durable is not, even if the disk would take it."""

    def fail(records: Records) -> None:
        enrol(records)
        raise PermissionError("no entry")

    with Records(tmp_path) as records:
        async with Journal(records) as running:
            with pytest.raises(PermissionError, match="no entry"):
                await running.do(fail)
        assert records.counts() == Counts()
    assert seen(tmp_path) == 0


async def test_an_error_of_the_system_fails_all_that_shares_its_flush(tmp_path: Path) -> None:
    """What was only looked at before, and is not durable yet, is taken back as well."""

    def fail(records: Records) -> None:
        enrol(records)
        raise PermissionError("no entry")

    gate = Gate()
    with Records(tmp_path) as records:
        async with Journal(records) as running:
            await running.look(enrol)
            running.post(gate, lambda _: None)
            await gate.reached.wait()
            batch = [running.do(enrol), running.do(fail), running.do(enrol)]
            waiting = [asyncio.create_task(one) for one in batch]
            await asyncio.sleep(0)
            gate.go.set()
            errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(error) for error in errors] == ["no entry"] * 3
        assert records.counts() == Counts(pending=1)
    with Records(tmp_path) as records:
        async with Journal(records) as running:
            await running.look(enrol)
            with pytest.raises(PermissionError):
                await running.do(fail)
        assert records.counts() == Counts(pending=1)


async def test_an_error_that_nobody_heard_is_raised_at_the_end(tmp_path: Path) -> None:
    """What was posted, or looked at and not durable, does not fail in silence."""
    with full_disk_after_entering(tmp_path) as records:
        with pytest.raises(JournalError, match=r"journal\.sqlite: "):
            async with Journal(records) as running:
                running.post(write_much)
    with pytest.raises(ZeroDivisionError):
        async with journal(tmp_path) as running:
            running.post(stumble)


@contextmanager
def full_disk_after_entering(folder: Path) -> Generator[Records]:
    with Records(folder) as records, full_disk(folder):
        yield records


async def test_an_error_that_somebody_heard_is_not_raised_again(tmp_path: Path) -> None:
    """Whoever waited for it has it, whatever else failed of the same cause."""
    with full_disk_after_entering(tmp_path) as records:
        async with Journal(records) as running:
            running.post(write_much)
            with pytest.raises(JournalError):
                await running.do(enrol)
            running.post(enrol)


async def test_an_unheard_error_stands_beside_another(tmp_path: Path) -> None:
    """The error that ended the block goes on, with a note of what went wrong in the journal."""
    with pytest.raises(KeyError) as caught:
        async with journal(tmp_path) as running:
            running.post(stumble)
            raise KeyError
    assert "ZeroDivisionError() was raised in it, too" in caught.value.__notes__[0]


async def test_an_unheard_error_is_told_to_who_was_cancelled(tmp_path: Path) -> None:
    """A cancellation would end with nobody reading its notes."""
    with pytest.raises(ZeroDivisionError):
        async with journal(tmp_path) as running:
            running.post(stumble)
            raise asyncio.CancelledError


async def refuses(running: Journal) -> None:
    with pytest.raises(RuntimeError, match="not entered"):
        await running.do(enrol)
    with pytest.raises(RuntimeError, match="not entered"):
        await running.look(enrol)
    with pytest.raises(RuntimeError, match="not entered"):
        running.post(enrol)


async def test_a_journal_that_is_not_entered_takes_nothing(tmp_path: Path) -> None:
    """Before and after, asking is a mistake that is told instead of a wait without end."""
    with Records(tmp_path) as records:
        running = Journal(records)
        await refuses(running)
        async with running:
            pass
        await refuses(running)


def test_a_kill_in_mid_write_leaves_what_was_told(tmp_path: Path) -> None:
    """Whatever was said to be durable when the process was killed, is; the database is whole."""
    program = """
import asyncio, sys
from pathlib import Path
from volcv_async.job.journal import Journal
from volcv_async.job.records import Records

async def main():
    with Records(Path(sys.argv[1])) as records:
        async with Journal(records) as journal:
            async def write():
                while True:
                    entry = await journal.do(lambda r: r.enrol(b"x" * 16, "GeneralV21", str))
                    print(entry.number, flush=True)
            await asyncio.gather(*(write() for _ in range(16)))

asyncio.run(main())
"""
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(500)]
        process.kill()
        said += [int(line) for line in process.stdout.read().splitlines()[:-1]]
    with Records(tmp_path) as records:
        assert not records.was_clean
        assert records.counts().pending > max(said)
    connection = sqlite3.connect(tmp_path / JOURNAL)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
