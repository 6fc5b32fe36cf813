"""The rows of a job as the gallery shows them, whoever has edited the files they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from volcv_async.job.leavings import is_half, parsed
from volcv_async.job.rows import Row

_KINDS = {
    "file_name": str,
    "index": int,
    "model": str,
    "request": dict,
    "width": int,
    "height": int,
}
_NEEDED: Row = {"model": "", "prompt": None, "request": {}}


def read(file: BinaryIO) -> Iterator[tuple[int, Row | None]]:
    """Give where each line begins, and its row; None where it is none.

    One at the end that a run is writing just now is left for the next time.
    """
    at = 0
    for line in file:
        row = parsed(line)
        if row is not None or not is_half(line):
            yield at, row
        at += len(line)


def shown(row: Row) -> Row | None:
    """Give what can be shown of a row; None where it does not say what it is a row of.

    What is of no kind that could stand there is as if it were missing.
    """
    strange = {name for name, kind in _KINDS.items() if not isinstance(row.get(name), kind)}
    fit = {name: value for name, value in row.items() if name not in strange}
    return _NEEDED | fit if {"file_name", "index"} & fit.keys() else None
