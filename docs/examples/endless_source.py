"""A source that never ends, and a consumer that has enough after twenty pictures."""

import asyncio
import itertools
from collections.abc import AsyncGenerator

import volcv_async as volcv


async def visitors() -> AsyncGenerator[volcv.Request]:
    """Stand in for a queue, a database cursor or a socket: the next prompt comes when it comes."""
    try:
        for number in itertools.count():
            await asyncio.sleep(0)
            yield volcv.GeneralV21(prompt=f"a postcard for visitor {number}")
    finally:
        print("the source was closed")


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        taken = 0
        async with client.stream(visitors(), concurrency=4) as outcomes:
            async for outcome in outcomes:
                outcome.unwrap()
                taken += 1
                if taken == 20:
                    break
        in_hand = taken + len(outcomes.leftover)
        print("taken:", taken)
        print("all that was paid for is in hand:", gateway.paid == in_hand <= 20 + 4)


asyncio.run(main())
