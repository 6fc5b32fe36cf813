"""``volcv status``: what became of each prompt of a folder; it sends nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from volcv_async.cli.endings import on_one_line
from volcv_async.cli.messages import note, result
from volcv_async.cli.session import Exit, reading_input
from volcv_async.job import STANDINGS, Status, read_status


def status(
    out: Annotated[Path, Parameter(name="FOLDER", help="The folder of a job.")],
    /,
    *,
    as_json: Annotated[
        bool,
        Parameter(name="--json", help="One JSON object a prompt.", negative=(), show_default=False),
    ] = False,
) -> int:
    """Say of each prompt whether it is done, billed, in doubt, refused or not sent."""
    counts: Counter[str] = Counter()
    for one in _read(out):
        counts[one.standing] += 1
        result(json.dumps(attrs.asdict(one), ensure_ascii=False) if as_json else _line(one))
    note(", ".join(f"{counts[standing]:,} {standing}" for standing in STANDINGS))
    return Exit.DONE


def _read(out: Path) -> Iterator[Status]:
    """Read one after the other; what goes wrong with them elsewhere is no matter of the input."""
    with reading_input():
        yield from read_status(out)


def _line(one: Status) -> str:
    """Put one in columns: number, standing, request id, and the prompt at the end."""
    prompt, request_id = on_one_line(one.prompt or ""), on_one_line(one.request_id or "-")
    return f"{one.number:06d}  {one.standing:<8}  {request_id:<34}  {prompt}"
