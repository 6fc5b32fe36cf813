"""A whole job from code: what `volcv run` does, with a report at the end."""

import asyncio
from pathlib import Path

import volcv_async as volcv


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        report = await volcv.run(client, volcv.read_prompts("prompts.txt"), out="out")
    print(report.completed, report.failed, report.in_doubt, report.paid, report.all_done)
    for path in sorted(report.out.rglob("*.*")):
        print(path.as_posix())


Path("prompts.txt").write_text("a red fox\na lighthouse at dusk\n千军万马\n", encoding="utf-8")
asyncio.run(main())
