"""What one call gives: an image, and what the provider said about it."""

import asyncio

import volcv_async as volcv


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        generation = await client.generate(volcv.GeneralV21(prompt="a red fox", return_url=True))
    image = generation.image
    print(image.media_type, image.width, image.height)
    print("fetched from a URL:", image.url is not None, "| saved as", image.save("fox.jpeg"))
    print("request id:", generation.request_id)
    print("seconds:", generation.time_elapsed)
    print("prompt as expanded:", generation.llm_result)


asyncio.run(main())
