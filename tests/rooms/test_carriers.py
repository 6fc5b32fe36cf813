"""Tasks that carry one load after another."""

from __future__ import annotations

import asyncio

import anyio

from volcv_async.carriers import Carriers


class Loads:
    """What was carried, and by which tasks."""

    def __init__(self) -> None:
        self.carried: list[tuple[int, str]] = []
        self.gates: dict[int, asyncio.Event] = {}

    async def see_through(self, load: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        if load in self.gates:
            await self.gates[load].wait()
        self.carried.append((load, task.get_name()))

    def carriers(self) -> Carriers[int]:
        return Carriers(self.see_through)


async def test_one_task_carries_many() -> None:
    """Loads that come one after another go through the same task."""
    loads = Loads()
    carriers = loads.carriers()
    async with anyio.create_task_group() as group:
        for load in range(3):
            carriers.carry(load, group)
            await anyio.wait_all_tasks_blocked()
        carriers.dismiss()
    assert [load for load, _ in loads.carried] == [0, 1, 2]
    assert len({task for _, task in loads.carried}) == 1


async def test_loads_at_once_have_a_task_each() -> None:
    """A load does not wait for another to be over."""
    loads = Loads()
    loads.gates[0] = asyncio.Event()
    carriers = loads.carriers()
    async with anyio.create_task_group() as group:
        carriers.carry(0, group)
        carriers.carry(1, group)
        await anyio.wait_all_tasks_blocked()
        assert [load for load, _ in loads.carried] == [1]
        loads.gates[0].set()
        carriers.dismiss()
    assert [load for load, _ in loads.carried] == [1, 0]


async def test_a_load_whose_task_is_cancelled_before_it_begins_is_not_carried() -> None:
    """It is left to whoever handed it over, and nothing else is disturbed."""
    loads = Loads()
    carriers = loads.carriers()
    async with anyio.create_task_group() as group:
        carriers.carry(0, group)
        await anyio.wait_all_tasks_blocked()
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == loads.carried[0][1])
        carriers.carry(1, group)
        task.cancel()
    assert [load for load, _ in loads.carried] == [0]


async def test_an_idle_task_that_is_cancelled_is_handed_nothing() -> None:
    """A task that was cancelled while it had nothing to carry gets no load; another one does."""
    loads = Loads()
    carriers = loads.carriers()
    async with anyio.create_task_group() as group:
        carriers.carry(0, group)
        await anyio.wait_all_tasks_blocked()
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == loads.carried[0][1])
        task.cancel()
        carriers.carry(1, group)
        await anyio.wait_all_tasks_blocked()
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == loads.carried[1][1])
        task.cancel()
        carriers.dismiss()
    assert [load for load, _ in loads.carried] == [0, 1]
