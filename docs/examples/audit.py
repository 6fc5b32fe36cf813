"""After a run: which pictures were paid for, which may have been, and where they are."""

import asyncio
import json
from pathlib import Path
from typing import Any

import volcv_async as volcv
from volcv_async.gateway import Drop, LocalGateway, Received, Reply


async def sometimes_break(received: Received) -> Reply | None:
    return Drop() if received.prompt == "a lighthouse" else None


def rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def audit(out: Path) -> None:
    """Read the folder alone: no key, no network."""
    for row in sorted(rows(out / "metadata.jsonl"), key=lambda row: row["file_name"]):
        print("paid:", row["file_name"], "|", row["prompt"], "| request id", row["request_id"])
    for row in [*rows(out / "failed.jsonl"), *rows(out / "in_doubt.jsonl")]:
        print(f"billed: {row['billed']} | {row.get('prompt')} | {row['error']}")


async def main() -> None:
    requests = [volcv.GeneralV21(prompt=prompt) for prompt in ("a fox", "a lighthouse", "a hare")]
    async with (
        LocalGateway(answer=sometimes_break) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        await volcv.run(client, requests, out="out")
    audit(Path("out"))
    print("the provider's ledger:", gateway.paid, "paid")


asyncio.run(main())
