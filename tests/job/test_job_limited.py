"""What a job says that its time was spent on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import volcv_async as volcv
from volcv_async.gateway import LocalGateway


def cat(nth: int) -> volcv.Request:
    return volcv.GeneralV21(prompt=f"cat {nth}", width=256, height=256, use_sr=False)


async def report_of(
    out: Path,
    limits: volcv.Limits,
    *,
    latency: float = 0.0,
    on_outcome: Callable[[volcv.Outcome], None] | None = None,
) -> volcv.JobReport:
    """Run a short list and give its report."""
    async with LocalGateway(latency=latency) as gateway:
        async with volcv.Client(gateway.account(limits=limits)) as client:
            requests = [cat(nth) for nth in range(5)]
            return await volcv.run(client, requests, out=out, on_outcome=on_outcome)


async def test_a_run_at_two_a_second_is_limited_by_rate(tmp_path: Path) -> None:
    """A stated rate of 2/s is what the time goes to."""
    report = await report_of(tmp_path, volcv.Limits(rate=2, concurrency=8))
    assert report.limited_by == "rate"
    assert report.time_line().startswith("Limited by rate (")
    assert report.waited["rate"] > 1.5


async def test_a_run_with_a_slow_consumer_is_limited_by_it(tmp_path: Path) -> None:
    """What ``on_outcome`` takes is the consumer's time."""
    limits = volcv.Limits(concurrency=2)
    report = await report_of(tmp_path, limits, on_outcome=lambda _: time.sleep(0.2))
    assert report.time_line().startswith("Limited by the consumer (")
    assert report.waited["consumer"] >= 1.0


async def test_a_run_with_one_slot_is_limited_by_concurrency(tmp_path: Path) -> None:
    """With one call in flight at a time, the time goes to waiting for it."""
    report = await report_of(tmp_path, volcv.Limits(concurrency=1), latency=0.1)
    assert report.time_line().startswith("Limited by concurrency (")
