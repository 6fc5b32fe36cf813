"""Two accounts with a limit each: the pool sends by whichever can send soonest."""

import asyncio

import volcv_async as volcv

LIMITS = volcv.Limits(rate=10, concurrency=3)  # of each account


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway(rate=12, concurrency=3, latency=0.05) as north,
        volcv.gateway.LocalGateway(rate=12, concurrency=3, latency=0.05) as south,
        volcv.Client([north.account(), south.account()], limits=LIMITS) as client,
    ):
        requests = [volcv.GeneralV21(prompt=f"postcard {number}") for number in range(30)]
        outcomes = await client.generate_many(requests)
        print("completed:", sum(isinstance(outcome, volcv.Completed) for outcome in outcomes))
        print("both accounts used:", min(north.paid, south.paid) > 10)
        print("refused for a limit:", client.statistics().rejected)
        print(client)


asyncio.run(main())
