"""One call that is refused: what the error says, and what it carries."""

import asyncio

import volcv_async as volcv
from volcv_async.gateway import Received, Reply, service_error


async def refuse(received: Received) -> Reply | None:
    return service_error(50413, request_id=received.request_id)


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway(answer=refuse) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        try:
            await client.generate(volcv.GeneralV21(prompt="a well-known mouse"))
        except volcv.ContentRejectedError as error:
            print(error.message)
            print(error.help)
            print(error.code, error.http_status, error.stage, error.reason, error.billed)
            print("the provider's words:", error.provider_message)


asyncio.run(main())
