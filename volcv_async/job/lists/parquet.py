"""The rows of a Parquet file, read a batch at a time, as values that JSON can say.

Times become texts in ISO 8601, durations seconds, bytes the text that they are in UTF-8; a decimal
becomes a number where that is exact. What is JSON by its type becomes what it says. NaN is taken
for null, and a member of a struct that is null for one that is not there: in a struct, every row
has the members of all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from volcv_async.errors import InvalidRequestError
from volcv_async.job.arrow import JSON_MARK, arrow
from volcv_async.job.lists.arrays import DECODER
from volcv_async.job.lists.bad_rows import Wrong
from volcv_async.job.lists.sources import Source

_ROWS = 1024  # of a batch
_BUFFER = 2**16  # bytes of a column that are read ahead, so that no row group lies in memory
_JSON = "arrow.json"
_PLAIN = {type(None), bool, int, str}  # what needs no second look

_Columns = list[tuple[str, Any, list[Any]]]
"""Of a batch: the name of each column, its type and its values."""


def records(source: Source) -> Iterator[tuple[dict[str, object], Wrong | None]]:
    """Give the rows of a Parquet file, and what is wrong with each.

    Raises:
        ConfigurationError: pyarrow is not installed.
        InvalidRequestError: It is no such file.
    """
    for columns in _batches(source):
        for values in zip(*(values for _, _, values in columns), strict=True):
            yield _record(columns, values)


def _record(columns: _Columns, values: tuple[Any, ...]) -> tuple[dict[str, object], Wrong | None]:
    """Make a row of its values; null stands for one that JSON cannot say."""
    cells: dict[str, object] = {}
    wrong: Wrong | None = None
    for (name, kind, _), value in zip(columns, values, strict=True):
        try:
            cells[name] = value if type(value) in _PLAIN else _said(value)
        except (ValueError, TypeError):
            why = f"{name!r} holds a value of type {kind} that JSON cannot say."
            wrong = Wrong(why, "Leave the column out, or make it text.")
            cells[name] = None
    return cells, wrong


def _batches(source: Source) -> Iterator[_Columns]:
    pyarrow, parquet = arrow(), arrow("pyarrow.parquet")
    with source.seeking() as file:
        try:
            read = parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)
            _refuse_twins(source, read.schema_arrow.names)
            for batch in read.iter_batches(_ROWS, use_threads=False):
                yield [
                    (field.name, field.type, _values(field, column))
                    for field, column in zip(batch.schema, batch.columns, strict=True)
                ]
        except (pyarrow.ArrowException, OSError) as wrong:
            raise _unreadable(source, wrong) from wrong


def _refuse_twins(source: Source, names: list[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            why = f"{source.name} has more than one column {name!r}."
            raise InvalidRequestError(why, help="Give each its own name.")


def _unreadable(source: Source, wrong: Exception) -> Exception:
    """Tell a file that is broken from a disk that is: the system numbers its errors."""
    if isinstance(wrong, OSError) and wrong.errno is not None:
        return wrong
    why = f"{source.name} is no Parquet file that can be read: {str(wrong).partition(chr(10))[0]}"
    return InvalidRequestError(why, help="Is the file whole?")


def _values(field: Any, column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    """Give the values of a column; in the place of one that Python has not, what it says of it."""
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        values = [_value(scalar) for scalar in column]
    return [_parsed(value) for value in values] if _is_json(field) else values


def _is_json(field: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    metadata: dict[bytes, bytes] = field.metadata or {}
    return (
        getattr(field.type, "extension_name", "") == _JSON or JSON_MARK.items() <= metadata.items()
    )


def _value(scalar: Any) -> object:  # noqa: ANN401 - pyarrow has no types
    try:
        return scalar.as_py()
    except (ValueError, OverflowError) as wrong:
        return wrong


def _parsed(text: Any) -> object:  # noqa: ANN401 - or what is wrong with it
    try:
        return None if text is None else DECODER.decode(text)
    except (ValueError, RecursionError) as wrong:
        return wrong


def _said(value: Any) -> object:  # noqa: ANN401, PLR0911 - one for each kind
    """Give a value as JSON has it.

    Raises:
        ValueError, TypeError: It has none.
    """
    match value:
        case None | str() | int():  # bool, too
            return value
        case float():
            return None if math.isnan(value) else _finite(value)
        case Decimal():
            return _number(value)
        case timedelta():
            return value.total_seconds()
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode()
        case UUID():
            return str(value)
        case dict():
            members = cast("dict[str, Any]", value)
            return {name: _said(held) for name, held in members.items() if held is not None}
        case list() | tuple():  # a map is pairs
            return [_said(held) for held in cast("list[Any]", value)]
        case _:
            raise TypeError(value)


def _finite(value: float) -> float:
    if math.isinf(value):
        raise ValueError(value)
    return value


def _number(value: Decimal) -> float | str:
    if value == value.to_integral_value():
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)
