"""``volcv export``: what a run has left, in the form that another program wants."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from volcv_async.cli.messages import note, result
from volcv_async.cli.session import Exit, reading_input
from volcv_async.errors import InvalidRequestError
from volcv_async.job.leavings import refuse_empty, rows_there
from volcv_async.job.parquet import check_table, write_table
from volcv_async.job.shards import SHARD, Shard, pack


def export(
    out: Annotated[Path, Parameter(name="FOLDER", help="The folder of a job.")],
    /,
    *,
    parquet: Annotated[
        Path | None, Parameter(help="The file for the rows; not there yet.", show_default=False)
    ] = None,
    webdataset: Annotated[
        Path | None,
        Parameter(help="The folder for tar shards; without any yet.", show_default=False),
    ] = None,
    shard: Annotated[int, Parameter(help="Pictures in a shard.")] = SHARD,
) -> int:
    """Write the rows of a folder as Parquet, its pictures as tar shards."""
    with reading_input():
        if parquet is None and webdataset is None:
            raise InvalidRequestError(
                "It is not said what to write.",
                help="Give --parquet FILE, --webdataset FOLDER, or both.",
            )
        refuse_empty(out, "to write")
        rows = rows_there(out)  # once: a run may be on, and both are of the same pictures
        if parquet is not None:
            check_table(out, parquet)
        shards = None if webdataset is None else pack(out, webdataset, shard=shard, rows=rows)
    if parquet is not None:
        _write(out, parquet, rows)
    if shards is not None:
        _pack(shards)
    return Exit.DONE


def _write(out: Path, parquet: Path, rows: int) -> None:
    written = write_table(out, parquet, rows=rows)
    result(str(parquet))
    note(f"{written:,} {'row' if written == 1 else 'rows'} written.")


def _pack(shards: Iterable[Shard]) -> None:
    images = 0
    for one in shards:
        images += one.images
        result(str(one.path))
    note(f"{images:,} {'picture' if images == 1 else 'pictures'} packed.")
