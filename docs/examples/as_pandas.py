# mypy: disable-error-code="import-untyped"
# pyright: basic, reportArgumentType=false
"""What a run left, as a table of pandas."""

import asyncio
from pathlib import Path

import pandas as pd

import volcv_async as volcv
from volcv_async.gateway import LocalGateway, Received, Reply, service_error


async def moderation(received: Received) -> Reply | None:
    return service_error(50412) if received.prompt == "a secret" else None


async def make(out: Path) -> None:
    prompts = ("a red fox", "1984", "a secret")
    async with (
        LocalGateway(answer=moderation) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        await volcv.run(client, [volcv.GeneralV21(prompt=prompt) for prompt in prompts], out=out)


asyncio.run(make(Path("out")))
# dtype=False: a prompt such as 1984 stays a text.
images = pd.read_json("out/metadata.jsonl", lines=True, dtype=False).sort_values("file_name")
failed = pd.read_json("out/failed.jsonl", lines=True, dtype=False)
print(images[["file_name", "prompt", "width"]].to_string(index=False))
print(failed.groupby("code").size().to_string())
requests = pd.json_normalize(images["request"].tolist())  # a column for each field of a request
print(*requests.columns)
