"""A whole job from code: a contender of ``benchmarks.disk``.

    python -m benchmarks.disk_job URL IMAGES FOLDER [fresh] [no-fsync] [writers=N]

Journal, picture checks, checksums, rows and all; the limits are stated, so that none is learned.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import volcv_async as volcv
from volcv_async.job import writing

AT_ONCE = 16


async def main(url: str, images: int, folder: str, words: Sequence[str]) -> None:
    """Make all images."""
    account = volcv.Account(url, volcv.Bearer("key"), limits=volcv.Limits(concurrency=AT_ONCE))
    asked = (volcv.GeneralV21(prompt=f"a red fox {nth}") for nth in range(images))
    fsync = "no-fsync" not in words
    async with volcv.Client(account, reuse_connections="fresh" not in words) as client:
        report = await volcv.run(client, asked, out=folder, fsync=fsync)
    if report.completed != images:
        raise SystemExit(report.line())


if __name__ == "__main__":
    for _word in sys.argv[4:]:
        if _word.startswith("writers="):
            writing.WRITERS = int(_word.partition("=")[2])
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
