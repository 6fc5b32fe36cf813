"""A rate that several processes keep together."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest
from redis_of_tests import Clock, RedisOfTests, cancel_soon, needs_redis, redis_server, some_url

import volcv_async as volcv
from volcv_async.config import SharedConcurrency, SharedRate, StoreUrl
from volcv_async.sharing import Rate, Slots, open_rate, open_slots
from volcv_async.sharing.rate import RateStore, Window, window
from volcv_async.sharing.redis_store import RedisRate
from volcv_async.sharing.sqlite_rate import SqliteRate
from volcv_async.sharing.sqlite_store import SqliteFile

LONG = Window(20, 600_000)  # longer than any test takes

TAKES_ALL = """
import asyncio, sys
from volcv_async.config import StoreUrl
from volcv_async.sharing.rate import Window
from volcv_async.sharing.redis_store import RedisRate
from volcv_async.sharing.sqlite_rate import SqliteRate

async def main(url):
    kind = (lambda *a: SqliteRate(url.file, *a)) if url.file else (lambda *a: RedisRate(url, *a))
    store = kind("studio", Window(20, 600_000))
    await store.put()
    print("ready", flush=True)
    sys.stdin.readline()
    had = 1
    while not await store.put():
        had += 1
    await store.close()
    print(had)

asyncio.run(main(StoreUrl(sys.argv[1])))
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("redis", marks=needs_redis)])
def url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[StoreUrl]:
    """Give a store of each kind."""
    with some_url(str(request.param), tmp_path_factory) as given:
        yield given


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisOfTests]:
    """Run a server of this test's own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.mark.parametrize(
    ("rate", "held"),
    [
        (50, Window(50, 1010, Window(5, 90))),
        (5, Window(5, 1010, Window(1, 181))),
        (1.5, Window(2, 1347, Window(1, 606))),
        (1, Window(1, 1010)),
        (0.1, Window(1, 10_100)),
        (5000, Window(5000, 1010, Window(500, 90))),
        (1e-10, Window(1, 2**40)),
        (1e-300, Window(1, 2**40)),
        (1e9, Window(10**9, 1010, Window(10**8, 90))),
    ],
)
def test_a_window_holds_the_rate_rounded_up(rate: float, held: Window) -> None:
    """N calls in n / rate seconds, a hundredth more; a tenth of them in almost a tenth of that."""
    assert window(rate) == held


def test_a_burst_may_leave_together() -> None:
    """As many as a burst has, though they are more than a tenth; all of them at the most."""
    assert window(50, 20) == Window(50, 1010, Window(20, 363))
    assert window(50, 80) == window(50, 50) == Window(50, 1010)


async def test_calls_are_spread_over_a_window(url: StoreUrl) -> None:
    """A tenth of them leaves together; the next ones wait for a tenth of the time."""
    one, two = (open_rate(SharedRate(url, 20, name="spread"), "x") for _ in range(2))
    assert [await one.take(), await two.take()] == [0.0, 0.0]
    wait = await one.take()
    assert 0.04 < wait <= 0.091
    await asyncio.sleep(wait)
    assert await two.take() == 0.0
    for quota in (one, two):
        await quota.close()


def test_a_wait_is_sane_whatever_the_store_says() -> None:
    """Waits are from a millisecond to a window, whatever became of the store's clock."""
    given = Window(5, 1010)
    waits = [given.wait(said) for said in (None, 0, -3_600_000, 20, 3_600_000)]
    assert waits == [0.001, 0.001, 0.001, 0.02, 1.01]


async def test_those_who_give_the_same_name_share_one_rate(url: StoreUrl) -> None:
    """What one took another does not get; of another name it does."""
    shared = SharedRate(url, 0.01)
    named = SharedRate(url, 0.01, name="named")
    quotas = [open_rate(shared, "one"), open_rate(shared, "one"), open_rate(named, "one")]
    assert await quotas[0].take() == 0
    await quotas[0].give_back()
    assert 0 < await quotas[1].take() <= 101
    assert await quotas[2].take() == 0
    for quota in quotas:
        await quota.close()


async def test_a_quota_may_be_closed_unused_and_used_again(url: StoreUrl) -> None:
    """Nothing is opened before it is needed, and closing is not the end."""
    quota = open_rate(SharedRate(url, 0.01), "closed")
    await quota.close()
    assert await quota.take() == 0
    await quota.close()
    assert await quota.take() > 0
    await quota.close()


def test_processes_together_take_what_one_may(url: StoreUrl) -> None:
    """Four processes that take as fast as they can get exactly the window's calls from a file."""
    running = [
        subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", TAKES_ALL, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    had = sum(int(process.communicate("go\n", timeout=30)[0]) for process in running)
    # On a server the time is taken before the question, so that each may miss what just came.
    assert LONG.calls <= had <= LONG.calls + (0 if url.file else 3)


async def test_no_window_in_a_file_holds_more_than_the_rate(tmp_path: Path) -> None:
    """By a clock of its own: no stretch has more than n departures, and none is wasted."""
    clock, given = Clock(), Window(5, 1010)
    stores = [SqliteRate(str(tmp_path / "a"), "x", given, clock=clock) for _ in range(2)]
    left: list[float] = []
    for nth in range(60):
        seconds = await stores[nth % 2].put()
        if seconds:
            clock.now += seconds
        else:
            left.append(clock.now)
            clock.now += 0.05
    for store in stores:
        await store.close()
    assert max(bisect_left(left, one + 1.01) - at for at, one in enumerate(left)) == 5
    assert all(1.01 < later - one < 1.013 for one, later in zip(left, left[5:], strict=False))


async def test_departures_from_before_the_machine_started_are_forgotten(tmp_path: Path) -> None:
    """A clock that began again does not make anybody wait for what it said before."""
    clock, file = Clock(50_000), str(tmp_path / "a.sqlite")
    store = SqliteRate(file, "x", Window(1, 600_000), clock=clock)
    assert await store.put() == 0
    assert await store.put() > 0
    await store.close()
    clock.now = 20
    assert await store.put() == 0
    await store.close()


async def test_a_file_does_not_grow(tmp_path: Path) -> None:
    """Departures that are two windows old are dropped."""
    clock, file = Clock(), str(tmp_path / "a.sqlite")
    store = SqliteRate(file, "x", Window(1, 100), clock=clock)
    for _ in range(50):
        assert await store.put() == 0
        clock.now += 0.15
    await store.close()
    with closing(sqlite3.connect(file)) as connection:
        [(table,)] = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
    assert rows <= 3


async def test_a_file_that_is_lost_and_back_is_given_a_window_of_rest(tmp_path: Path) -> None:
    """An error names the file; when it can be had again, nothing leaves for a window."""
    clock, file = Clock(), tmp_path / "folder" / "limits.sqlite"
    quota = Rate(SqliteRate(str(file), "x", Window(3, 1010), clock=clock), 1.01, clock=clock)
    for _ in range(2):
        with pytest.raises(OSError, match=r"limits\.sqlite are out of reach: unable to open"):
            await quota.take()
    file.parent.mkdir()
    assert await quota.take() == pytest.approx(1.01)
    clock.now += 1.0
    assert await quota.take() == pytest.approx(0.01)
    clock.now += 0.1
    assert await quota.take() == 0
    await quota.close()


async def test_what_is_no_file_of_sqlites_is_an_error_of_the_store(tmp_path: Path) -> None:
    """A file that holds something else is left alone and named."""
    file = tmp_path / "notes.txt"
    file.write_text("Not a database, and long enough to be seen as none. " * 20)
    quota = open_rate(SharedRate(f"sqlite:///{file}", 5), "x")
    with pytest.raises(OSError, match=r"notes\.txt .* not a database"):
        await quota.take()
    await quota.close()
    assert file.read_text().startswith("Not a database")


async def test_a_file_beside_which_nothing_can_be_written_is_an_error_at_once(
    tmp_path: Path,
) -> None:
    """What is no question of others is not waited for."""

    def pause(_: float) -> None:
        pytest.fail("it waits")

    (tmp_path / "a.sqlite-journal").mkdir()
    opened = SqliteFile(str(tmp_path / "a.sqlite"), lambda connection: connection, pause=pause)
    with pytest.raises(OSError, match=r"a\.sqlite are out of reach: unable to open"):
        await opened.run(lambda connection: connection.in_transaction)
    await opened.close()


@pytest.mark.parametrize("ends", [True, False])
async def test_others_who_open_the_file_at_the_same_moment_are_waited_for(
    tmp_path: Path, ends: bool
) -> None:
    """SQLite itself gives up at once there; others are waited for, though not for ever."""
    file, pauses = str(tmp_path / "a.sqlite"), 0
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE others (x)")
        other.execute("BEGIN IMMEDIATE")

        def pause(_: float) -> None:
            nonlocal pauses
            pauses += 1
            if ends and pauses == 3:
                other.execute("COMMIT")

        opened = SqliteFile(file, lambda connection: connection, pause=pause)
        if ends:
            assert await opened.run(lambda connection: connection.in_transaction) is False
            assert pauses == 3
        else:
            with pytest.raises(OSError, match="in the way for too long"):
                await opened.run(lambda connection: connection.in_transaction)
        await opened.close()


async def test_a_table_that_fails_in_a_transaction_is_left_as_it_was(tmp_path: Path) -> None:
    """What went wrong within a transaction is rolled back, and the file opened anew."""
    file = str(tmp_path / "a.sqlite")
    quota = Rate(SqliteRate(file, "x", LONG), 0.0)
    assert await quota.take() == 0
    with closing(sqlite3.connect(file)) as connection:
        [(table,)] = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(OSError, match="no such table"):
        await quota.take()
    assert await quota.take() == 0
    await quota.close()


class Scripted:
    """A store that answers as it is told."""

    def __init__(self, *answers: float | OSError) -> None:
        self._answers = list(answers)

    async def put(self) -> float:
        answer = self._answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def close(self) -> None:
        assert not self._answers


async def test_a_store_that_comes_and_goes_is_rested_for_each_time() -> None:
    """Each return of a store begins a rest, which is spent without asking it."""
    clock = Clock()
    store: RateStore = Scripted(0.0, ConnectionError(), 0.3, 0.0, ConnectionError(), 0.0, 0.2)
    quota = Rate(store, 2.0, clock=clock)
    assert await quota.take() == 0
    for after in (0.0, 0.2):
        with pytest.raises(ConnectionError):
            await quota.take()
        assert [await quota.take(), await quota.take()] == [2.0, 2.0]
        clock.now += 2
        assert await quota.take() == after
    await quota.close()


async def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    """The error says where the server is and what is wrong, and no password."""
    for url in (
        f"unix://me:geheim@{tmp_path}/none.sock",
        f"unix://{tmp_path}/none.sock?password=geheim",
    ):
        for quota in (
            open_rate(SharedRate(url, 5), "x"),
            open_slots(SharedConcurrency(url, 5), "x"),
        ):
            with pytest.raises(OSError, match=r"unix:///.*none\.sock are out of reach: ") as caught:
                await quota.take()
            assert "geheim" not in str(caught.value)
            assert caught.value.__context__ is None
            await quota.close()
            await quota.close()


async def test_a_server_that_repeats_what_it_is_told_gives_no_password_away() -> None:
    """Of an answer that repeats a command, what it was given is left out, in the context, too."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"-ERR unknown command 'AUTH', with args beginning with: 'gehei' \r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(repeat, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        quota = open_rate(SharedRate(f"redis://:geheim@127.0.0.1:{port}", 5), "x")
        with pytest.raises(OSError, match=r"unknown command 'AUTH'$") as caught:
            await quota.take()
        assert "gehei" not in str(caught.value)
        assert caught.value.__context__ is None
        await quota.close()


async def test_a_question_that_is_cancelled_leaves_nothing_open(tmp_path: Path) -> None:
    """A server that never answers is given up when the question is cancelled."""
    asked, over = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()
        while await reader.read(1000):
            pass
        writer.close()
        over.set()

    async with await asyncio.start_unix_server(silent, tmp_path / "redis.sock"):
        quota = open_rate(SharedRate(f"unix://{tmp_path}/redis.sock", 5), "x")
        taking = asyncio.create_task(quota.take())
        await asked.wait()
        await cancel_soon(taking, 0)
        await quota.close()
        await over.wait()


@pytest.mark.parametrize("url", ["sqlite:///a.sqlite", "redis://localhost"])
@pytest.mark.parametrize("package", ["pyrate_limiter", "redis.asyncio"])
async def test_a_missing_extra_is_named(
    url: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the packages, the error says how to install them; a file's slots need none."""
    for module in ("sqlite_rate", "redis_store"):
        monkeypatch.delitem(sys.modules, f"volcv_async.sharing.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    server = url.startswith("redis")
    opened: list[tuple[bool, Callable[[], Rate | Slots]]] = [
        (server, lambda: open_slots(SharedConcurrency(url, 5), "x")),
        (server or package == "pyrate_limiter", lambda: open_rate(SharedRate(url, 5), "x")),
    ]
    for needed, make in opened:
        if needed:
            with pytest.raises(volcv.ConfigurationError, match=r"volcv-async\[shared\]") as caught:
                make()
            assert package.partition(".")[0] in str(caught.value)
        else:
            await make().close()


@needs_redis
async def test_a_server_that_was_started_anew_is_given_a_window_of_rest(
    redis: RedisOfTests,
) -> None:
    """A server that lost what it held is an error, then a rest of one window, then goes on."""
    clock = Clock()
    quota = Rate(RedisRate(redis.url(), "x", Window(2, 600_000)), 5.0, clock=clock)
    assert await quota.take() == 0
    redis.stop()
    redis.start()
    with pytest.raises(OSError, match=r"redis\.sock are out of reach"):
        await quota.take()
    assert await quota.take() == 5.0
    clock.now += 5.0
    assert await quota.take() == 0
    assert await quota.take() > 0
    await quota.close()


@needs_redis
async def test_a_server_that_forgot_its_scripts_is_taken_for_a_new_one(
    redis: RedisOfTests,
) -> None:
    """Where a script is gone the rest may be, too; it is loaded again."""
    quota = Rate(RedisRate(redis.url(), "x", LONG), 0.0)
    assert await quota.take() == 0
    assert redis.say("SCRIPT FLUSH") == "+OK"
    with pytest.raises(OSError, match="out of reach"):
        await quota.take()
    assert await quota.take() == 0
    assert await quota.take() == 0
    await quota.close()


@needs_redis
async def test_a_password_that_is_refused_is_not_repeated(redis: RedisOfTests) -> None:
    """What the server says of a password is said without it."""
    assert redis.say("CONFIG SET requirepass another") == "+OK"
    quota = Rate(RedisRate(redis.url("geheim"), "x", LONG), 0.0)
    with pytest.raises(OSError, match="out of reach: ") as caught:
        await quota.take()
    assert "geheim" not in str(caught.value)
    await quota.close()


@needs_redis
async def test_what_a_server_that_hung_counted_too_early_is_not_used(redis: RedisOfTests) -> None:
    """The time of a departure was told before the server hung; it leaves after, when others do."""
    one, two = (RedisRate(redis.url(), "studio", Window(5, 1000)) for _ in range(2))
    assert [await one.put(), await two.put()] == [0.0, 0.0]
    await asyncio.sleep(1.1)
    redis.signal(signal.SIGSTOP)
    hangs = asyncio.create_task(one.put())
    await asyncio.sleep(1.2)
    redis.signal(signal.SIGCONT)
    assert await hangs > 0
    had = [await store.put() for store in (one, two) for _ in range(4)]
    assert had.count(0.0) == 5
    for store in (one, two):
        await store.close()


@needs_redis
async def test_a_cancelled_question_to_a_server_is_no_loss(redis: RedisOfTests) -> None:
    """After a cancelled take the next one is had, without an error and without a rest."""
    quota = Rate(RedisRate(redis.url(), "x", LONG), 600.0)
    assert await quota.take() == 0
    for steps in range(1, 10):
        await cancel_soon(asyncio.create_task(quota.take()), steps)
        assert await quota.take() == 0
    await quota.close()


@needs_redis
async def test_what_a_server_keeps_is_little_and_vanishes(redis: RedisOfTests) -> None:
    """What is old, or in the future since a clock was set back, is dropped; the key runs out."""
    assert redis.say("ZADD volcv:rate:x 1 old 9999999999999 later") == ":2"
    quota = Rate(RedisRate(redis.url(), "x", Window(5, 1000)), 1.0)
    assert await quota.take() == 0
    assert redis.say("ZCARD volcv:rate:x") == ":1"
    assert 0 < int(redis.say("PTTL volcv:rate:x")[1:]) <= 4000
    await quota.close()
