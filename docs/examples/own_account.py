"""Where the key comes from: the environment, or your own code; and that it shows nowhere."""

import asyncio
import os

import volcv_async as volcv


async def main() -> None:
    async with volcv.Client() as client:  # VOLCV_BASE_URL and VOLCV_API_KEY
        await client.generate(volcv.GeneralV21(prompt="a red fox"))

    account = volcv.Account(os.environ["VOLCV_BASE_URL"], volcv.Bearer(os.environ["VOLCV_API_KEY"]))
    print(account.credentials)
    async with volcv.Client(account) as client:
        generation = await client.generate(volcv.GeneralV21(prompt="a red fox"))
        print(generation.image.width, generation.image.height)

    del os.environ["VOLCV_API_KEY"]
    try:
        async with volcv.Client():
            pass
    except volcv.ConfigurationError as error:
        print(error.message)


asyncio.run(main())
