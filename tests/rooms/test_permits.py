"""Permits of what several processes share: asked for while somebody waits, and given back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import volcv_async as volcv
from volcv_async.errors import SlowDown
from volcv_async.governor import Gate, Governor, Permits, Quota
from volcv_async.outage import Outage


class Shared:
    """A quota in this process, which says what it is told to, and counts."""

    def __init__(self, free: int = 10**6) -> None:
        self.free = free
        self.asked = self.taken = self.given_back = 0
        self.errors: list[OSError] = []
        self.closed = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def take(self) -> float:
        self.asked += 1
        await asyncio.sleep(0)
        await self.answers.wait()
        if self.errors:
            raise self.errors.pop(0)
        if self.taken - self.given_back >= self.free:
            return 0.001
        self.taken += 1
        return 0.0

    async def give_back(self) -> None:
        await asyncio.sleep(0)
        self.given_back += 1
        if self.errors:
            raise self.errors.pop(0)

    async def close(self) -> None:
        self.closed = True


class Shop:
    """A gate whose one governor needs permits."""

    def __init__(self, quotas: Mapping[SlowDown, Quota], *, concurrency: int = 4) -> None:
        self.governor = Governor(volcv.Limits(concurrency=concurrency))
        self.told: list[OSError | None] = []
        self.permits = Permits(quotas, changed=self._update, told=self.told.append)
        self.gate = Gate({self.governor: Outage(1, 1)}, {self.governor: self.permits})

    def _update(self) -> None:
        self.gate.update()


async def until(condition: object, *args: object) -> None:
    assert callable(condition)
    while not condition(*args):
        await asyncio.sleep(0.001)


async def test_each_call_takes_one_permit_and_gives_it_back() -> None:
    """A call leaves with one permit of each quota; they are given back when it is over."""
    slots, rate = Shared(), Shared()
    shop = Shop({"concurrency": slots, "rate": rate})
    turns = [await shop.gate.turn() for _ in range(3)]
    assert (slots.taken, rate.taken) == (3, 3)
    for turn in turns:
        shop.gate.over(turn)
    await shop.permits.close()
    assert (slots.given_back, rate.given_back) == (3, 3)
    assert (slots.closed, rate.closed) == (True, True)


async def test_nothing_is_asked_for_while_nobody_could_use_it() -> None:
    """A permit is asked for only when this process's own limits let a call go."""
    shared = Shared()
    shop = Shop({"rate": shared}, concurrency=1)
    turn = await shop.gate.turn()
    waiting = asyncio.create_task(shop.gate.turn())
    await asyncio.sleep(0.01)
    assert shared.asked == 1
    shop.gate.over(turn)
    shop.gate.over(await waiting)
    assert shared.asked == 2
    await shop.permits.close()


async def test_who_waits_for_a_permit_is_held_up_by_that_quota() -> None:
    """While another process has all there is, calls wait, and the gate says for what."""
    slots, rate = Shared(free=1), Shared()
    shop = Shop({"concurrency": slots, "rate": rate})
    turn = await shop.gate.turn()
    waiting = asyncio.create_task(shop.gate.turn())
    await until(lambda: slots.asked > 3)
    assert shop.gate.watch.cause == "concurrency"
    assert (rate.asked, waiting.done()) == (1, False)
    shop.gate.over(turn)
    shop.gate.over(await waiting)
    await shop.permits.close()


async def test_a_waiter_that_leaves_takes_no_permit_along() -> None:
    """What was got for one who was cancelled is given back; nothing more is asked for."""
    slots, rate = Shared(), Shared(free=0)
    shop = Shop({"concurrency": slots, "rate": rate})
    waiting = asyncio.create_task(shop.gate.turn())
    await until(lambda: rate.asked > 1)
    waiting.cancel()
    await asyncio.wait([waiting])
    await until(lambda: not shop.permits._tasks)
    assert (slots.taken, slots.given_back, rate.taken) == (1, 1, 0)
    await shop.permits.close()


async def test_a_permit_that_nobody_takes_in_time_is_given_back() -> None:
    """One that was got for somebody who went just then is kept for the next, and not for long."""
    shared = Shared()
    offered: list[bool] = []
    permits = Permits(
        {"rate": shared}, changed=lambda: offered.append(permits.ready), told=lambda _: None
    )
    permits.attend(wanted=True)
    permits.attend(wanted=True)  # one at a time
    await until(lambda: permits.ready)
    permits.attend(wanted=True)  # there is one
    await until(lambda: shared.given_back)
    assert (offered, permits.ready, shared.asked) == ([False, True, False], False, 1)
    permits.attend(wanted=True)
    await until(lambda: permits.ready)
    permits.spend()
    await until(lambda: len(offered) == 6)
    assert shared.given_back == 1
    await permits.close()


async def test_a_store_that_cannot_be_reached_is_told_of_once() -> None:
    """While the store is out of reach calls wait; it is said once, and once when it is back."""
    shared = Shared()
    gone = ConnectionRefusedError("no store")
    shared.errors = [gone]
    shop = Shop({"rate": shared})
    waiting = asyncio.create_task(shop.gate.turn())
    await until(lambda: shop.told)
    assert (shop.told, waiting.done()) == ([gone], False)
    turn = await waiting
    assert shop.told == [gone, None]
    shared.errors = [gone, gone]
    shop.gate.over(turn)
    await until(lambda: shared.given_back)
    shop.gate.over(await shop.gate.turn())
    assert shop.told == [gone, None, gone, None]
    await shop.permits.close()


async def test_a_vacancy_needs_no_permit() -> None:
    """Who only asks whether a call could leave takes no permit from other processes."""
    shared = Shared(free=0)
    shop = Shop({"rate": shared})
    await shop.gate.vacancy()
    assert shared.asked == 0
    await shop.permits.close()


async def test_a_closed_governor_asks_for_nothing() -> None:
    """When an account is set aside, no permits are asked for in its name."""
    shared = Shared(free=0)
    shop = Shop({"rate": shared})
    waiting = asyncio.create_task(shop.gate.turn())
    await until(lambda: shared.asked)
    shop.gate.close(shop.governor)
    await until(lambda: not shop.permits._tasks)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.wait([waiting])
    await shop.permits.close()


async def test_of_two_stores_one_that_is_lost_is_told_of_once() -> None:
    """While one store is out of reach, that the other answers is no news."""
    slots, rate = Shared(), Shared()
    gone = ConnectionRefusedError("no store")
    shop = Shop({"concurrency": slots, "rate": rate})
    rate.errors = [gone] * 100
    for _ in range(3):
        waiting = asyncio.create_task(shop.gate.turn())
        asked = rate.asked
        await until(lambda asked=asked: rate.asked > asked)
        assert shop.gate.watch.cause == "store"
        waiting.cancel()
        await asyncio.wait([waiting])
    assert shop.told == [gone]
    rate.errors.clear()
    shop.gate.over(await shop.gate.turn())
    assert shop.told == [gone, None]
    await shop.permits.close()
    assert slots.taken == slots.given_back


async def test_what_was_being_taken_when_its_waiter_left_is_given_back() -> None:
    """Cancelled in the midst of asking, it waits for the answer, and gives back what was had."""
    slots = Shared()
    slots.answers.clear()
    shop = Shop({"concurrency": slots})
    waiting = asyncio.create_task(shop.gate.turn())
    await until(lambda: slots.asked)
    waiting.cancel()
    await asyncio.wait([waiting])
    slots.answers.set()
    await shop.permits.close()
    assert (slots.taken, slots.given_back) == (1, 1)


async def test_what_was_being_taken_in_vain_is_not_given_back() -> None:
    """Cancelled in the midst of asking, with nothing free or the store lost, nothing is left."""
    for slots in (Shared(free=0), Shared()):
        slots.errors = [ConnectionRefusedError("no store")] * bool(slots.free)
        slots.answers.clear()
        shop = Shop({"concurrency": slots})
        waiting = asyncio.create_task(shop.gate.turn())
        await until(lambda slots=slots: slots.asked)
        waiting.cancel()
        await asyncio.wait([waiting])
        slots.answers.set()
        await shop.permits.close()
        assert (slots.taken, slots.given_back) == (0, 0)


async def test_one_store_after_the_other_that_is_lost_is_one_loss() -> None:
    """When the slots are back and the rate is lost then, that is told of as one; so is the end."""
    slots, rate = Shared(), Shared()
    gone = ConnectionRefusedError("no store")
    slots.errors, rate.errors = [gone], [gone]
    shop = Shop({"concurrency": slots, "rate": rate})
    turn = await shop.gate.turn()
    assert shop.told == [gone, None]
    shop.gate.over(turn)
    await shop.permits.close()
    assert (slots.taken, slots.given_back) == (2, 2)
