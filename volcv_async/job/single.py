"""One request to one file, with a job's care: what is paid for is kept, whatever comes between."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from volcv_async import durable
from volcv_async.client import Client
from volcv_async.errors import ConfigurationError
from volcv_async.images import SUFFIXES
from volcv_async.job.pictures import Kept, save_images
from volcv_async.models import Request
from volcv_async.results import Completed, Outcome

_DRAIN = 60.0  # seconds


def refuse_taken(path: Path) -> None:
    """Make sure that no picture bears this name yet, whichever suffix it would get.

    Raises:
        ConfigurationError: One does, or it is no name.
    """
    if path.name in {"", ".."}:
        raise ConfigurationError(
            f"{path} is no name for a picture.", help=f"Such as {path / 'fox'}. Nothing was sent."
        )
    for suffix in _PICTURES:
        taken = _as(path, suffix)
        if taken.exists():
            raise ConfigurationError(
                f"{taken} is there already.", help="Give another name. Nothing was sent."
            )


def _as(path: Path, suffix: str) -> Path:
    """Name a picture of this kind, in the place of any other kind that the name speaks of."""
    stem = path.with_suffix("") if path.suffix.lower() in _PICTURES else path
    return stem.with_name(f"{stem.name}{suffix}")


async def keep_one(
    client: Client,
    request: Request,
    path: str | os.PathLike[str],
    *,
    on_kept: Callable[[Outcome, list[Kept]], None],
) -> None:
    """Send one request and save its image.

    Cancelled once, it gives the call a minute to finish, and saves what comes, before the
    cancellation goes on; cancelled twice, it cuts the call off.

    Args:
        client: Who sends.
        request: What to ask for.
        path: The file; its suffix follows from the image.
        on_kept: Called with the outcome and the images that were saved, once they are.

    Raises:
        VolcvError: No request of this client can do better.
        OSError: The image cannot be written. Where that could be known before, nothing was sent.
    """
    target = Path(path)
    _try_out(target)
    outcomes = client.stream([request], drain=_DRAIN)
    taken: list[Outcome] = []
    try:
        async with outcomes:
            async for outcome in outcomes:
                taken.append(outcome)  # noqa: PERF401 - what came before a cancellation is kept
    finally:
        for outcome in [*taken, *outcomes.leftover]:
            on_kept(outcome, _save(outcome, target))


def _try_out(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        durable.try_out(_as(target, max(_PICTURES, key=len)))
    except OSError as error:
        error.add_note("Nothing was sent.")
        raise


def _save(outcome: Outcome, target: Path) -> list[Kept]:
    try:
        return list(save_images(outcome, target))
    except OSError as error:
        error.add_note(f"The image was made and billed: {_whereabouts(outcome)}.")
        raise


def _whereabouts(outcome: Outcome) -> str:
    """Say by what an image that is on no disk can be asked for."""
    if not isinstance(outcome, Completed):
        return f"request id {outcome.error.request_id or 'none'}"
    made = outcome.generation
    urls = [f"at {image.url}" for image in made.images if image.url]
    return ", ".join([f"request id {made.request_id or 'none'}", *urls])


_PICTURES = (*SUFFIXES.values(), ".jpeg")
