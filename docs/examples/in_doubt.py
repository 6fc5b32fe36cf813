"""A reply that never comes: the call was made and paid for, and nobody here can know it."""

import asyncio

import volcv_async as volcv
from volcv_async.gateway import Drop, Received, Reply


async def break_off(_: Received) -> Reply | None:
    return Drop()


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway(answer=break_off) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        try:
            await client.generate(volcv.GeneralV21(prompt="a red fox"))
        except volcv.InDoubtError as error:
            print(error.message)
            print(error.help)
            print("attempts sent:", len(gateway.requests))
            print("paid, as the provider's ledger says:", gateway.paid)
            print("billed, as far as we can tell:", error.billed)


asyncio.run(main())
