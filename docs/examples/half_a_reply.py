import asyncio
from collections import Counter

import volcv_async as volcv
from volcv_async.gateway import LocalGateway


async def main() -> None:
    requests = [
        volcv.GeneralV21(prompt=f"cat {number}", width=256, height=256, use_sr=False)
        for number in range(12)
    ]
    gateway = LocalGateway(faults={"reset_in_body": 0.5}, seed=0)
    async with gateway, volcv.Client(gateway.account()) as client:
        outcomes = await client.generate_many(requests)
    print(dict(sorted(Counter(type(outcome).__name__ for outcome in outcomes).items())))
    print(f"struck: {dict(gateway.struck)}, paid: {gateway.paid} for {len(requests)} requests")


asyncio.run(main())
