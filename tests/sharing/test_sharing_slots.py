"""Calls in flight that several processes keep together, by leases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Collection, Generator
from pathlib import Path

import pytest
from redis_of_tests import Clock, RedisOfTests, cancel_soon, needs_redis, redis_server, some_url

from volcv_async.config import SharedConcurrency, StoreUrl
from volcv_async.sharing import Slots, open_slots
from volcv_async.sharing.redis_store import RedisSlots
from volcv_async.sharing.sqlite_store import SqliteSlots

HOLDS_TWO = """
import asyncio, sys
from volcv_async.config import SharedConcurrency
from volcv_async.sharing import open_slots

async def main(url):
    slots = open_slots(SharedConcurrency(url, 2, lease=1.5), "killed")
    print([await slots.take(), await slots.take()], flush=True)
    await asyncio.sleep(60)

asyncio.run(main(sys.argv[1]))
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


async def test_those_who_give_the_same_name_share_the_slots(url: StoreUrl) -> None:
    """No more are held together than there are; what is given back another gets."""
    shared = SharedConcurrency(url, 3, lease=600)
    one, two, other = (open_slots(shared, name) for name in ("studio", "studio", "other"))
    assert [await one.take(), await two.take(), await one.take()] == [0, 0, 0]
    for refused in (one, two):
        assert 0.02 <= await refused.take() <= 0.05
    assert await other.take() == 0
    await one.give_back()
    assert await two.take() == 0
    assert await one.take() > 0
    for quota in (one, two, other):
        await quota.close()


async def test_closing_gives_back_what_is_held(url: StoreUrl) -> None:
    """What a quota holds when it is closed is free at once; a late return then changes nothing."""
    shared = SharedConcurrency(url, 2, lease=600, name="closed")
    one, two = open_slots(shared, "x"), open_slots(shared, "y")
    assert [await one.take(), await one.take()] == [0, 0]
    await one.close()
    await one.give_back()
    assert [await two.take(), await two.take()] == [0, 0]
    assert await one.take() > 0
    await two.close()
    await one.close()


async def test_many_overlapping_calls_hold_no_more_than_the_slots(url: StoreUrl) -> None:
    """Takes and returns that overlap, of two quotas, never let more than the cap be held."""
    shared = SharedConcurrency(url, 4, lease=600, name="overlap")
    held = most = 0
    full = asyncio.Event()

    async def call(quota: Slots) -> None:
        nonlocal held, most
        while await quota.take():
            await asyncio.sleep(0)
        held += 1
        most = max(most, held)
        if held == 4:
            full.set()
        await full.wait()
        held -= 1
        await quota.give_back()

    quotas = [open_slots(shared, "x") for _ in range(2)]
    await asyncio.gather(*(call(quotas[nth % 2]) for nth in range(40)))
    assert most == 4
    for quota in quotas:
        await quota.close()


async def test_a_process_that_was_killed_gives_its_slots_back(url: StoreUrl) -> None:
    """What it held is refused to others while it lives, and theirs when its lease is over."""
    quota = open_slots(SharedConcurrency(url, 2, lease=1.5), "killed")
    with subprocess.Popen(  # noqa: S603, ASYNC220 - ourselves
        [sys.executable, "-c", HOLDS_TWO, url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[0.0, 0.0]\n"
        assert await quota.take() > 0
        process.kill()
    for _ in range(2):
        while seconds := await quota.take():
            await asyncio.sleep(seconds)
    assert await quota.take() > 0
    await quota.close()


async def test_leases_in_a_file_run_out_unless_they_are_kept(tmp_path: Path) -> None:
    """By a clock of its own: kept leases last, others end, and none outlives the machine."""
    clock = Clock()
    store = SqliteSlots(str(tmp_path / "a.sqlite"), "x", 2, 4.0, clock=clock)
    assert await store.settle(keep=(), drop=(), want="a")
    clock.now += 3
    assert await store.settle(keep=["a"], drop=(), want="b")
    clock.now += 3
    assert not await store.settle(keep=["a"], drop=(), want="c")
    clock.now += 1
    assert await store.settle(keep=(), drop=(), want="c")
    assert await store.settle(keep=["lost"], drop=["a", "c"], want="d")
    assert not await store.settle(keep=(), drop=(), want="e")
    clock.now = 5  # the machine was started anew
    assert await store.settle(keep=(), drop=(), want="e")
    await store.close()


class Told:
    """A store that has room, notes what it is told, and can be lost."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.lost = False
        self.told: asyncio.Queue[tuple[set[str], set[str]]] = asyncio.Queue()
        self.answers = asyncio.Event()
        self.answers.set()

    async def settle(self, *, keep: Collection[str], drop: Collection[str], want: str) -> bool:
        self.told.put_nowait((set(keep), set(drop)))
        await self.answers.wait()
        if self.lost:
            raise ConnectionError
        self.tokens = (self.tokens | set(keep)) - set(drop) | ({want} - {""})
        return bool(want)

    async def close(self) -> None:
        self.lost = True


async def test_leases_are_renewed_while_any_is_held() -> None:
    """All that is held is told to be kept again and again, until all is given back."""
    store = Told()
    quota = Slots(store, 0.02)
    assert [await quota.take(), await quota.take()] == [0, 0]
    assert await store.told.get() == await store.told.get() == (set(), set())
    for _ in range(3):
        assert await store.told.get() == (store.tokens, set())
    await quota.give_back()
    while len((await store.told.get())[0]) != 1:
        pass
    await quota.give_back()
    assert not store.tokens
    await quota.close()


async def test_what_is_held_is_stated_again_when_the_store_is_back() -> None:
    """After a loss the first question restates what is held; then a lease of rest."""
    clock, store = Clock(), Told()
    quota = Slots(store, 600, clock=clock)
    assert await quota.take() == 0
    held = set(store.tokens)
    store.lost = True
    with pytest.raises(ConnectionError):
        await quota.take()
    store.lost, store.tokens = False, set()
    assert [await quota.take(), await quota.take()] == [600, 600]
    assert held < store.tokens
    clock.now += 600
    assert await quota.take() == 0
    assert held < store.tokens
    assert len(store.tokens) == 2
    await quota.close()
    assert not store.tokens


async def test_a_renewal_that_fails_is_made_up_for() -> None:
    """A store that is lost meanwhile is told again what is held, as soon as it is back."""
    store = Told()
    quota = Slots(store, 0.02)
    assert await quota.take() == 0
    held = set(store.tokens)
    store.lost = True
    for _ in range(3):
        await store.told.get()
    store.lost, store.tokens = False, set()
    while store.tokens != held:
        await store.told.get()
    await quota.close()


async def test_a_return_that_the_store_was_not_told_of_is_told_later() -> None:
    """A slot given back while the store is lost is an error, and is made good by the next take."""
    clock, store = Clock(), Told()
    quota = Slots(store, 600, clock=clock)
    assert await quota.take() == 0
    store.lost = True
    with pytest.raises(ConnectionError):
        await quota.give_back()
    store.lost = False
    assert await quota.take() == 600
    clock.now += 600
    assert await quota.take() == 0
    assert len(store.tokens) == 1
    await quota.close()


async def test_closing_while_the_store_is_lost_is_no_error() -> None:
    """Closing does not fail when nobody can be told; the leases run out."""
    store = Told()
    quota = Slots(store, 600)
    assert await quota.take() == 0
    store.lost = True
    await quota.close()


async def test_a_take_that_is_cancelled_holds_nothing() -> None:
    """What a store leased to one who no longer waits is given back with the next word."""
    store = Told()
    quota = Slots(store, 600)
    store.answers.clear()
    taking = asyncio.create_task(quota.take())
    await store.told.get()
    await cancel_soon(taking, 0)
    store.answers.set()
    assert await quota.take() == 0
    _, dropped = await store.told.get()
    assert len(dropped) == 1
    assert len(store.tokens) == 1
    await quota.close()


async def test_returns_that_overlap_are_told_together() -> None:
    """While one question is under way, what is given back meanwhile is told in one."""
    store = Told()
    quota = Slots(store, 600)
    for _ in range(3):
        assert await quota.take() == 0
        await store.told.get()
    store.answers.clear()
    returns = [asyncio.create_task(quota.give_back()) for _ in range(3)]
    await store.told.get()
    await asyncio.sleep(0)
    store.answers.set()
    await asyncio.gather(*returns)
    assert store.told.qsize() <= 1
    assert not store.tokens
    await quota.close()


@needs_redis
async def test_a_server_that_was_started_anew_is_told_what_is_held(redis: RedisOfTests) -> None:
    """After a restart that lost all, leases are stated again, and nothing is taken for a lease."""
    clock = Clock()
    quota = Slots(RedisSlots(redis.url(), "x", 3, 600), 600, clock=clock)
    assert [await quota.take(), await quota.take()] == [0, 0]
    redis.stop()
    redis.start()
    with pytest.raises(OSError, match="out of reach"):
        await quota.take()
    assert await quota.take() == 600
    assert redis.say("ZCARD volcv:slots:x") == ":3"
    clock.now += 600
    assert await quota.take() == 0
    assert await quota.take() > 0
    assert redis.say("ZCARD volcv:slots:x") == ":3"
    await quota.close()
    assert redis.say("EXISTS volcv:slots:x") == ":0"


@needs_redis
async def test_leases_on_a_server_vanish_with_their_key(redis: RedisOfTests) -> None:
    """The key lives as long as the longest lease in it."""
    for lease in (600, 10):
        store = RedisSlots(redis.url(), "x", 3, lease)
        assert await store.settle(keep=(), drop=(), want=f"for {lease}")
        assert 500_000 < int(redis.say("PTTL volcv:slots:x")[1:]) <= 600_000
        await store.close()


REACHED = True


class Scripted:
    """A store that is asked one thing after the other, and answers when it is told what to say."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: asyncio.Queue[OSError | bool] = asyncio.Queue()

    async def settle(self, *, keep: Collection[str], drop: Collection[str], want: str) -> bool:
        self.asked.append(f"keep {len(keep)}, drop {len(drop)}, want {bool(want)}")
        answer = await self.answers.get()
        if isinstance(answer, OSError):
            raise answer
        return answer and bool(want)

    async def close(self) -> None:
        """Nothing is open."""


async def test_one_who_waited_while_the_store_came_back_rests_like_the_others() -> None:
    """A take that stood in the queue while a return found the store again takes nothing yet."""
    store, clock = Scripted(), Clock()
    slots = Slots(store, 4.0, clock=clock)
    store.answers.put_nowait(REACHED)
    assert await slots.take() == 0
    store.answers.put_nowait(ConnectionError("gone"))
    with pytest.raises(ConnectionError):
        await slots.take()
    returning = asyncio.create_task(slots.give_back())
    while len(store.asked) < 3:
        await asyncio.sleep(0)
    taking = asyncio.create_task(slots.take())
    await asyncio.sleep(0)
    store.answers.put_nowait(REACHED)  # the return gets through: the store is back
    await returning
    assert await taking == 4.0
    assert store.asked[-1].endswith("want False")
    await slots.close()


async def test_those_who_waited_while_the_store_was_lost_do_not_ask_in_turn() -> None:
    """When one is told that the store is out of reach, those behind it are told so, too."""
    store = Scripted()
    slots = Slots(store, 600.0)
    for _ in range(3):
        store.answers.put_nowait(REACHED)
        assert await slots.take() == 0
    returns = [asyncio.create_task(slots.give_back()) for _ in range(2)]
    while len(store.asked) < 4:
        await asyncio.sleep(0)
    store.answers.put_nowait(ConnectionError("gone"))
    for returned in returns:
        with pytest.raises(ConnectionError, match="gone"):
            await returned
    assert len(store.asked) == 4
    store.answers.put_nowait(REACHED)
    await slots.close()
