# mypy: disable-error-code="import-untyped"
# pyright: basic, reportCallIssue=false, reportArgumentType=false
"""What a run left, as a dataset of Hugging Face."""

import asyncio

from datasets import load_dataset

import volcv_async as volcv


async def make(out: str) -> None:
    animals = {"a red fox": "fox", "a hare at dawn": "hare"}
    listed = [
        volcv.Listed(volcv.GeneralV21(prompt=prompt), {"animal": animal})
        for prompt, animal in animals.items()
    ]
    async with volcv.Client() as client:  # VOLCV_BASE_URL, VOLCV_API_KEY
        await volcv.run(client, listed, out=out)


asyncio.run(make("out"))
images = load_dataset("imagefolder", data_dir="out", split="train")
for row in sorted(images, key=lambda row: row["prompt"]):
    print(row["prompt"], "|", row["animal"], "|", row["image"].size)
