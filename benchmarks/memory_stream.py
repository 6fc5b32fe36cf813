"""A stream of so many requests from a generator, each outcome dropped: for ``benchmarks.memory``.

    python -m benchmarks.memory_stream URL CALLS

It prints the most memory that its process ever had, in bytes.
"""

from __future__ import annotations

import asyncio
import sys

import volcv_async as volcv
from benchmarks.calls.processes import peak

AT_ONCE = 16


async def main(url: str, calls: int) -> None:
    """Make all calls; what stands at a URL stays there."""
    account = volcv.Account(url, volcv.Bearer("key"), limits=volcv.Limits(concurrency=AT_ONCE))
    asked = (volcv.GeneralV21(prompt=f"a red fox {nth}") for nth in range(calls))
    completed = 0
    async with (
        volcv.Client(account, reuse_connections=True, download=False) as client,
        client.stream(asked) as outcomes,
    ):
        async for outcome in outcomes:
            completed += isinstance(outcome, volcv.Completed)
    if completed != calls:
        raise SystemExit(f"{completed} of {calls} calls were answered.")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
    print(peak())
