"""A recorder: every paid call is on the disk before it goes out."""

import asyncio
import json
import os
from pathlib import Path

import volcv_async as volcv


class Ledger:
    """Appends one line for each attempt, and one for each image that is paid for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def sending(self, attempt: volcv.Attempt) -> None:
        await asyncio.to_thread(self._append, "sending", attempt.index, "")

    async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None:
        await asyncio.to_thread(self._append, "answered", attempt.index, generation.request_id)

    def _append(self, what: str, index: int, request_id: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "index": index, "id": request_id}) + "\n")
            file.flush()
            os.fsync(file.fileno())


async def main(path: Path) -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        requests = [volcv.GeneralV21(prompt=prompt) for prompt in ("a fox", "a hare")]
        async with client.stream(requests, concurrency=1, recorder=Ledger(path)) as outcomes:
            async for outcome in outcomes:
                outcome.unwrap()


LEDGER = Path("ledger.jsonl")
asyncio.run(main(LEDGER))
print(LEDGER.read_text(encoding="utf-8"), end="")
