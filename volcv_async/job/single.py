"""One request to one file, with a job's care: what is paid for is kept, whatever comes between."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from volcv_async.client import Client
from volcv_async.errors import ConfigurationError
from volcv_async.images import SUFFIXES
from volcv_async.job.pictures import Kept, save_images
from volcv_async.models import Request
from volcv_async.results import Outcome


def refuse_taken(path: Path) -> None:
    """Make sure that no picture bears this name yet, whichever suffix it would get.

    Raises:
        ConfigurationError: One does.
    """
    stem = path.with_suffix("") if path.suffix.lower() in _PICTURES else path
    for suffix in _PICTURES:
        taken = stem.with_name(f"{stem.name}{suffix}")
        if taken.exists():
            raise ConfigurationError(
                f"{taken} is there already.", help="Give another name. Nothing was sent."
            )


async def keep_one(
    client: Client,
    request: Request,
    path: str | os.PathLike[str],
    *,
    drain: float = 60.0,
    on_kept: Callable[[Outcome, list[Kept]], None],
) -> None:
    """Send one request and save its image.

    Cancelled once, it gives the call ``drain`` seconds to finish, and saves what comes, before the
    cancellation goes on; cancelled twice, it cuts the call off.

    Args:
        client: Who sends.
        request: What to ask for.
        path: The file; its suffix follows from the image.
        drain: In seconds.
        on_kept: Called with the outcome and the images that were saved, once they are.

    Raises:
        VolcvError: No request of this client can do better.
        OSError: The image cannot be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    outcomes = client.stream([request], drain=drain)
    taken: list[Outcome] = []
    try:
        async with outcomes:
            async for outcome in outcomes:
                taken.append(outcome)  # noqa: PERF401 - what came before a cancellation is kept
    finally:
        for outcome in [*taken, *outcomes.leftover]:
            on_kept(outcome, list(save_images(outcome, target)))


_PICTURES = (*SUFFIXES.values(), ".jpeg")
