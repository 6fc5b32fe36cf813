"""The rows of a folder's pictures as one Parquet file, for programs that read tables.

The rows are read twice, so that a column has the type that all its values have, however late it
comes; no more than a batch of them is in memory. What has no one type, and what is an object, such
as ``request``, is JSON as text: its members differ from model to model, a struct would give each
request the fields of all of them as null, and of Parquet's own type for JSON not every reader makes
texts. The field's metadata says what is JSON, so that this library reads it as what it says.

The file appears whole or not at all. Everything here blocks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, cast

import attrs

from volcv_async import durable
from volcv_async.errors import ConfigurationError
from volcv_async.job.arrow import JSON_MARK, arrow
from volcv_async.job.leavings import picture_rows, refuse_empty, refuse_within
from volcv_async.job.rows import Row
from volcv_async.job.sink import METADATA

_ROWS = 4096  # of a row group
_EXACT = 2**53  # up to which a float holds every integer
_LONGEST = 2**63  # below which an integer is one of 64 bits
_EMPTY = {"seed": "int", "llm_seed": "int", "sr_seed": "int", "seconds": "float"}
"""What is in columns of ours that hold nothing here, and are no texts."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


@attrs.define
class Kinds:
    """What a column has been seen to hold.

    Attributes:
        own: Of ``bool``, ``int``, ``long``, ``float``, ``text``, ``list`` and ``json``.
        inside: The same of the items of its lists.
    """

    own: set[str] = attrs.field(factory=set[str])
    inside: set[str] = attrs.field(factory=set[str])

    def add(self, value: object) -> None:
        """Take a value in; null is of any kind."""
        if value is None:
            return
        self.own.add(_kind(value))
        if isinstance(value, list):
            self.inside.update(
                _kind(item) for item in cast("list[object]", value) if item is not None
            )

    def settled(self, empty: str = "text") -> tuple[str, ...]:
        """Give the type that holds all of it: one kind, or ``list`` and that of its items."""
        if self.own != {"list"}:
            return (_one(self.own, empty),)
        inside = _one(self.inside, empty)
        return ("json",) if inside == "json" else ("list", inside)


def check_table(out: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Make sure that ``write_table`` can begin.

    Raises:
        ConfigurationError: The folder has no rows of pictures, the file is there already or would
            lie in the folder, or pyarrow is not installed.
    """
    arrow("pyarrow.parquet")
    refuse_empty(Path(out), "to write")
    if Path(target).exists():
        raise ConfigurationError(
            f"{target} is there already.",
            help="Give another name, or take it away. Nothing was written.",
        )
    refuse_within(Path(out), Path(target))


def write_table(
    out: str | os.PathLike[str], target: str | os.PathLike[str], *, rows: int | None = None
) -> int:
    """Write the rows of ``metadata.jsonl``, in their order; give how many.

    Args:
        out: The folder of a job.
        target: The file; its folder is made if need be.
        rows: How many at the most, from the first; all by default.

    Raises:
        ConfigurationError: As ``check_table`` does; or there are no rows.
        InvalidRequestError: A line is no row of a picture; its text names it.
        OSError: Something cannot be read or written.
    """
    check_table(out, target)
    metadata, path = Path(out) / METADATA, Path(target)
    with metadata.open("rb") as lines:
        count, columns = _columns(
            picture_rows(metadata, islice(lines, rows), "Nothing was written.")
        )
        if not count:
            raise ConfigurationError(f"{metadata} has no rows, so there is nothing to write.")
        lines.seek(0)
        # Not what a run has added since: it may have columns of its own.
        _write(path, columns, picture_rows(metadata, islice(lines, count)))
    return count


def _columns(rows: Iterator[Row]) -> tuple[int, dict[str, tuple[str, ...]]]:
    """Count the rows, and settle the types of their columns."""
    count, seen = 0, dict[str, Kinds]()
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the last is the count
        for name, value in row.items():
            seen.setdefault(name, Kinds()).add(value)
    return count, {name: held.settled(_EMPTY.get(name, "text")) for name, held in seen.items()}


def _write(path: Path, columns: Mapping[str, tuple[str, ...]], rows: Iterator[Row]) -> None:
    pyarrow, parquet = arrow(), arrow("pyarrow.parquet")
    schema = pyarrow.schema([_field(pyarrow, name, kind) for name, kind in columns.items()])
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        durable.replacing(path) as file,
        parquet.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        while batch := list(islice(rows, _ROWS)):
            values = [
                [_cell(row.get(name), kind) for row in batch] for name, kind in columns.items()
            ]
            arrays = map(pyarrow.array, values, schema.types)
            writer.write_batch(pyarrow.record_batch(list(arrays), schema=schema))


def _field(pyarrow: Any, name: str, kind: tuple[str, ...]) -> Any:  # noqa: ANN401 - it has no types
    types = {
        "bool": pyarrow.bool_(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "text": pyarrow.string(),
        "json": pyarrow.string(),
    }
    of = types[kind[-1]]
    mark = JSON_MARK if kind == ("json",) else None
    return pyarrow.field(_utf8(name), pyarrow.list_(of) if kind[0] == "list" else of, metadata=mark)


def _cell(value: object, kind: tuple[str, ...]) -> object:
    if value is None:
        return None
    if kind == ("json",):
        return _utf8(_encode(value))
    if kind[0] == "list":
        return [_cell(item, kind[1:]) for item in cast("list[object]", value)]
    return _utf8(value) if isinstance(value, str) else value


def _utf8(text: str) -> str:
    """Write half a surrogate pair as its escape, as the rows do."""
    return text.encode(errors="backslashreplace").decode()


def _kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case int() if -_LONGEST <= value < _LONGEST:
            return "int" if abs(value) <= _EXACT else "long"
        case float():
            return "float"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "json"


def _one(kinds: set[str], empty: str) -> str:
    """Give the one kind that holds all of these."""
    if not kinds:
        return empty
    if kinds <= {"int", "long"}:
        return "int"
    if kinds == {"int", "float"}:
        return "float"
    return next(iter(kinds)) if len(kinds) == 1 and kinds != {"list"} else "json"
