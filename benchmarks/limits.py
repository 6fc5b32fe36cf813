"""How much of a limit is used, and whether it is ever exceeded, as the provider's side sees it.

    python -m benchmarks.limits [--requests 200]

Three runs over real sockets against the local gateway, in a process of its own, which refuses what
is too much and keeps the count:

* stated: 5 a second and 3 in flight, stated as they are, with calls of 0.3 s. No refusal, and at
  least 97 % of the rate used.
* twice too generous: the client is told 10 and 6. All end completed, through refusals.
* two accounts at 5 a second each: both are used, 10 a second in all.

The exit code is 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import attrs

import volcv_async as volcv

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


async def main(requests: int) -> int:
    """Make the three runs and judge them."""
    stated = await run("stated", volcv.Limits(rate=5, concurrency=3), 1, requests)
    print(stated)
    generous = await run("twice too generous", volcv.Limits(rate=10, concurrency=6), 1, requests)
    print(generous)
    two = await run("two accounts", volcv.Limits(rate=5, concurrency=3), 2, requests)
    print(two)
    print(f"stated: {stated.rate / 5:.1%} of the rate used; two accounts: {two.rate / 10:.1%}")
    held = [
        not stated.refused and stated.rate >= 0.97 * 5,
        generous.kinds == {"Completed": requests} and bool(generous.refused),
        not two.refused and two.rate >= 0.97 * 10 and min(two.paid) > requests // 3,
    ]
    print(f"held: {held}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=200)
    sys.exit(asyncio.run(main(parser.parse_args().requests)))
