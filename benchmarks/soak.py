"""A hundred thousand requests under mixed faults, and memory that does not grow.

    python -m benchmarks.soak [--requests 100000] [--seed 0]

One stream in this process, against ``volcv serve`` in a process of its own, which strikes one
request in ten with one or another of the faults it knows, answers nearly at once otherwise, and
counts what it was paid. The same zeros must hold as for single faults (see ``faults.py``), and the
memory of this process in the last quarter must be what it was in the second: not more than
5 MiB and 5 % above it, at the median. The exit code is 1 if something of this does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import time
import urllib.request
from array import array
from asyncio.subprocess import DEVNULL, PIPE
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

import volcv_async as volcv
from benchmarks.cells import open_sockets, picture, prompt_of
from benchmarks.commands import VOLCV
from benchmarks.oracle import Zeros, ending_of, late
from volcv_async.gateway import FAULTS

_SHARE = 0.1
_SLOW = frozenset({"silence", "slow_drip"})  # each costs a whole attempt's time
_HOLDING = frozenset(  # each costs all calls half a second or a whole one
    {
        "restart",
        "connection_refused",
        "accept_queue_full",
        "rate_429_retry_after_seconds",
        "rate_429_retry_after_date",
    }
)
_STOPPING = frozenset({"rate_429_retry_after_absurd"})  # would end all, as it asks to
_ATTEMPT = 1.0
_TIMEOUTS = volcv.Timeouts(connect=1.0, attempt=_ATTEMPT, deadline=None)
_WINDOW = 16
# Refusals that come whatever the pace teach a client to go ever slower, which is right and takes
# all night.
_LIMITS = volcv.Limits(concurrency=_WINDOW, adaptive=False)
_EVERY = 500  # outcomes between two looks at the memory
_MIB = 1024 * 1024
_GROWTH = 5.0  # MiB, and per cent
_PAGE = os.sysconf("SC_PAGE_SIZE")


def rates() -> dict[str, float]:
    """Give each fault its share of requests: all together about a tenth, the slow ones rarely."""
    usual = [name for name in FAULTS if name not in _SLOW | _HOLDING | _STOPPING]
    return {
        **dict.fromkeys(usual, round(_SHARE / len(usual), 5)),
        **dict.fromkeys(sorted(_SLOW), 0.0005),
        **dict.fromkeys(sorted(_HOLDING), 0.0001),
    }


@asynccontextmanager
async def provider(seed: int) -> AsyncGenerator[str]:
    """Start ``volcv serve`` with the faults, and give its URL."""
    words = [f"--fault={name}:{rate}" for name, rate in rates().items()]
    process = await asyncio.create_subprocess_exec(
        VOLCV,
        *("serve", "--port", "0", "--time-scale", "0.0001", "--seed", str(seed), *words),
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        line = (await process.stdout.readline()).decode()
        yield line.strip().partition("=")[2].strip("'")
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()


def resident() -> float:
    """Give this process's resident memory, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE / _MIB


@attrs.define
class Soak:
    """What has come of the soak so far; its size does not depend on what comes.

    Attributes:
        ended: How often each request has ended.
        unpaid: Whether the client calls a request unbilled.
        doubts: Attempts in doubt.
        kinds: How requests ended.
        mispaired: Pictures that name another prompt.
        late: Attempts that outlived their timeout.
        memory: MiB, at every so-manieth outcome.
    """

    requests: int
    ended: array[int] = attrs.field(init=False)
    unpaid: array[int] = attrs.field(init=False)
    doubts: int = 0
    kinds: Counter[str] = attrs.field(factory=Counter[str])
    mispaired: int = 0
    late: int = 0
    memory: list[float] = attrs.field(factory=list[float])
    _began: dict[tuple[int, int], float] = attrs.field(factory=dict[tuple[int, int], float])

    def __attrs_post_init__(self) -> None:
        self.ended = array("B", bytes(self.requests))
        self.unpaid = array("B", bytes(self.requests))

    def pull(self) -> Iterator[volcv.GeneralV14]:
        """Give the requests; every fourth wants a URL."""
        for number in range(self.requests):
            yield picture(f"soak {number}", at_url=number % 4 == 0)

    def hear(self, event: volcv.Event) -> None:
        """Time each attempt, and count what is in doubt."""
        match event:
            case volcv.AttemptStarted(attempt=attempt):
                self._began[attempt.index, attempt.number] = time.monotonic()
            case volcv.AttemptEnded(attempt=attempt, ending=ending):
                seconds = time.monotonic() - self._began.pop((attempt.index, attempt.number))
                self.late += late(seconds, _ATTEMPT)
                self.doubts += ending == "in doubt"
            case _:
                pass

    def take(self, outcome: volcv.Outcome) -> None:
        """Count an outcome; now and then look at the memory."""
        ending, number = ending_of(outcome), outcome.index
        self.kinds[ending.kind] += 1
        self.ended[number] += 1
        self.unpaid[number] = ending.billed == "no"
        named = {f"soak {number}", prompt_of(outcome.request)}
        self.mispaired += any({one} != named for one in ending.pictured)
        if self.kinds.total() % _EVERY == 0:
            self.memory.append(resident())

    def judge(self, paid: Mapping[str, int]) -> Zeros:
        """Hold it against the ledger."""
        zeros = Zeros(mispaired=self.mispaired, late=self.late)
        for number in range(self.requests):
            times = paid.get(f"soak {number}", 0)
            zeros += Zeros(
                lost=int(not self.ended[number] or (times > 0 and self.unpaid[number] > 0)),
                mispaired=max(0, self.ended[number] - 1),
                paid_twice=max(0, times - 1),
            )
        return zeros

    def growth(self) -> tuple[float, float]:
        """Give the memory of the second quarter and of the last, in MiB, at the median."""
        quarter = max(1, len(self.memory) // 4)
        second, last = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return statistics.median(second or last), statistics.median(last)


async def soak(requests: int, seed: int) -> tuple[Soak, Mapping[str, Any]]:
    """Send so many requests; give what came of them, and the provider's ledger."""
    one = Soak(requests)
    async with provider(seed) as url:
        account = volcv.Account(url, volcv.Bearer("local-key"), limits=_LIMITS)
        policy = volcv.RetryPolicy(pause=0.02, longest_pause=0.2)
        client = volcv.Client(account, timeouts=_TIMEOUTS, retry=policy, on_event=one.hear)
        async with client, client.stream(one.pull(), concurrency=_WINDOW) as outcomes:
            async for outcome in outcomes:
                one.take(outcome)
        ledger = await asyncio.to_thread(_ledger, url)
    return one, ledger


def _ledger(url: str) -> Mapping[str, Any]:
    """Ask for the ledger, again while a fault strikes."""
    for _ in range(20):
        try:
            with urllib.request.urlopen(url.replace("/volcv/v1", "/ledger")) as reply:  # noqa: S310 - our own gateway
                ledger: Mapping[str, Any] = json.load(reply)
                return ledger
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("The ledger cannot be had.")


async def run(requests: int, seed: int) -> int:
    """Soak, say what came of it, and judge."""
    began, sockets, tasks = time.monotonic(), open_sockets(), len(asyncio.all_tasks())
    one, ledger = await soak(requests, seed)
    await asyncio.sleep(0.1)
    left = len(open_sockets() - sockets) + len(asyncio.all_tasks()) - tasks
    seconds = time.monotonic() - began
    zeros = one.judge(ledger["paid_by_prompt"]) + Zeros(left_over=left)
    second, last = one.growth()
    held = not zeros and last <= second + max(_GROWTH, second * _GROWTH / 100)
    struck = ledger["faults"]
    print(
        f"{requests:,} requests in {seconds:.0f} s ({requests / seconds:.0f}/s): {dict(one.kinds)}"
    )
    print(f"{sum(struck.values()):,} faults of {len(struck)} kinds struck; {one.doubts:,} in doubt")
    for name, number in attrs.asdict(zeros).items():
        print(f"  {name.replace('_', ' '):<12}{number:>8,}")
    print(f"memory: {second:.1f} MiB in the second quarter, {last:.1f} MiB in the last")
    print("held" if held else "NOT held")
    return 0 if held else 1


def main() -> int:
    """Read the words, and soak."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    return asyncio.run(run(given.requests, given.seed))


if __name__ == "__main__":
    sys.exit(main())
