"""wrk, a load generator in C: what it takes to move the bytes and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from subprocess import PIPE

from benchmarks.calls.contenders import AT_ONCE, Batch, Target

_SCRIPT = Path(__file__).with_suffix(".lua")


@asynccontextmanager
async def moving_bytes(target: Target) -> AsyncGenerator[Batch]:
    """Run wrk for a second; it is not told a number of calls."""
    wrk = which("wrk")
    if wrk is None:
        raise ModuleNotFoundError(name="wrk")
    words = [wrk, "-c", str(AT_ONCE), "-t", "1", "-d", "1s", "-s", str(_SCRIPT), target.endpoint]

    async def batch(_calls: int) -> int:
        process = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
        said, _ = await process.communicate()
        return int(said.partition(b"replies ")[2].split()[0])

    yield batch
