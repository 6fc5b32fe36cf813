"""One prompt, one image. The local gateway stands in for the provider: no key, no network."""

import asyncio

import volcv_async as volcv


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        generation = await client.generate(volcv.GeneralV21(prompt="a red fox in fresh snow"))
    path = generation.image.save("fox")
    print(path, generation.image.media_type, generation.image.width, generation.image.height)


asyncio.run(main())
