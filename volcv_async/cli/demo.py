"""``volcv demo``: a gallery of built-in prompts, through the local gateway."""

from __future__ import annotations

from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from volcv_async.cli.clients import account_for, open_client
from volcv_async.cli.job import Job, carry_out
from volcv_async.cli.messages import note, result
from volcv_async.cli.session import reading_input
from volcv_async.config import Limits
from volcv_async.job import Wishes, read_list, survey

_PROMPTS = "demo_prompts.txt"
_CONCURRENCY = 6
# Slow enough to be watched, quick enough to be waited for.
_TIME_SCALE = 0.04


def demo(
    *,
    out: Annotated[
        Path, Parameter(name=["--out", "-o"], help="The folder; numbered if it is taken.")
    ] = Path("volcv-demo"),
) -> int:
    """Draw a gallery from built-in prompts: no key, no network."""
    note("The local gateway draws these pictures on this machine. No model makes them.")
    limits = Limits(concurrency=_CONCURRENCY)
    account_for(local=True)
    with as_file(files("volcv_async.cli").joinpath(_PROMPTS)) as prompts:
        with reading_input():
            job = Job(
                requests=lambda: read_list(prompts),
                out=(fresh := _fresh(out)),
                ahead=survey(fresh, read_list(prompts), wishes=Wishes()),
                drain=0.0,
                title="volcv demo",
            )
        code = carry_out(job, lambda: open_client(limits, time_scale=_TIME_SCALE))
    result(f"Open it in a browser: {(job.out / 'index.html').resolve().as_uri()}")
    return code


def _fresh(out: Path) -> Path:
    """Find a folder that is not there yet: the one given, or the next of its numbers."""
    numbered = (out.with_name(f"{out.name}-{number}") for number in count(2))
    return out if not out.exists() else next(path for path in numbered if not path.exists())
