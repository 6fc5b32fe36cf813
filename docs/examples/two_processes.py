"""Two processes, one account: together they keep its rate and its calls in flight."""

import asyncio
import sys

import volcv_async as volcv

STORE = "sqlite:///limits.sqlite"
LIMITS = volcv.Limits(
    rate=volcv.SharedRate(STORE, 20),  # calls a second of all together
    concurrency=volcv.SharedConcurrency(STORE, 4),  # calls in flight, likewise
)


async def work(url: str) -> None:
    account = volcv.Account(url, volcv.Bearer("local-key"), limits=LIMITS)
    async with volcv.Client(account) as client:
        requests = [volcv.GeneralV21(prompt=f"postcard {nth}") for nth in range(15)]
        outcomes = await client.generate_many(requests)
        completed = sum(isinstance(outcome, volcv.Completed) for outcome in outcomes)
        print(f"completed: {completed}, refused for a limit: {client.statistics().rejected}")


async def main() -> None:
    async with volcv.gateway.LocalGateway(rate=30, concurrency=4, latency=0.4) as gateway:
        words = [sys.executable, __file__, gateway.url]
        workers = [await asyncio.create_subprocess_exec(*words) for _ in range(2)]
        for worker in workers:
            await worker.wait()
        print("in flight at the most:", gateway.most_in_flight)


asyncio.run(work(sys.argv[1]) if sys.argv[1:] else main())
