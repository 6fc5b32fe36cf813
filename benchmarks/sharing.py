"""Whether processes that share a limit keep it together, also when one of them or the store dies.

    python -m benchmarks.sharing [--short] [--without-redis]

Four processes, each with a client that always has calls waiting, before one gateway in a process
of its own, which refuses nothing; its arrivals judge. They share 50 calls a second, in one variant
10 calls in flight as well, by an SQLite file or a Redis server.

* one killed: after a while one of the processes is killed with SIGKILL. Until then at least 98 % of
  the rate is used; within 5 s the others have taken over its share, so that from then on every
  1.02 s, which is 50 calls at 98 %, see 95 % of them; and no second ever sees more than 53 calls.
* stopped: Redis hangs (SIGSTOP) for 10 s, and goes on.
* anew: Redis is shut down, and 10 s later started with nothing in it. In both, calls wait: all end
  completed, no second sees more than 53, and each process says once that the limit is out of
  reach, once that it is back, and warns once. After at most 10 s the rate is used again.

The exit code is 1 if one of these does not hold, or if there is no redis-server and
--without-redis was not given. --short, for CI, makes two short runs, and judges only what no other
load of the machine can spoil: that all end completed, the slots, and what is said how often.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
import warnings
from asyncio.subprocess import PIPE, Process
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import attrs

import volcv_async as volcv
from benchmarks.limits import cat, judge, worst_second

_RATE = 50
_SLOTS = 10
_PROCESSES = 4
_LATENCY = 0.1  # seconds that a call takes
_WINDOW = 64  # calls that a process has under way at the most

_LEAST_USED = 0.98
_MOST_IN_A_SECOND = 53
_BACK = 0.95  # of the rate: what is taken over, or back
_STRETCH = 1 / _LEAST_USED  # seconds that a second's calls take, at the least that is used
_TAKEN_OVER = 5.0  # seconds
_BACK_WITHIN = 10.0  # seconds after an outage: a try that hangs, two tries, and a lease of rest
_START = 1.5  # seconds in which all begin


# One of the processes

_WORKER = """
import sys
from benchmarks.sharing import work_by_itself

work_by_itself(*sys.argv[1:])
"""


def work_by_itself(url: str, store: str, slots: str) -> None:
    """Send calls in a process of its own until its standard input ends; then print a report."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        report = asyncio.run(work(url, store, shares_slots=bool(slots)))
    report["warned"] += sum(issubclass(one.category, volcv.VolcvWarning) for one in warned)
    print(json.dumps(report), flush=True)


async def work(url: str, store: str, *, shares_slots: bool) -> Counter[str]:
    """Send calls from the first line of standard input to its end; count what comes of them."""
    counts: Counter[str] = Counter()
    slots = volcv.SharedConcurrency(store, _SLOTS, name="studio") if shares_slots else _WINDOW
    limits = volcv.Limits(rate=volcv.SharedRate(store, _RATE, name="studio"), concurrency=slots)
    account = volcv.Account(url, volcv.Bearer("local-key"), limits=limits)

    def hear(event: volcv.Event) -> None:
        counts[type(event).__name__] += 1

    async with volcv.Client(account, on_event=hear) as client:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        told_to_stop = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        source = requests(told_to_stop.done)
        async with client.stream(source, concurrency=_WINDOW) as outcomes:
            async for outcome in outcomes:
                counts[type(outcome).__name__] += 1
    return counts


def requests(stops: Callable[[], bool]) -> Iterator[volcv.GeneralV21]:
    """Give requests without end, until it stops."""
    nth = 0
    while not stops():
        yield cat(nth)
        nth += 1


# Those who look after them


@attrs.frozen
class Worker:
    """One of the processes."""

    process: Process

    async def ready(self) -> None:
        """Wait until it can begin."""
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        await self.process.stdout.readline()

    def begin(self) -> None:
        """Have it begin."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        self.process.stdin.write(b"\n")

    def kill(self) -> None:
        """Kill it as the system does when memory runs out."""
        self.process.send_signal(signal.SIGKILL)

    async def report(self) -> Counter[str]:
        """Tell it to stop, and give what it counted; nothing if it was killed."""
        out, _ = await self.process.communicate(b"")
        return Counter(json.loads(out)) if out else Counter()


@asynccontextmanager
async def worker(url: str, store: str, *, shares_slots: bool) -> AsyncGenerator[Worker]:
    """Start a process that sends calls; it ends with its standard input."""
    words = [url, store, "slots" * shares_slots]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, *words, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Redis:
    """A Redis server in a folder of its own, which keeps nothing when it is shut down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "redis.sock"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{self._socket}"

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        options = f"--port 0 --unixsocket {self._socket} --appendonly no --dir {self._folder}"
        self._process = await asyncio.create_subprocess_exec(
            "redis-server", *options.split(), "--save", "", stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10.0):
            while not self._socket.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)

    async def shut_down(self) -> None:
        """Shut it down; what it held is gone."""
        if self._process is not None:
            self.signal(signal.SIGCONT)
            self._process.terminate()
            await self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None  # noqa: S101 - it was started
        self._process.send_signal(number)


@asynccontextmanager
async def redis_server() -> AsyncGenerator[Redis]:
    """Run a Redis server."""
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis(Path(folder))
        try:
            await redis.start()
            yield redis
        finally:
            await redis.shut_down()


@asynccontextmanager
async def file() -> AsyncGenerator[str]:
    """Give the address of an SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/limits.sqlite"


# What happens to them

Strike = Callable[[list[Worker]], Awaitable[None]]
"""Lets something happen, and comes back when it is over."""


async def kill_one(workers: list[Worker]) -> None:
    """Kill one of the processes."""
    workers[0].kill()


def stop(redis: Redis, seconds: float) -> Strike:
    """Have Redis hang for so long."""

    async def strike(_: list[Worker]) -> None:
        redis.signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        redis.signal(signal.SIGCONT)

    return strike


def start_anew(redis: Redis, seconds: float) -> Strike:
    """Have Redis shut down, and started with nothing in it after so long."""

    async def strike(_: list[Worker]) -> None:
        await redis.shut_down()
        await asyncio.sleep(seconds)
        await redis.start()

    return strike


@attrs.frozen(kw_only=True)
class Plan:
    """What happens in a run.

    Attributes:
        name: What it is called.
        shares_slots: Whether calls in flight are shared, too.
        steady: Seconds before anything happens.
        strike: What happens then.
        outages: How often the store is out of reach.
        after: Seconds to watch after that.
        by_the_clock: Whether what a busy machine can spoil is judged: shares, seconds, times.
    """

    name: str
    shares_slots: bool
    steady: float
    strike: Strike
    outages: int
    after: float
    by_the_clock: bool

    @property
    def label(self) -> str:
        """What it is called in the table."""
        return self.name + ", slots" * self.shares_slots


@attrs.frozen(kw_only=True)
class Run:
    """What one run came to.

    Attributes:
        plan: What was to happen.
        used: Share of the rate that arrived before anything happened.
        worst: The most that arrived in any second, ever.
        back: Seconds after which every second saw enough of the rate again.
        at_once: The most calls that were ever in flight.
        reports: What each process counted; nothing of one that was killed.
    """

    plan: Plan
    used: float
    worst: int
    back: float
    at_once: int
    reports: list[Counter[str]]

    def __str__(self) -> str:
        total = sum(self.reports, Counter[str]())
        said = " ".join("/".join(str(n) for n in _said(one)) for one in self.reports if one)
        return (
            f"{self.plan.label:<27}{self.used:>8.2%}{self.worst:>9}{self.back:>9.1f} s"
            f"{self.at_once:>11}{total['Completed']:>7}{total['Failed']:>8}"
            f"{total['InDoubt']:>10}  {said}"
        )

    @property
    def missed(self) -> list[str]:
        """What does not hold, in words."""
        outages = self.plan.outages
        limit = _BACK_WITHIN if outages else _TAKEN_OVER
        living = [one for one in self.reports if one]
        slow = {
            f"{self.used:.2%} used": self.used < _LEAST_USED,
            f"{self.worst} in a second": self.worst > _MOST_IN_A_SECOND,
            f"back after {self.back:.1f} s": self.back > limit,
        }
        wrong = {
            **(slow if self.plan.by_the_clock else {}),
            f"{self.at_once} in flight": self.plan.shares_slots and self.at_once > _SLOTS,
            "not all completed": any(one["Failed"] + one["InDoubt"] for one in living),
            f"not said {outages} times": any(n != outages for one in living for n in _said(one)),
            f"{len(living)} processes left": len(living) < _PROCESSES - (not outages),
        }
        return [f"{self.plan.label}: {words}" for words, is_so in wrong.items() if is_so]


def _said(report: Counter[str]) -> list[int]:
    return [report[name] for name in ("SharedLimitLost", "SharedLimitBack", "warned")]


_HEAD = (
    f"{'run':<27}{'used':>8}{'worst s':>9}{'back after':>11}{'in flight':>11}"
    f"{'made':>7}{'failed':>8}{'in doubt':>10}  lost/back/warned, of each process"
)


def back_after(arrivals: list[float], event: float, end: float) -> float:
    """Give the seconds from an event after which every stretch until the end saw enough again."""
    looks = [event + nth / 100 for nth in range(1, int(100 * (end - event)))]
    thin = [at for at in looks if _lately(arrivals, at) < _BACK * _RATE]
    return max(thin, default=event) - event


def _lately(arrivals: list[float], at: float) -> int:
    return bisect_left(arrivals, at) - bisect_left(arrivals, at - _STRETCH)


def pace_by_windows(arrivals: list[float]) -> float:
    """Give how many arrived a second, over as many whole windows as there are.

    Within a window they may come in bursts, so that the last one says little.
    """
    number = (len(arrivals) - 1) // _RATE * _RATE
    return number / (arrivals[number] - arrivals[0])


async def begin_together(url: str, workers: list[Worker]) -> None:
    """Have the gateway answer once, as one that has been up for a while, and all begin."""
    async with volcv.Client(volcv.Account(url, volcv.Bearer("local-key"))) as client:
        await client.generate(cat(0))
    for one in workers:
        await one.ready()
    for one in workers:
        one.begin()


async def run(plan: Plan, store: str) -> Run:
    """Have processes share a limit, let happen what is to happen, and ask all what came of it."""
    async with AsyncExitStack() as stack:
        watching = await stack.enter_async_context(judge(_LATENCY))
        make = partial(worker, watching.url, store, shares_slots=plan.shares_slots)
        workers = [await stack.enter_async_context(make()) for _ in range(_PROCESSES)]
        await begin_together(watching.url, workers)
        await asyncio.sleep(_START)
        begin = time.monotonic()
        await asyncio.sleep(plan.steady)
        struck = time.monotonic()
        await plan.strike(workers)
        over = time.monotonic()
        await asyncio.sleep(plan.after)
        end = time.monotonic()
        reports = await asyncio.gather(*(one.report() for one in workers))
        seen = await watching.seen()
    return Run(
        plan=plan,
        used=pace_by_windows(seen.between(begin, struck)) / _RATE,
        worst=max(worst_second(seen.arrivals), seen.accepted),
        back=back_after(seen.arrivals, over, end),
        at_once=seen.at_once,
        reports=list(reports),
    )


async def tell(plan: Plan, store: str) -> list[str]:
    """Make a run, print a line, and say what does not hold."""
    came = await run(plan, store)
    print(came, flush=True)
    return came.missed


async def on_file(*, short: bool) -> list[str]:
    """Make the runs on SQLite."""
    missed: list[str] = []
    for shares_slots in [True] if short else [False, True]:
        steady, after = (2.0, 5.2) if short else (12.0, 8.0)
        plan = Plan(
            name="SQLite, one killed",
            shares_slots=shares_slots,
            steady=steady,
            strike=kill_one,
            outages=0,
            after=after,
            by_the_clock=not short,
        )
        async with file() as store:
            missed += await tell(plan, store)
    return missed


async def on_redis(*, short: bool) -> list[str]:
    """Make the runs on Redis."""
    missed: list[str] = []
    for shares_slots in [False] if short else [False, True]:
        async with redis_server() as redis:
            for plan in plans(redis, shares_slots=shares_slots, short=short):
                missed += await tell(plan, redis.url)
    return missed


def plans(redis: Redis, *, shares_slots: bool, short: bool) -> list[Plan]:
    """Make the plans of what happens to Redis, or to those who use it."""
    make = partial(Plan, shares_slots=shares_slots, by_the_clock=not short)
    if short:
        strike = start_anew(redis, 2.0)
        return [make(name="Redis, anew", steady=1.5, strike=strike, outages=1, after=8.0)]
    killed = make(name="Redis, one killed", steady=12.0, strike=kill_one, outages=0, after=8.0)
    stopped, anew = (
        make(name=name, steady=6.0, strike=how(redis, 10.0), outages=1, after=12.0)
        for name, how in (("Redis, stopped", stop), ("Redis, anew", start_anew))
    )
    return [killed, stopped, anew]


async def main() -> int:
    """Make all runs, and judge them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--short", action="store_true", help="two runs, for CI")
    parser.add_argument("--without-redis", action="store_true", help="on SQLite only")
    asked = parser.parse_args()
    print(_HEAD, flush=True)
    missed = await on_file(short=asked.short)
    if asked.without_redis:
        pass
    elif shutil.which("redis-server") is None:
        missed.append("there is no redis-server on this machine; --without-redis goes without")
    else:
        missed += await on_redis(short=asked.short)
    print("missed: " + ("; ".join(missed) or "nothing"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
