"""The process in which one thing is looked at; it prints what it found as a line of JSON.

    python -m benchmarks.hot_path.worker LOOK SIZE URL

LOOK is one of:

* ``calls``: functions called a request, by step and function;
* ``shares``: the share of its own CPU time that each step takes, with 16 calls in flight;
* ``memory``: bytes allocated at the most while a reply is read, and those of its picture;
* ``batch``: nothing; it makes so many requests as SIZE has behind a colon, for those who look from
  outside.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from benchmarks.calls.contenders import AT_ONCE
from benchmarks.calls.samples import Size, body
from benchmarks.hot_path import clock
from benchmarks.hot_path.counting import Called, counted, sampled
from benchmarks.hot_path.steps import SCENE

if TYPE_CHECKING:
    from benchmarks.hot_path.scene import Batch

_WARM = 64  # requests
_CALLS = (
    32  # of a batch, and twice as many of the other: a multiple of what a stream begins in a row
)
_BATCHES = 3
_SECONDS = 15.0  # of CPU that are looked at
Found: TypeAlias = Mapping[str, object]


def calls(size: Size, url: str) -> Found:
    """Count what a request calls: what twice as many take more, so that the ends cancel out."""
    clock.install()
    from benchmarks.hot_path.scene import client, patient_loop  # noqa: PLC0415 - it keeps the clock

    async def both() -> tuple[Called, Called]:
        async with client(f"{url}/{size}", at_once=1) as batch:
            await batch(_WARM)
            few = [await _count(batch, _CALLS) for _ in range(_BATCHES)]
            many = [await _count(batch, 2 * _CALLS) for _ in range(_BATCHES)]
        return _least(few), _least(many)

    with asyncio.Runner(loop_factory=patient_loop) as runner:
        few, many = runner.run(both())
    found = dict[str, dict[str, float]]()
    for (step, name), count in sorted(many.items()):
        if more := count - few[step, name]:
            found.setdefault(step, {})[name] = round(more / _CALLS, 4)
    return found


async def _count(batch: Batch, number: int) -> Called:
    gc.collect()
    gc.disable()  # it calls what it collects
    with counted() as called:
        await batch(number)
    gc.enable()
    return called


def _least(batches: list[Called]) -> Called:
    """Take the least of each count: what comes by chance comes on top."""
    return Counter({key: min(batch[key] for batch in batches) for key in batches[0]})


def shares(size: Size, url: str) -> Found:
    """Tell which step is how often at work."""
    from benchmarks.hot_path.scene import client  # noqa: PLC0415 - as above

    async def look() -> Counter[str]:
        async with client(f"{url}/{size}", at_once=AT_ONCE) as batch:
            await batch(_WARM)
            ends = time.process_time() + _SECONDS
            with sampled() as seen:
                while time.process_time() < ends:
                    await batch(_WARM)
        return seen

    seen = asyncio.run(look())
    del seen[SCENE]
    return {step: round(count / seen.total(), 4) for step, count in seen.items()}


def memory(size: Size, _url: str) -> Found:
    """Tell what reading a reply takes at the most beside the reply itself."""
    from volcv_async.codec import decode  # noqa: PLC0415 - as above
    from volcv_async.reply import Reply  # noqa: PLC0415

    reply = Reply(200, {}, body("provider", size), 0.0)
    decode(reply)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    picture = decode(reply).image.data or b""
    peak = tracemalloc.get_traced_memory()[1]
    return {"peak": peak - before, "picture": len(picture)}


def batch(size: str, url: str) -> Found:
    """Make requests, one at a time."""
    from benchmarks.hot_path.scene import client  # noqa: PLC0415 - as above

    size, _colon, number = size.partition(":")

    async def make() -> None:
        async with client(f"{url}/{size}", at_once=1) as batch:
            await batch(_WARM)
            await batch(int(number))

    asyncio.run(make())
    return {}


_LOOKS: Mapping[str, Callable[[Size, str], Found]] = {
    "calls": calls,
    "shares": shares,
    "memory": memory,
    "batch": cast("Callable[[Size, str], Found]", batch),
}


def main() -> None:
    """Look at what is asked for."""
    look, size, url = sys.argv[1:]
    print(json.dumps(_LOOKS[look](cast("Size", size), url)))


if __name__ == "__main__":
    main()
