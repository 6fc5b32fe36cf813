"""The card of a run, ``run.json``: what was asked for, when, by which versions, what it came to.

It tells of the last run of a folder. No key is ever in it.
"""

from __future__ import annotations

import asyncio
import json
import math
import platform
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs

from volcv_async import durable
from volcv_async.errors import ConfigurationError
from volcv_async.job.report import JobReport

CARD = "run.json"


def check(arguments: Mapping[str, Any]) -> None:
    """Make sure, before anything is paid for, that a card can say what a run was asked for.

    Raises:
        ConfigurationError: It is no JSON.
    """
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as wrong:
        raise ConfigurationError(
            f"{CARD} cannot say how the run was started: {wrong}.",
            help="Give run(arguments=...) values of JSON: texts, numbers, lists, objects.",
        ) from wrong


def lasting(seconds: float | None) -> float | None:
    """Give a length of time as JSON can say it: None where it has no end."""
    return None if seconds == math.inf else seconds


@asynccontextmanager
async def card(
    out: Path,
    arguments: Mapping[str, Any],
    figures: Callable[[], JobReport],
    slots: Callable[[], Sequence[tuple[float, int]]],
    *,
    fsync: bool = True,
) -> AsyncGenerator[None]:
    """Leave a card when the block ends, however it ends.

    Args:
        out: The folder of the job.
        arguments: What the run was asked for; ``check`` has seen it.
        figures: Gives what it came to, once it has ended.
        slots: Gives how many calls could be in flight, each with the seconds from which on.
        fsync: Whether the card is on the disk before this goes on.

    Raises:
        OSError: The run went well, and its card cannot be written.
    """
    began = datetime.now(UTC)
    # Read now: at the end there may be no file left that can be opened.
    versions = await anyio.to_thread.run_sync(_versions)

    async def leave(ended: str) -> None:
        row = describe(figures(), arguments, began, datetime.now(UTC), ended)
        row |= {"slots": slots(), "versions": versions}
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(lambda: _write(out / CARD, row, fsync=fsync))

    try:
        yield
    except BaseException as error:
        with suppress(OSError):  # what ended the run says more
            await leave(_name(error))
        raise
    await leave("done")


def describe(
    report: JobReport,
    arguments: Mapping[str, Any],
    began: datetime,
    finished: datetime,
    ended: str,
) -> dict[str, Any]:
    """Put a card together: all but the slots and the versions.

    Args:
        report: What the run came to.
        arguments: What it was asked for.
        began: When it began.
        finished: When it ended.
        ended: How: ``done``, ``interrupted``, or the class of the error that ended it.
    """
    return {
        "ended": ended,
        "began": began.isoformat(),
        "finished": finished.isoformat(),
        "arguments": dict(arguments),
        "figures": attrs.asdict(report, filter=lambda field, _: field.name != "out"),
        "limited_by": report.limited_by,
    }


def _name(error: BaseException) -> str:
    return "interrupted" if isinstance(error, asyncio.CancelledError) else type(error).__name__


def _write(path: Path, row: Mapping[str, Any], *, fsync: bool) -> None:
    text = json.dumps(row, ensure_ascii=False, indent=2)
    durable.write(path, f"{text}\n".encode(errors="backslashreplace"), fsync=fsync)


def _versions() -> dict[str, str]:
    return {
        "volcv-async": version("volcv-async"),
        "python": platform.python_version(),
        "aiohttp": version("aiohttp"),
    }
