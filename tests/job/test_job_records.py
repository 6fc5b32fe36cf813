"""The tables of the journal: what is known of each request, from run to run."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from disk_of_tests import files_no_larger_than
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.errors import ConfigurationError
from volcv_async.job.database import LOCK
from volcv_async.job.records import JOURNAL, Counts, JournalError, Records, Standing, reading

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = b"0123456789abcdef"
NOBODY = 65534


def send(records: Records, number: int, *, attempts: int = 1) -> None:
    records.sending(number, attempts=attempts, sent=NOON, account="studio", request='{"seed":7}')


def run(folder: Path, *works: Callable[[Records], object]) -> None:
    with Records(folder) as records:
        for work in works:
            work(records)


def crash(folder: Path, code: str) -> None:
    """Let another process write, and die without a word."""
    program = f"""
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from volcv_async.job.records import *
records = Records(Path(sys.argv[1])).__enter__()
{code}
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program, str(folder)], check=False, timeout=60)  # noqa: S603 - ourselves


def whole(folder: Path) -> bool:
    connection = sqlite3.connect(folder / JOURNAL)
    try:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


@contextmanager
def read_only(folder: Path) -> Generator[None]:
    """Take the right to write to a folder away, from the superuser too."""
    root = os.geteuid() == 0
    folder.chmod(0o555)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_new_request_is_pending(tmp_path: Path) -> None:
    """It gets the next number, and nothing is known of it but what it asks for."""
    with Records(tmp_path / "new" / "out") as records:
        assert (records.fresh, records.was_clean) == (True, True)
        assert records.enrol(b"a" * 16, "GeneralV21", str).number == 0
        enrolled = records.enrol(KEY, "GeneralV14", lambda nth: f'{{"prompt":"cat {nth}"}}')
        entry = records.entry(1)
    assert enrolled == entry
    assert (entry.number, entry.key, entry.ordinal, entry.listed) == (1, KEY, 0, True)
    assert (entry.state, entry.model, entry.request) == (
        "pending",
        "GeneralV14",
        '{"prompt":"cat 0"}',
    )
    assert (entry.attempts, entry.sent, entry.account, entry.request_id) == (0, None, None, None)
    assert (entry.billed, entry.again, entry.images, entry.rows) == ("no", False, (), ())


@pytest.mark.parametrize(("fsync", "synchronous"), [(True, 2), (False, 1)])
def test_a_commit_is_on_the_disk_unless_that_is_not_wanted(
    tmp_path: Path, *, fsync: bool, synchronous: int
) -> None:
    """Without, SQLite flushes before it copies its log only, so that the file stays whole."""
    with Records(tmp_path, fsync=fsync) as records:
        assert records._db.ask("PRAGMA synchronous") == [(synchronous,)]
        assert records._db.ask("PRAGMA journal_mode") == [("wal",)]


def test_a_request_is_followed_until_it_is_done(tmp_path: Path) -> None:
    """Sent, paid and done are told with all that belongs to them, in the next run too."""
    expires = datetime(2026, 11, 24, 14, tzinfo=timezone(timedelta(hours=1)))
    standing = Standing(url="https://pictures.example/1", expires=expires)
    within = Standing(url=None, expires=None)
    rows = [{"file_name": "images/000000.png", "prompt": "千军万马"}, {"file_name": "2"}]
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        send(records, 0, attempts=2)
        entry = records.entry(0)
        assert (entry.state, entry.attempts, entry.sent) == ("sent", 2, NOON)
        assert (entry.account, entry.request, entry.billed) == ("studio", '{"seed":7}', "no")
        assert records.unfinished() == [entry]
        records.paid(0, request_id="id-1", images=[standing, within])
        entry = records.entry(0)
        assert (entry.state, entry.request_id, entry.billed) == ("paid", "id-1", "yes")
        assert entry.images == (standing, within)
        assert records.unfinished() == [entry]
        records.done(0, rows)
    with Records(tmp_path) as records:
        entry = records.entry(0)
        assert (entry.state, entry.rows, entry.billed) == ("done", tuple(rows), "yes")
        assert list(records.rows("done")) == rows
        assert (records.fresh, records.unfinished()) == (False, [])


def test_a_failure_and_a_doubt_keep_their_rows(tmp_path: Path) -> None:
    """Their rows say what happened; whether a failure goes out again and was billed stands too."""
    with Records(tmp_path) as records:
        for nth in range(3):
            records.enrol(bytes([nth]) * 16, "GeneralV21", str)
            send(records, nth)
        records.failed(1, {"code": 50500}, billed="unknown", again=True, request_id="id-2")
        records.failed(0, {"code": 50412}, billed="no", again=False, request_id=None)
        records.in_doubt(2, {"error": "x"}, billed="unknown", request_id=None)
        failed, doubted = records.entry(1), records.entry(2)
        assert list(records.rows("failed")) == [{"code": 50412}, {"code": 50500}]
        assert list(records.rows("in doubt")) == [{"error": "x"}]
        assert records.counts() == Counts(failed=2, in_doubt=1)
    assert (failed.billed, failed.again, failed.request_id) == ("unknown", True, "id-2")
    assert (doubted.state, doubted.billed, doubted.again) == ("in doubt", "unknown", False)


def test_a_request_id_is_kept_where_the_end_knows_none(tmp_path: Path) -> None:
    """A broken image of a paid call keeps the id that the payment brought."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        send(records, 0)
        records.paid(0, request_id="id-1", images=[])
        records.failed(0, {}, billed="yes", again=False, request_id=None)
        assert records.entry(0).request_id == "id-1"


def test_a_payment_that_is_told_late_undoes_no_end(tmp_path: Path) -> None:
    """What is done or failed stays so, with all that was known at its end."""
    with Records(tmp_path) as records:
        for nth in range(2):
            records.enrol(bytes([nth]) * 16, "GeneralV21", str)
            send(records, nth)
        records.done(0, [{"file_name": "images/000000.png"}])
        records.failed(1, {"code": 50500}, billed="unknown", again=False, request_id="id-1")
        ended = list(records.entries())
        for nth in range(2):
            records.paid(nth, request_id="late", images=[])
        assert list(records.entries()) == ended


def test_what_could_not_be_fetched_stays_paid(tmp_path: Path) -> None:
    """Its row says what happened, and its images are known where they stand."""
    standing = Standing(url="https://pictures.example/1", expires=NOON)
    with Records(tmp_path) as records:
        for nth in range(2):
            records.enrol(bytes([nth]) * 16, "GeneralV21", str)
            send(records, nth)
        records.failed(0, {"code": 50500}, billed="no", again=True, request_id=None)
        records.paid(1, request_id="id-1", images=[standing])
        records.stranded(1, {"error": "DownloadError"})
        entry = records.entry(1)
        assert (entry.state, entry.images) == ("paid", (standing,))
        assert list(records.rows("paid", "failed")) == [{"error": "DownloadError"}, {"code": 50500}]


def test_sending_again_leaves_of_the_last_time_the_bill_and_its_row(tmp_path: Path) -> None:
    """Images and the request id go; its row stays, and that it may have been billed."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        send(records, 0)
        records.paid(0, request_id="id-1", images=[Standing(url="https://x", expires=None)])
        records.failed(0, {"code": 1}, billed="yes", again=True, request_id="id-1")
        send(records, 0, attempts=2)
        entry = records.entry(0)
    assert (entry.state, entry.images, entry.rows, entry.request_id) == (
        "sent",
        (),
        ({"code": 1},),
        None,
    )
    assert (entry.billed, entry.again, entry.attempts) == ("yes", False, 2)


def test_what_cost_nothing_is_pending_again(tmp_path: Path) -> None:
    """Its attempts are kept. What may have been billed before stays sent, so that it is doubted."""
    with Records(tmp_path) as records:
        for nth in range(3):
            records.enrol(bytes([nth]) * 16, "GeneralV21", str)
            send(records, nth, attempts=3)
        records.repeatable(0)
        records.in_doubt(1, {}, billed="unknown", request_id=None)
        send(records, 1)
        records.repeatable(1)
        records.done(2, [])
        records.repeatable(2)
        states = [entry.state for entry in records.entries()]
        assert states == ["pending", "sent", "done"]
        assert records.entry(0).attempts == 3


def test_words_that_are_no_text_are_written_all_the_same(tmp_path: Path) -> None:
    """Half a surrogate pair, which JSON can carry, comes back in a row, and escaped elsewhere."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        records.failed(0, {"m": "\ud800 千"}, billed="no", again=False, request_id="\udfff")
        records.note("a", "\ud800")
        assert (records.entry(0).rows, records.entry(0).request_id) == (
            ({"m": "\ud800 千"},),
            "\\udfff",
        )


def test_an_entry_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    """A number that nothing has is a ``KeyError``."""
    with Records(tmp_path) as records, pytest.raises(KeyError, match="7"):
        records.entry(7)


def test_facts_are_kept_for_later_runs(tmp_path: Path) -> None:
    """The last value of a name holds; a name that was never noted has none."""
    run(tmp_path, lambda records: records.note("list", "a"), lambda r: r.note("list", "b"))
    with Records(tmp_path) as records:
        assert (records.noted("list"), records.noted("other")) == ("b", None)


def test_many_entries_are_given_by_number(tmp_path: Path) -> None:
    """All of them, in order, though they are read a page at a time, and while they change."""
    with Records(tmp_path) as records:
        for nth in range(450):
            records.enrol(nth.to_bytes(16, "little"), "GeneralV21", str)
            records.done(nth, [{"nth": nth}])
        assert [entry.number for entry in records.entries()] == list(range(450))
        rows: list[int] = []
        for row in records.rows("done"):
            rows.append(row["nth"])
            records.in_doubt(row["nth"], {}, billed="unknown", request_id=None)
        assert rows == list(range(450))
        assert records.counts() == Counts(in_doubt=450)


def enrolled(folder: Path, letters: Sequence[str]) -> list[tuple[str, int, int]]:
    with Records(folder) as records:
        entries = [(x, records.enrol(x.encode() * 16, "GeneralV21", str)) for x in letters]
        return [(letter, entry.ordinal, entry.number) for letter, entry in entries]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=12), min_size=1, max_size=4))
def test_lists_may_be_reordered_extended_and_shortened(lists: list[list[str]]) -> None:
    """Equal requests are told apart by their order alone, and each keeps its number for good."""
    numbers: dict[tuple[str, int], int] = {}
    with tempfile.TemporaryDirectory() as folder:
        for letters in lists:
            met: Counter[str] = Counter()
            for letter, ordinal, number in enrolled(Path(folder), letters):
                assert ordinal == met[letter]
                met[letter] += 1
                assert numbers.setdefault((letter, ordinal), number) == number
        with reading(Path(folder)) as records:
            known = [(entry.key[:1].decode(), entry.ordinal) for entry in records.entries()]
            listed = {(e.key[:1].decode(), e.ordinal) for e in records.entries() if e.listed}
    assert sorted(numbers.values()) == list(range(len(numbers)))
    assert known == sorted(numbers, key=numbers.__getitem__)
    last = Counter(lists[-1])
    assert listed == {(letter, nth) for letter, times in last.items() for nth in range(times)}


def test_a_list_that_was_not_read_to_its_end_hides_nothing(tmp_path: Path) -> None:
    """After a run that broke off, what the run before it listed is listed still."""
    enrolled(tmp_path, "ab")
    with pytest.raises(ZeroDivisionError), Records(tmp_path) as records:
        records.enrol(b"a" * 16, "GeneralV21", str)
        raise ZeroDivisionError
    with reading(tmp_path) as records:
        assert [entry.listed for entry in records.entries()] == [True, True]
    enrolled(tmp_path, "b")
    with reading(tmp_path) as records:
        assert [entry.listed for entry in records.entries()] == [False, True]


def test_an_end_by_an_error_is_noticed(tmp_path: Path) -> None:
    """The next run knows; what was written down is there all the same."""
    with pytest.raises(ZeroDivisionError), Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        raise ZeroDivisionError
    with Records(tmp_path) as records:
        assert (records.was_clean, records.counts()) == (False, Counts(pending=1))
    with Records(tmp_path) as records:
        assert records.was_clean


def test_a_kill_leaves_what_was_committed(tmp_path: Path) -> None:
    """After SIGKILL the database is whole, unlocked, and knows what was durable and no more."""
    crash(
        tmp_path,
        """
for nth in range(1000):
    records.enrol(nth.to_bytes(16, "big"), "GeneralV21", str)
records.sending(7, attempts=1, sent=datetime.now(UTC), account="a", request="{}")
records.commit()
for nth in range(1000, 5000):
    records.enrol(nth.to_bytes(16, "big"), "GeneralV21", str)
""",
    )
    with Records(tmp_path) as records:
        assert not records.was_clean
        assert records.counts() == Counts(pending=999, sent=1)
        assert [entry.number for entry in records.unfinished()] == [7]
    assert whole(tmp_path)


def test_a_rollback_takes_back_to_the_last_commit(tmp_path: Path) -> None:
    """What was committed stays; taking back twice changes nothing."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        records.commit()
        records.enrol(KEY, "GeneralV21", str)
        records.rollback()
        records.rollback()
        assert records.counts() == Counts(pending=1)


def test_one_operation_can_be_taken_back_alone(tmp_path: Path) -> None:
    """What was done before it in the same transaction stays."""

    def stumble(records: Records) -> None:
        records.enrol(KEY, "GeneralV21", str)
        raise ZeroDivisionError

    with Records(tmp_path) as records:
        assert records.apart(lambda r: r.enrol(KEY, "GeneralV21", str)).number == 0
        with pytest.raises(ZeroDivisionError):
            records.apart(stumble)
        assert records.apart(lambda r: r.enrol(b"b" * 16, "GeneralV21", str)).number == 1
        assert records.counts() == Counts(pending=2)


def test_a_full_disk_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    """The error names the file and the cause; the transaction is gone whole, the next one works."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        records.commit()
        size = (tmp_path / f"{JOURNAL}-wal").stat().st_size
        with files_no_larger_than(size + 5000):
            with pytest.raises(JournalError, match=r"journal\.sqlite: ") as caught:
                write_much(records)
            records.rollback()
        assert caught.value.errno in {errno.ENOSPC, errno.EIO}
        assert isinstance(caught.value.__cause__, sqlite3.Error)
        assert records.counts() == Counts(pending=1)
        send(records, 0)
    with Records(tmp_path) as records:
        assert records.counts() == Counts(sent=1)
    assert whole(tmp_path)


def write_much(records: Records) -> None:
    for nth in range(100):
        records.enrol(nth.to_bytes(16, "big"), "GeneralV21", lambda _: "x" * 1000)
    records.commit()


def test_a_disk_that_is_full_from_the_start_is_told(tmp_path: Path) -> None:
    """No journal is made, nothing is locked, and the next try works."""
    with files_no_larger_than(5000):
        with pytest.raises(JournalError, match=r"journal\.sqlite: "), Records(tmp_path):
            pass
    with Records(tmp_path) as records:
        assert records.fresh


def test_a_folder_serves_one_run_at_a_time(tmp_path: Path) -> None:
    """The second one learns who has it and what to do, and changes nothing."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        expected = rf"in use by process {os.getpid()} on host .+ since \d{{4}}-.+ UTC\. .*kill \d+"
        with pytest.raises(ConfigurationError, match=expected) as caught, Records(tmp_path):
            pass
        assert "Nothing was sent" in caught.value.help
    with Records(tmp_path) as records:
        assert records.was_clean


def test_two_processes_on_one_folder(tmp_path: Path) -> None:
    """A run of another process is respected while it lives; its pid is named."""
    program = """
import sys
from pathlib import Path
from volcv_async.job.records import Records
with Records(Path(sys.argv[1])):
    print(flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ConfigurationError, match=f"process {other.pid} "), Records(tmp_path):
            pass
        other.communicate(timeout=30)
    run(tmp_path)


def test_records_may_be_left_in_another_thread(tmp_path: Path) -> None:
    """What one thread entered another may use and leave; the folder is free afterwards."""
    records = Records(tmp_path)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(records.__enter__).result()
        records.enrol(KEY, "GeneralV21", str)
        records.__exit__(None, None, None)
        with Records(tmp_path) as records:
            assert (records.was_clean, records.counts()) == (True, Counts(pending=1))


def test_a_holder_that_has_not_said_who_it_is(tmp_path: Path) -> None:
    """While a run is only just beginning, or has just ended, nobody is blamed."""
    with Records(tmp_path / "other"):
        shutil.copy(tmp_path / "other" / LOCK, tmp_path)
    from filelock import FileLock

    with FileLock(tmp_path / LOCK):
        with pytest.raises(ConfigurationError, match="by another process"), Records(tmp_path):
            pass
    run(tmp_path)
    with FileLock(tmp_path / LOCK):
        with pytest.raises(ConfigurationError, match="by another process"), Records(tmp_path):
            pass
    connection = sqlite3.connect(tmp_path / JOURNAL)
    connection.execute("DELETE FROM runs")
    connection.commit()
    connection.close()
    with FileLock(tmp_path / LOCK):
        with pytest.raises(ConfigurationError, match="by another process"), Records(tmp_path):
            pass


def test_a_holder_on_another_host_is_stopped_there(tmp_path: Path) -> None:
    """The cure says where, since the pid means nothing here."""
    with Records(tmp_path) as records:
        records.commit()
        connection = sqlite3.connect(tmp_path / JOURNAL)
        connection.execute("UPDATE runs SET host = 'elsewhere', pid = 4711")
        connection.commit()
        connection.close()
        with pytest.raises(ConfigurationError, match="on elsewhere: kill 4711"), Records(tmp_path):
            pass


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    """The error says that it is no folder."""
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigurationError, match="is no folder"), Records(tmp_path / "out"):
        pass


def test_a_file_that_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    """Neither text nor somebody else's database is touched, by writing or reading."""
    (tmp_path / JOURNAL).write_text("my diary, which is no database at all\n" * 100)
    before = (tmp_path / JOURNAL).read_bytes()
    for use in (Records, reading):
        with pytest.raises(ConfigurationError, match=r"is no journal.*Move it away"), use(tmp_path):
            pass
    assert (tmp_path / JOURNAL).read_bytes() == before
    (tmp_path / JOURNAL).unlink()
    connection = sqlite3.connect(tmp_path / JOURNAL)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = (tmp_path / JOURNAL).read_bytes()
    for use in (Records, reading):
        with pytest.raises(ConfigurationError, match=r"is no journal.*Move it away"), use(tmp_path):
            pass
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_journal_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    """It says so, instead of guessing what is in it."""
    run(tmp_path)
    connection = sqlite3.connect(tmp_path / JOURNAL)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for use in (Records, reading):
        with (
            pytest.raises(ConfigurationError, match=r"newer volcv-async.*version 99"),
            use(tmp_path),
        ):
            pass


def test_a_journal_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    """What cannot be opened at all is an ``OSError`` that names it."""
    (tmp_path / JOURNAL).mkdir()
    for use in (Records, reading):
        with pytest.raises(OSError, match=r"journal\.sqlite"), use(tmp_path):
            pass


def test_a_folder_without_a_journal_has_nothing_to_read(tmp_path: Path) -> None:
    """The error says so, and nothing is made by looking."""
    with pytest.raises(ConfigurationError, match="holds no journal"), reading(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_journal_is_read_while_a_run_writes_it(tmp_path: Path) -> None:
    """A reader sees one moment of what was committed, and holds nobody up."""
    with Records(tmp_path) as records:
        records.enrol(KEY, "GeneralV21", str)
        records.commit()
        records.enrol(KEY, "GeneralV21", str)
        with reading(tmp_path) as seen:
            assert seen.counts() == Counts(pending=1)
            records.commit()
            assert (seen.counts(), seen.was_clean) == (Counts(pending=1), False)
            assert [entry.listed for entry in seen.entries()] == [True]
        with reading(tmp_path) as seen:
            assert seen.counts() == Counts(pending=2)
            with pytest.raises(JournalError, match="readonly") as caught:
                seen.note("a", "b")
            assert caught.value.errno == errno.EROFS


def test_a_journal_is_read_where_nothing_can_be_written(open_folder: Path) -> None:
    """A copy on a read-only medium tells what the journal told."""
    run(open_folder, lambda records: records.enrol(KEY, "GeneralV21", str))
    with read_only(open_folder), reading(open_folder) as records:
        assert [entry.key for entry in records.entries()] == [KEY]


def test_a_crashed_journal_that_cannot_be_put_in_order_is_not_misread(open_folder: Path) -> None:
    """Where the last changes lie beside it and cannot be brought in, the cure is a copy."""
    crash(open_folder, "records.enrol(b'x' * 16, 'GeneralV21', str); records.commit()")
    (open_folder / f"{JOURNAL}-shm").unlink()
    with read_only(open_folder):
        with pytest.raises(ConfigurationError, match=r"not closed.*Copy the whole folder"):
            with reading(open_folder):
                pass
    with reading(open_folder) as records:
        assert records.counts() == Counts(pending=1)


def test_a_folder_that_cannot_be_written_is_told(open_folder: Path) -> None:
    """A run in a read-only folder ends with an ``OSError`` that names what is in the way."""
    with read_only(open_folder):
        with pytest.raises(PermissionError, match=r"journal\.sqlite"), Records(open_folder):
            pass
    assert stat.S_IMODE(open_folder.stat().st_mode) == 0o755
