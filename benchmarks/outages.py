"""What an outage costs: a provider that is gone for two minutes in the middle of a list.

    python -m benchmarks.outages [--seconds 120] [--requests 1000]

Two runs side by side with everything at its default, over real sockets, each through a local
gateway in a process of its own:

* 502: every request, plain probes too, is answered with a page of HTML and status 502.
* network: no connection is accepted; those that were there already are served.

In the end every request must have been asked for without a word from the user, at most five be in
doubt, and none paid twice. The exit code is 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

import volcv_async as volcv
from volcv_async.events import Event

_SERVER = """
import asyncio, json, sys
from volcv_async.gateway import FaultTimes, LocalGateway

async def main(fault, seconds):
    times = FaultTimes(closed=seconds)
    async with LocalGateway(latency=0.5, fault_times=times) as gateway:
        print(gateway.url, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        gateway.faults = {fault: 1.0}
        await asyncio.sleep(seconds)
        gateway.faults = None
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps(max(gateway.paid_by_prompt.values())), flush=True)

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""

_MOST_IN_DOUBT = 5
_CONCURRENCY = 8


@attrs.define
class Provider:
    """A gateway in a process of its own, for which an outage can be asked, once."""

    url: str
    process: asyncio.subprocess.Process

    def go_down(self) -> None:
        """Begin the outage; it ends by itself."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        self.process.stdin.write(b"\n")

    async def most_paid(self) -> int:
        """End it, and give how often the dearest prompt was paid for."""
        out, _ = await self.process.communicate(b"")
        return int(json.loads(out))


@asynccontextmanager
async def provider(fault: str, seconds: float) -> AsyncGenerator[Provider]:
    """Start a gateway; it ends with its standard input."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVER, fault, str(seconds), stdin=pipe, stdout=pipe
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    yield Provider((await process.stdout.readline()).decode().strip(), process)


@attrs.define
class Watch:
    """Begins the outage when a third of the list is made, and times it as the client sees it."""

    provider: Provider
    third: int
    made: int = 0
    began: float = 0.0
    lasted: float = 0.0

    def count(self, outcome: volcv.Outcome) -> None:
        """Count an outcome."""
        self.made += isinstance(outcome, volcv.Completed)
        if self.made == self.third:
            self.made += 1
            self.provider.go_down()

    def hear(self, event: Event) -> None:
        """Note when the client sees the outage begin and end."""
        match event:
            case volcv.OutageBegan():
                self.began = time.monotonic()
            case volcv.OutageEnded():
                self.lasted += time.monotonic() - self.began
            case _:
                pass


async def suffer(fault: str, seconds: float, requests: int) -> tuple[volcv.JobReport, Watch, int]:
    """Run a list through an outage; give the report, and how often one prompt was paid for."""
    limits = volcv.Limits(concurrency=_CONCURRENCY)
    listed = (
        volcv.GeneralV21(prompt=f"prompt {number}", width=256, height=256, use_sr=False)
        for number in range(requests)
    )
    with tempfile.TemporaryDirectory() as out:
        async with provider(fault, seconds) as down:
            watch = Watch(down, requests // 3)
            account = volcv.Account(down.url, volcv.Bearer("local-key"), limits=limits)
            async with volcv.Client(account, on_event=watch.hear) as client:
                report = await volcv.run(client, listed, out=out, on_outcome=watch.count)
            return report, watch, await down.most_paid()


def tell(name: str, report: volcv.JobReport, watch: Watch, most: int, requests: int) -> bool:
    """Print one run, and tell whether it held."""
    print(
        f"{name:<8} {report.completed:>6,} completed  {report.failed} failed  "
        f"{report.in_doubt} in doubt  {most} paid for one at the most  "
        f"seen for {watch.lasted:.0f} s  {report.seconds:.0f} s in all",
        flush=True,
    )
    asked_for = report.completed + report.in_doubt == requests
    return asked_for and report.in_doubt <= _MOST_IN_DOUBT and most == 1


async def main() -> int:
    """Run both, and say whether they held."""
    parser = argparse.ArgumentParser(description="What an outage costs.")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--requests", type=int, default=1000)
    asked = parser.parse_args()
    faults = {"502": "html_502", "network": "connection_refused"}
    runs = await asyncio.gather(
        *(suffer(fault, asked.seconds, asked.requests) for fault in faults.values())
    )
    held = [tell(name, *run, asked.requests) for name, run in zip(faults, runs, strict=True)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
