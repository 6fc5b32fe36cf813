"""A source that never ends, and a consumer that has enough after twenty pictures."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from pathlib import Path

import volcv_async as volcv


async def visitors() -> AsyncGenerator[volcv.Request]:
    """Stand in for a queue, a database cursor or a socket: the next prompt comes when it comes."""
    try:
        for number in itertools.count():
            await asyncio.sleep(0)
            yield volcv.GeneralV21(prompt=f"a postcard for visitor {number}")
    finally:
        print("the source was closed")


async def keep(outcome: volcv.Outcome) -> None:
    """One that fails is told of, and the pipeline goes on."""
    match outcome:
        case volcv.Completed(index=index, generation=generation):
            await asyncio.to_thread(generation.image.save, f"{index:06d}")
        case volcv.Failed(index=index, error=error) | volcv.InDoubt(index=index, error=error):
            print(index, error)


async def main() -> int:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        async with client.stream(visitors(), concurrency=4) as outcomes:
            async for outcome in outcomes:
                await keep(outcome)
                if outcomes.statistics().taken == 20:
                    break
        for outcome in outcomes.leftover:  # what finished on the way out was paid for, too
            await keep(outcome)
        return gateway.paid


paid = asyncio.run(main())
print("all that was paid for is on the disk:", paid == len(list(Path().glob("*.png"))) <= 20 + 4)
