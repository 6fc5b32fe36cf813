"""How much of a limit is used, and whether it is ever exceeded, as the provider's side sees it.

    python -m benchmarks.limits [--requests 200] [--short]

Over real sockets against the local gateway, in a process of its own, which keeps the count.

Three runs in which it refuses what is too much:

* stated: 5 a second and 3 in flight, stated as they are, with calls of 0.3 s. No refusal, and at
  least 97 % of the rate used.
* twice too generous: the client is told 10 and 6. All end completed, through refusals.
* two accounts at 5 a second each: both are used, 10 a second in all.

A strict rate beside other limiters: 5, 50 and 500 a second, with 500 calls waiting, at a gateway
that refuses nothing and answers at once. By its arrivals, ours uses at least 98.5 % of the rate,
and no second sees more than the rate. The others stand before one bare POST a call each: aiolimiter
so that it spaces calls evenly, aiolimiter as it is mostly written, and pyrate-limiter.

And the CPU time of a grant, without HTTP, ours and aiolimiter's by turns: ours is not above it.

The exit code is 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import statistics
import sys
import time
import urllib.request
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import aiohttp
import attrs
from aiolimiter import AsyncLimiter
from pyrate_limiter import Duration, Limiter, Rate

import volcv_async as volcv
from volcv_async.codec import encode
from volcv_async.governor import Gate, Governor

_SERVER = """
import asyncio, json, sys
from volcv_async.gateway import LocalGateway, serve

gateway = LocalGateway(rate=5, concurrency=3, latency=0.3)

def started(running):
    print(running.url, flush=True)

async def main():
    task = asyncio.create_task(serve(gateway, started))
    await asyncio.to_thread(sys.stdin.read)
    task.cancel()
    print(json.dumps([gateway.worst_window(), gateway.most_in_flight]), flush=True)

asyncio.run(main())
"""


_CLEAN = 1.5  # seconds after which the provider has forgotten what was before


@attrs.frozen(kw_only=True)
class Provider:
    """A gateway in a process of its own: 5 a second, 3 in flight, 0.3 s a call."""

    url: str
    process: asyncio.subprocess.Process

    def account(self, limits: volcv.Limits) -> volcv.Account:
        """Give an account at it, with limits as they are stated."""
        return volcv.Account(self.url, volcv.Bearer("local-key"), limits=limits)

    def refused(self) -> Counter[str]:
        """Count what it refused, by code."""
        ledger = self.url.replace("/volcv/v1", "/ledger")
        with urllib.request.urlopen(ledger) as reply:  # noqa: S310 - our own gateway
            return Counter(json.load(reply)["refused"])

    async def worst(self) -> tuple[int, int]:
        """End it, and give the most it accepted in any second, and at once."""
        out, _ = await self.process.communicate(b"")
        second, at_once = json.loads(out)
        return second, at_once


@asynccontextmanager
async def provider() -> AsyncGenerator[Provider]:
    """Start a gateway; it ends with its standard input."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield Provider(url=url, process=process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@attrs.frozen(kw_only=True)
class Run:
    """What one run came to."""

    name: str
    kinds: Counter[str]
    rate: float
    refused: Counter[str]
    worst: list[tuple[int, int]]
    paid: list[int]

    def __str__(self) -> str:
        refused = ", ".join(f"{code}: {n}" for code, n in self.refused.items()) or "none"
        return (
            f"{self.name:24} {self.rate:6.2f}/s  {dict(self.kinds)}  refused: {refused}  "
            f"worst second, most at once: {self.worst}  calls an account: {self.paid}"
        )


def cat(nth: int) -> volcv.GeneralV21:
    """Ask for a small picture."""
    return volcv.GeneralV21(prompt=f"cat {nth}", width=256, height=256, use_sr=False)


async def warm_up(providers: list[Provider], limits: volcv.Limits) -> None:
    """Let each provider answer once, as one does that has been up for a while; then a clean slate.

    The first request that a cold process sees, it sees some 30 ms late.
    """
    for one in providers:
        async with volcv.Client(one.account(limits)) as client:
            await client.generate(cat(0))
    await asyncio.sleep(_CLEAN)


async def run(name: str, limits: volcv.Limits, accounts: int, requests: int) -> Run:
    """Send so many requests to so many accounts, and ask both sides what happened."""
    async with AsyncExitStack() as stack:
        providers = [await stack.enter_async_context(provider()) for _ in range(accounts)]
        began: list[float] = []

        def hear(event: volcv.Event) -> None:
            if isinstance(event, volcv.AttemptStarted):
                began.append(time.monotonic())
                calls[event.attempt.account] += 1

        calls: Counter[str] = Counter()
        await warm_up(providers, limits)
        clients = [one.account(limits) for one in providers]
        async with volcv.Client(clients, on_event=hear) as client:
            outcomes = await client.generate_many(cat(nth) for nth in range(requests))
        refused = sum((one.refused() for one in providers), Counter[str]())
        return Run(
            name=name,
            kinds=Counter(type(outcome).__name__ for outcome in outcomes),
            rate=(len(outcomes) - 1) / (began[-1] - began[0]),
            refused=refused,
            worst=[await one.worst() for one in providers],
            paid=list(calls.values()),
        )


async def three_runs(requests: int) -> list[str]:
    """Make the three runs, and say what does not hold."""
    stated = await run("stated", volcv.Limits(rate=5, concurrency=3), 1, requests)
    print(stated, flush=True)
    generous = await run("twice too generous", volcv.Limits(rate=10, concurrency=6), 1, requests)
    print(generous, flush=True)
    two = await run("two accounts", volcv.Limits(rate=5, concurrency=3), 2, requests)
    print(two)
    print(f"stated: {stated.rate / 5:.1%} of the rate used; two accounts: {two.rate / 10:.1%}")
    held = {
        "stated": not stated.refused and stated.rate >= 0.97 * 5,
        "twice too generous": generous.kinds == {"Completed": requests} and bool(generous.refused),
        "two accounts": not two.refused and two.rate >= 0.97 * 10 and min(two.paid) > requests // 3,
    }
    return [name for name, holds in held.items() if not holds]


# A strict rate beside other limiters

_JUDGE = """
import asyncio, base64, json, struct, sys, zlib
from volcv_async.gateway import Canned, LocalGateway, serve

def chunk(kind, data):
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check

head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
pixel = chunk(b"IDAT", zlib.compress(bytes(2)))
png = b"\\x89PNG\\r\\n\\x1a\\n" + head + pixel + chunk(b"IEND", b"")
data = {"binary_data_base64": [base64.b64encode(png).decode()]}
body = {"code": 10000, "data": data, "message": "Success", "request_id": "1", "status": 10000}
kind = {"Content-Type": "application/json"}
reply = Canned(body=json.dumps(body).encode(), headers=kind, paid=True, code=10000)

async def answer(received):
    if latency:
        await asyncio.sleep(latency)
    return reply

latency = float(sys.argv[1])
gateway = LocalGateway(answer=answer)

def started(running):
    print(running.url, flush=True)

async def main():
    task = asyncio.create_task(serve(gateway, started))
    await asyncio.to_thread(sys.stdin.read)
    task.cancel()
    arrivals = [received.at for received in gateway.requests]
    print(json.dumps([arrivals, gateway.worst_window(), gateway.most_in_flight]), flush=True)

asyncio.run(main())
"""


@attrs.frozen
class Seen:
    """What a gateway saw.

    Attributes:
        arrivals: When requests came, in seconds of ``time.monotonic``, which all processes share.
        accepted: The most that it accepted in any second, ever.
        at_once: The most that it worked on at once, ever.
    """

    arrivals: list[float]
    accepted: int
    at_once: int

    def between(self, begin: float, end: float = math.inf) -> list[float]:
        """Give the arrivals of a while."""
        return self.arrivals[bisect_left(self.arrivals, begin) : bisect_left(self.arrivals, end)]


def pace_of(arrivals: list[float]) -> float:
    """Give how many arrived a second, from the first to the last."""
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


def worst_second(arrivals: list[float]) -> int:
    """Give the most that arrived in any second, its end left out."""
    return max(bisect_left(arrivals, start + 1.0) - first for first, start in enumerate(arrivals))


@attrs.frozen
class Judge:
    """A gateway in a process of its own, which refuses nothing and notes what comes when."""

    url: str
    process: asyncio.subprocess.Process

    async def seen(self) -> Seen:
        """End it, and give what it saw."""
        out, _ = await self.process.communicate(b"")
        arrivals, accepted, at_once = json.loads(out)
        return Seen(sorted(arrivals), accepted, at_once)


@asynccontextmanager
async def judge(latency: float = 0.0) -> AsyncGenerator[Judge]:
    """Start a judge that takes so many seconds for a call; it ends with its standard input."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _JUDGE, str(latency), stdin=pipe, stdout=pipe, limit=2**24
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    url = (await process.stdout.readline()).decode().strip()
    try:
        yield Judge(url, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


Send = Callable[[], Awaitable[object]]
"""Waits for its turn, and sends one call."""

Sender = Callable[[str, float], AbstractAsyncContextManager[Send]]
"""Makes that of a gateway's URL and a rate in calls a second."""

Acquire = Callable[[], Awaitable[object]]
"""Waits for a turn."""

_QUERY = {"Action": "CVProcess", "Version": "2022-08-31"}
_MANY = 100_000  # calls in flight that never bind
_WAITING = 500
_WARM = 3  # calls before it counts


@asynccontextmanager
async def ours(url: str, rate: float) -> AsyncGenerator[Send]:
    """Send by our client, all at its default but for kept-alive connections, as the others do."""
    limits = volcv.Limits(rate=rate, concurrency=_MANY)
    account = volcv.Account(url, volcv.Bearer("local-key"), limits=limits)
    async with volcv.Client(account, reuse_connections=True) as client:
        yield lambda: client.generate(cat(0))


@asynccontextmanager
async def bare(url: str, acquire: Acquire) -> AsyncGenerator[Send]:
    """Send a bare POST a call, with a limiter before it."""
    headers = {"Authorization": "Bearer local-key", "Content-Type": "application/json"}
    body = encode(cat(0))
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), headers=headers
    ) as session:

        async def send() -> None:
            await acquire()
            async with session.post(url, params=_QUERY, data=body) as reply:
                reply.raise_for_status()
                await reply.read()

        yield send


@asynccontextmanager
async def smooth(url: str, rate: float) -> AsyncGenerator[Send]:
    """Send by aiolimiter, one call at a time, and so evenly spaced."""
    async with bare(url, AsyncLimiter(1, 1 / rate).acquire) as send:
        yield send


@asynccontextmanager
async def as_written(url: str, rate: float) -> AsyncGenerator[Send]:
    """Send by aiolimiter, so many a second, as people write it."""
    async with bare(url, AsyncLimiter(rate, 1).acquire) as send:
        yield send


@asynccontextmanager
async def pyrate(url: str, rate: float) -> AsyncGenerator[Send]:
    """Send by pyrate-limiter, with a bucket in memory."""
    with Limiter(Rate(round(rate), Duration.SECOND)) as limiter:
        async with bare(url, limiter.try_acquire_async) as send:
            yield send


_SENDERS: Mapping[str, Sender] = {
    "ours": ours,
    "aiolimiter, smooth": smooth,
    "aiolimiter(rate, 1)": as_written,
    "pyrate-limiter": pyrate,
}


async def keep_sending(send: Send, calls: int, waiting: int) -> None:
    """Have so many wait for their turn until so many calls are over; call off the others."""
    over = itertools.count(1)
    enough = asyncio.Event()

    async def work() -> None:
        while True:
            await send()
            if next(over) >= calls:
                enough.set()

    async with asyncio.TaskGroup() as group:
        workers = [group.create_task(work()) for _ in range(waiting)]
        await enough.wait()
        for worker in workers:
            worker.cancel()


@attrs.frozen(kw_only=True)
class Race:
    """How one limiter kept a rate.

    Attributes:
        name: Which one.
        rate: Calls a second that it was to keep.
        used: What share of that arrived.
        worst: The most that arrived, or were accepted, in any second.
        cpu: Seconds of CPU time that a call took, HTTP and all.
    """

    name: str
    rate: float
    used: float
    worst: int
    cpu: float

    def __str__(self) -> str:
        over = "" if self.worst <= self.rate else f"  +{self.worst - self.rate:.0f}"
        return (
            f"{self.rate:>6.0f}/s  {self.name:<20} {self.used:>7.2%}  "
            f"{self.worst:>8}  {self.cpu * 1e3:>6.2f} ms{over}"
        )

    @property
    def missed(self) -> list[str]:
        """What is wrong with it, in words."""
        wrong = {
            f"{self.rate:.0f}/s: {self.used:.2%} used": self.used < 0.985,
            f"{self.rate:.0f}/s: {self.worst} in a second": self.worst > self.rate,
        }
        return [words for words, is_so in wrong.items() if is_so]


async def race(name: str, rate: float, calls: int) -> Race:
    """Keep one rate by one limiter."""
    async with judge() as watching:
        async with _SENDERS[name](watching.url, rate) as send:
            await keep_sending(send, _WARM, _WARM)
            await asyncio.sleep(_CLEAN)
            begin, cpu = time.monotonic(), time.process_time()
            await keep_sending(send, calls, _WAITING)
            cpu = time.process_time() - cpu
        seen = await watching.seen()
    arrivals = seen.between(begin)
    worst = max(worst_second(arrivals), seen.accepted)
    used = pace_of(arrivals) / rate
    return Race(name=name, rate=rate, used=used, worst=worst, cpu=cpu / len(arrivals))


async def races(calls: Mapping[float, int], names: list[str]) -> list[str]:
    """Have each limiter keep each rate, and say what does not hold of ours."""
    print(f"\n{'rate':>8}  {'limiter':<20} {'used':>7}  {'worst s':>8}  {'CPU/call':>9}  over")
    missed: list[str] = []
    for rate, number in calls.items():
        for name in names:
            came = await race(name, rate, number)
            print(came, flush=True)
            missed += came.missed if name == "ours" else []
    return missed


# The CPU time of a grant


class Careless:
    """Holds back nothing."""

    def earliest(self, in_flight: int) -> float:  # noqa: ARG002 - the protocol's
        """Allow all, at once."""
        return -math.inf

    def leave(self, now: float) -> int:  # noqa: ARG002 - the protocol's
        """Count nothing."""
        return 0

    def undo(self, number: int) -> None:
        """Take back nothing."""


def gate(rate: float) -> Acquire:
    """Wait at our gate, before one account that learns as by default."""
    governor = Governor(volcv.Limits(rate=rate, concurrency=_MANY))
    entrance = Gate({governor: Careless()})

    async def acquire() -> None:
        entrance.over(await entrance.turn("m"))

    return acquire


_ACQUIRERS: Mapping[str, Callable[[float], Acquire]] = {
    "ours": gate,
    "aiolimiter, smooth": lambda rate: AsyncLimiter(1, 1 / rate).acquire,
}


async def grant(acquire: Acquire, calls: int) -> float:
    """Give the CPU time of a call that waits, in seconds, each of them a task of its own."""
    began = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(calls):
            group.create_task(_one(acquire))
    return (time.process_time() - began) / calls


async def _one(acquire: Acquire) -> None:
    await acquire()


async def pyrate_grant(rate: float, calls: int) -> float:
    """Give the same of pyrate-limiter, past what it lets go at once."""
    with Limiter(Rate(round(rate), Duration.SECOND)) as limiter:
        return await grant(limiter.try_acquire_async, round(rate) + calls)


def quartiles(values: list[float]) -> str:
    """Give a median, and between which two numbers half of the values lie."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


async def grants(rate: float, calls: int, rounds: int) -> list[str]:
    """Measure by turns, print a line each, and say what does not hold."""
    took: dict[str, list[float]] = {name: [] for name in _ACQUIRERS}
    for nth in range(rounds):
        for name in [*_ACQUIRERS][:: 1 if nth % 2 else -1]:
            took[name].append(await grant(_ACQUIRERS[name](rate), calls) * 1e6)
    mine, theirs = took.values()
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    for name, values in took.items():
        print(f"{rate:>6.0f}/s  {name:<20} {quartiles(values)} µs a grant")
    print(f"{rate:>6.0f}/s  {'pyrate-limiter':<20} {await pyrate_grant(rate, calls) * 1e6:.4g} µs")
    print(f"{rate:>6.0f}/s  ours to aiolimiter: {quartiles(ratios)}", flush=True)
    above = statistics.median(ratios) > 1
    return [f"CPU at {rate:.0f}/s: {statistics.median(ratios):.2f} times aiolimiter's"] * above


async def main(asked: argparse.Namespace) -> int:
    """Make all runs, and judge them."""
    short = bool(asked.short)
    missed = await three_runs(40 if short else asked.requests)
    calls = {5.0: 15, 50.0: 150, 500.0: 1000} if short else {5.0: 60, 50.0: 500, 500.0: 3000}
    missed += await races(calls, [*_SENDERS][: 2 if short else None])
    print(f"\nCPU time of a grant: median of {5 if short else 15} rounds, and half of them")
    for rate in (50.0, 500.0):
        missed += await grants(rate, round(rate), 5 if short else 15)
    print("\nmissed: " + ("; ".join(missed) or "nothing"))
    return 1 if missed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--short", action="store_true", help="less of everything, for CI")
    sys.exit(asyncio.run(main(parser.parse_args())))
