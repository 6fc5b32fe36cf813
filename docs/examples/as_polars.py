"""What a run left, as a table of polars."""

import asyncio

import polars as pl

import volcv_async as volcv


async def make(out: str) -> None:
    prompts = ("a red fox", "a hare at dawn")
    async with volcv.gateway.LocalGateway() as gateway, volcv.Client(gateway.account()) as client:
        await volcv.run(client, [volcv.GeneralV21(prompt=prompt) for prompt in prompts], out=out)


asyncio.run(make("out"))
# Without it, columns that no row has among the first hundred would be left out.
images = pl.read_ndjson("out/metadata.jsonl", infer_schema_length=None).sort("file_name")
for name, prompt, width in images.select("file_name", "prompt", "width").iter_rows():
    print(name, prompt, width)
print(*images.select(pl.col("request").struct.unnest()).columns)
