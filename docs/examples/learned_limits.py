"""State too much: refusals teach what the provider takes, and the next client knows it already."""

import asyncio
import logging
import sys

import volcv_async as volcv

logging.basicConfig(stream=sys.stdout, format="%(message)s")
logging.getLogger("volcv_async").setLevel(logging.INFO)

LIMITS = volcv.Limits(concurrency=5)  # and the provider takes three
PROMPTS = [f"postcard {number}" for number in range(30)]


async def main() -> None:
    async with volcv.gateway.LocalGateway(concurrency=3, latency=0.05) as gateway:
        async with volcv.Client(gateway.account(), limits=LIMITS) as client:
            outcomes = await client.generate_many(
                volcv.GeneralV21(prompt=prompt, width=256, height=256) for prompt in PROMPTS
            )
            learned = client.statistics().learned
        print("completed:", sum(isinstance(outcome, volcv.Completed) for outcome in outcomes))

        tomorrow = volcv.Client(gateway.account(), limits=LIMITS)
        tomorrow.recall(learned)
        print("slots to begin with:", tomorrow.statistics().slots)


asyncio.run(main())
