"""A short list of prompts, as they finish; then a handful, in order."""

import asyncio

import volcv_async as volcv

PROMPTS = ["a red fox in fresh snow", "a lighthouse at dusk", "千军万马"]


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        requests = (volcv.GeneralV21(prompt=prompt, seed=7) for prompt in PROMPTS)
        async with client.stream(requests, ordered=True) as outcomes:
            async for outcome in outcomes:
                image = outcome.unwrap().image
                path = await asyncio.to_thread(image.save, f"picture-{outcome.index}")
                print(outcome.index, PROMPTS[outcome.index], path)

        handful = [volcv.GeneralV14(prompt=prompt) for prompt in ("a cat", "a dog")]
        for outcome in await client.generate_many(handful):
            print(outcome.index, type(outcome).__name__, outcome.attempts, outcome.billed)


asyncio.run(main())
