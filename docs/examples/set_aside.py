"""One of two keys is refused: its account is set aside, and its call goes on to the other."""

import asyncio
import warnings

import volcv_async as volcv


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as north,
        volcv.gateway.LocalGateway() as south,
        volcv.Client(
            [
                volcv.Account(north.url, volcv.Bearer("a-wrong-key"), group="north"),
                volcv.Account(south.url, volcv.Bearer("local-key"), group="south"),
            ]
        ) as client,
    ):
        requests = [volcv.GeneralV21(prompt=f"postcard {number}") for number in range(6)]
        outcomes = await client.generate_many(requests)
        print("completed:", sum(isinstance(outcome, volcv.Completed) for outcome in outcomes))
        print(client)


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", volcv.VolcvWarning)
    asyncio.run(main())
print(*(warning.message for warning in caught), sep="\n")
