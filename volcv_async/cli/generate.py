"""``volcv generate``: one prompt in, one image out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from volcv_async.cli.clients import account_for, open_client
from volcv_async.cli.interrupts import run_interruptibly
from volcv_async.cli.messages import complain, note, result
from volcv_async.cli.options import (
    Concurrency,
    Fields,
    Local,
    Model,
    Rate,
    Shared,
    parse_fields,
    stated_limits,
)
from volcv_async.cli.session import Exit, reading_input
from volcv_async.config import Account, Limits
from volcv_async.errors import DownloadError
from volcv_async.job import Kept, duration, keep_one, refuse_taken
from volcv_async.models import Request, build, variant
from volcv_async.results import Completed, InDoubt, Outcome

_INTERRUPTED = (
    "Interrupted: the image is awaited and saved. Once more cuts the call off, and it may have "
    "been billed."
)


def generate(
    prompt: Annotated[str, Parameter(name="PROMPT", help="What to draw.")],
    /,
    *,
    out: Annotated[
        Path, Parameter(name=["--out", "-o"], help="The file; its suffix follows from the image.")
    ],
    model: Model = "GeneralV21",
    fields: Fields = (),
    rate: Rate = None,
    concurrency: Concurrency = None,
    shared: Shared = None,
    local: Local = False,
) -> int:
    """Make one image."""
    with reading_input():
        chosen = variant(model)
        request = build(chosen, {**parse_fields(chosen, fields), "prompt": prompt})
        limits = stated_limits(rate, concurrency, shared, local=local)
        refuse_taken(out)
    account = account_for(local=local)
    return run_interruptibly(_make(request, out, limits, account), _INTERRUPTED)


async def _make(request: Request, out: Path, limits: Limits, account: Account | None) -> int:
    began = time.monotonic()
    code = Exit.SOME_LEFT

    def tell(outcome: Outcome, kept: list[Kept]) -> None:
        nonlocal code
        for one in kept:
            result(_facts(request, one, time.monotonic() - began))
        code = _tell_end(outcome)

    async with open_client(limits, account=account) as client:
        await keep_one(client, request, out, on_kept=tell)
    return code


def _facts(request: Request, kept: Kept, seconds: float) -> str:
    seed = getattr(request, "seed", None)
    size = f"{kept.image.width} \N{MULTIPLICATION SIGN} {kept.image.height}"
    return (
        f"{kept.path} · {size} · "
        f"seed {'random' if seed in (None, -1) else seed} · "
        f"request id {kept.request_id or 'none'} · {duration(seconds)}"
    )


def _tell_end(outcome: Outcome) -> Exit:
    if isinstance(outcome, Completed):
        return Exit.DONE
    complain(outcome.error)
    if isinstance(outcome, InDoubt):
        note("It may have been made and billed.")
    if isinstance(outcome.error, DownloadError):
        note(f"The image stands at {outcome.error.url}")
    return Exit.SOME_LEFT
