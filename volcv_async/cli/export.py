"""``volcv export``: what a run has left, in the form that another program wants."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from volcv_async.cli.messages import note, result
from volcv_async.cli.session import Exit, reading_input
from volcv_async.job.shards import SHARD, pack


def export(
    out: Annotated[Path, Parameter(name="FOLDER", help="The folder of a job.")],
    /,
    *,
    webdataset: Annotated[Path, Parameter(help="The folder for tar shards; without any yet.")],
    shard: Annotated[int, Parameter(help="Pictures in a shard.")] = SHARD,
) -> int:
    """Pack the pictures of a folder as WebDataset tar shards."""
    with reading_input():
        shards = pack(out, webdataset, shard=shard)
    images = 0
    for one in shards:
        images += one.images
        result(str(one.path))
    note(f"{images:,} {'picture' if images == 1 else 'pictures'} packed.")
    return Exit.DONE
