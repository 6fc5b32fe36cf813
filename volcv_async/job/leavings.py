"""What a run has left, read again: the rows of its pictures, as they are asked for.

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


def picture_rows(metadata: Path, lines: Iterable[bytes], cure: str = "") -> Iterator[Row]:
    """Give the rows of pictures in the lines of a file.

    Args:
        metadata: The file, for errors.
        lines: What is in it.
        cure: What to say of a line that is none.

    Raises:
        InvalidRequestError: A line is no row of a picture, with file and line.
    """
    for number, line in enumerate(lines, start=1):
        row = _parsed(line)
        if row is None:
            raise InvalidRequestError(
                f"{metadata}, line {number}: is no row of a picture.",
                help=f"It needs a file_name. {cure}".rstrip(),
            )
        yield row


def _parsed(line: bytes) -> Row | None:
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    named = isinstance(row, dict) and isinstance(cast("Row", row).get("file_name"), str)
    return cast("Row", row) if named else None
