"""A gateway with limits of its own, and what its ledger says afterwards."""

import asyncio

import volcv_async as volcv
from volcv_async.gateway import Constant, LocalGateway


async def main() -> None:
    async with LocalGateway(rate=20, concurrency=2, latency=Constant(0.05)) as gateway:
        # The client states nothing, and starts with two calls in flight.
        async with volcv.Client(gateway.account()) as client:
            requests = [volcv.GeneralV21(prompt=f"postcard {number}") for number in range(6)]
            await client.generate_many(requests)
        print("paid:", gateway.paid, "| most in flight:", gateway.most_in_flight)
        first = gateway.requests[0]
        print(first.prompt, first.req_key, first.code, first.paid)


asyncio.run(main())
