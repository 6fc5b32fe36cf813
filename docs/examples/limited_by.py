"""Ask what limits a stream: the rate, the calls in flight, or whoever takes the outcomes."""

import asyncio
from collections.abc import Iterator

import volcv_async as volcv


def postcards() -> Iterator[volcv.GeneralV21]:
    for number in range(15):
        yield volcv.GeneralV21(prompt=f"postcard {number}", width=256, height=256)


async def limited_by(limits: volcv.Limits, seconds: float = 0.0) -> None:
    async with (
        volcv.gateway.LocalGateway(latency=0.05) as gateway,
        volcv.Client(gateway.account(), limits=limits) as client,
        client.stream(postcards()) as outcomes,
    ):
        async for _ in outcomes:
            await asyncio.sleep(seconds)  # what your code does with an outcome
        print("limited by", outcomes.statistics().limited_by)


async def main() -> None:
    await limited_by(volcv.Limits(rate=40, concurrency=8))
    await limited_by(volcv.Limits(rate=100, concurrency=2))
    await limited_by(volcv.Limits(rate=100, concurrency=8), seconds=0.04)


asyncio.run(main())
