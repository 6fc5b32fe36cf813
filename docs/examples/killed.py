"""A run that is killed in the middle of a call, and what is known of it afterwards."""

import asyncio
import os
from pathlib import Path

from volcv_async.gateway import LocalGateway, Received
from volcv_async.testing import Hold


async def volcv(*words: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec("volcv", *words, env={**os.environ, **environment})


async def main() -> None:
    with Hold() as hold:

        async def answer(received: Received) -> None:
            if received.prompt == "a lighthouse":
                await hold(received)

        async with LocalGateway(answer=answer) as gateway:
            there = {"VOLCV_BASE_URL": gateway.url, "VOLCV_API_KEY": "local-key"}
            words = ("run", "prompts.txt", "-o", "out", "--concurrency", "1", "--quiet")
            await (await volcv(*words, "--limit", "1", **there)).wait()  # the fox
            run = await volcv(*words, **there)
            await hold.arrived()  # the lighthouse is being made
            run.kill()
            await run.wait()
    await (await volcv("status", "out")).wait()


Path("prompts.txt").write_text("a fox\na lighthouse\na hare\n", encoding="utf-8")
asyncio.run(main())
