"""The process of one contender: it makes a batch of calls whenever it is told to.

    python -m benchmarks.calls.worker CORE CONTENDER

CONTENDER is JSON: how it is opened (``scripts:bare_aiohttp``), whether on uvloop, and its target.
Once open it prints a line of JSON, or one that says what is not installed. Then it is told, by
lines:

* ``run 500``: make so many calls; answer with calls, CPU and wall time in seconds.
* ``stall 500``: the same beside a timer of 1 ms; answer with the most CPU time between two of its
  ticks, in seconds.
* ``peak 0``: answer with the most memory this process ever had, in bytes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module

from benchmarks.calls import processes
from benchmarks.calls.contenders import Batch, Order
from benchmarks.calls.processes import Line, pin

_TICK = 0.001  # seconds
_HERE = ("benchmarks", "volcv_async")  # what is always installed


def cpu() -> float:
    """Give the CPU time of this process, its threads and its children so far, in seconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


async def run(batch: Batch, calls: int) -> Line:
    """Make a batch, and take its time."""
    wall, used = time.perf_counter(), cpu()
    made = await batch(calls)
    return {"calls": made, "cpu": cpu() - used, "wall": time.perf_counter() - wall}


async def stall(batch: Batch, calls: int) -> Line:
    """Make a batch beside a ticking timer."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.process_time()
            await asyncio.sleep(_TICK)
            longest = max(longest, time.process_time() - before)

    ticking = asyncio.create_task(tick())
    await batch(calls)
    await asyncio.sleep(2 * _TICK)
    ticking.cancel()
    return {"stall": longest}


async def peak(_batch: Batch, _calls: int) -> Line:
    """Give the most memory ever."""
    return {"peak": processes.peak()}


_DOES: Mapping[str, Callable[[Batch, int], Awaitable[Line]]] = {
    "run": run,
    "stall": stall,
    "peak": peak,
}


async def work(order: Order, core: str) -> None:
    """Open the contender, on any core, and do what it is told to on its own."""
    async with order.find()(order.target) as batch:
        pin(core)
        say({})
        for line in sys.stdin:  # nothing goes on while it waits
            does, calls = line.split()
            say(await _DOES[does](batch, int(calls)))


def say(line: Line) -> None:
    """Answer."""
    print(json.dumps(line), flush=True)


def main() -> None:
    """Be a contender."""
    core, order = sys.argv[1], Order.read(sys.argv[2])
    try:
        loop = import_module("uvloop").new_event_loop if order.uvloop else None
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(work(order, core))
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith(_HERE):
            raise
        say({"missing": missing.name})


if __name__ == "__main__":
    main()
