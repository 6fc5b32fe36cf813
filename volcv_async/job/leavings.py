"""What a run has left, read again: the rows of its pictures, as they are asked for.

The run may be on, with its last line half written; and somebody may have edited the file.
Everything here blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job.rows import Row
from volcv_async.job.sink import METADATA


def refuse_empty(folder: Path, purpose: str) -> None:
    """Make sure that a folder has rows of pictures.

    Args:
        folder: The folder of a job.
        purpose: What there would be nothing for, such as ``to pack``.

    Raises:
        ConfigurationError: It has none.
    """
    if not (folder / METADATA).is_file():
        raise ConfigurationError(
            f"{folder} holds no {METADATA}, so there is nothing {purpose}.",
            help="Give the folder of a run that has made pictures.",
        )


def refuse_within(folder: Path, target: Path) -> None:
    """Make sure that what is to be written does not become a part of what a run has left.

    Args:
        folder: The folder of a job.
        target: The file or folder to be written.

    Raises:
        ConfigurationError: It lies in the folder.
    """
    if target.resolve().is_relative_to(folder.resolve()):
        raise ConfigurationError(
            f"{target} lies in the folder of the job, and would be taken for a part of it.",
            help=f"Give a place outside {folder}. Nothing was written.",
        )


def rows_there(folder: Path) -> int:
    """Count the rows of a folder's pictures as they are now, without one that is being written."""
    with (folder / METADATA).open("rb") as lines:
        return sum(not is_half(line) or parsed(line) is not None for line in lines)


def picture_rows(metadata: Path, lines: Iterable[bytes], cure: str = "") -> Iterator[Row]:
    """Give the rows of pictures in the lines of a file, up to one that is being written.

    Args:
        metadata: The file, for errors.
        lines: What is in it.
        cure: What to say of a line that is none.

    Raises:
        InvalidRequestError: A line is no row of a picture, with file and line.
    """
    for number, line in enumerate(lines, start=1):
        row = parsed(line)
        if row is None and is_half(line):
            return
        if row is None or not isinstance(row.get("file_name"), str):
            raise InvalidRequestError(
                f"{metadata}, line {number}: is no row of a picture.",
                help=f"It needs a file_name. {cure}".rstrip(),
            )
        yield row


def parsed(line: bytes) -> Row | None:
    """Read a line; None where it is no row at all."""
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("Row", row) if isinstance(row, dict) else None


def is_half(line: bytes) -> bool:
    """Tell whether a line has no end: a run is writing it, or was killed when it did."""
    return not line.endswith(b"\n")
