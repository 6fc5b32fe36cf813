"""Eight requests, eight ends: the gateway plays a provider that is in trouble."""

import asyncio
from collections.abc import Mapping

import volcv_async as volcv
from volcv_async.gateway import Canned, Drop, Received, Reply, service_error

NO_QUOTA = b'{"error":{"message":"no quota","code":"insufficient_user_quota"}}'
NO_PICTURE = b'{"code":10000,"data":{"binary_data_base64":["aGVsbG8="]},"message":"Success"}'

ANSWERS: Mapping[str, Reply | None] = {
    "a red fox": None,  # as usual
    "a prompt that moderation refuses": service_error(50412),
    "a picture that moderation refuses": service_error(50511),
    "a model that is not activated": service_error(50400),
    "an account without money": Canned(status=403, body=NO_QUOTA),
    "an algorithm that fails": service_error(50501),
    "a connection that breaks": Drop(),
    "a picture that is none": Canned(body=NO_PICTURE, paid=True),
}


async def troubled(received: Received) -> Reply | None:
    return ANSWERS[received.prompt or ""]


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway(answer=troubled) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        requests = [volcv.GeneralV21(prompt=prompt) for prompt in ANSWERS]
        for outcome in await client.generate_many(requests):
            prompt = requests[outcome.index].prompt
            match outcome:
                case volcv.Completed():
                    print(f"{prompt}: completed, billed: {outcome.billed}")
                case volcv.Failed(error=error):
                    kind = type(error).__name__
                    print(f"{prompt}: {kind}, code {error.code}, billed: {outcome.billed}")
                case volcv.InDoubt(error=error):
                    print(f"{prompt}: in doubt, {type(error).__name__}, billed: {outcome.billed}")


asyncio.run(main())
