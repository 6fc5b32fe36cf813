"""The formats of a list: which one it is, and its rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, cast, get_args

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.arrays import DECODER, elements
from volcv_async.job.lists.lines import head, lines, without_end
from volcv_async.job.lists.parquet import records
from volcv_async.job.lists.sources import Source

Format = Literal["txt", "tsv", "csv", "jsonl", "json", "parquet"]
"""How a list is written."""

FORMATS: tuple[Format, ...] = get_args(Format)
"""All of them."""

# Its first four, and the one that every writer's first header begins with.
_PARQUET = b"PAR1\x15"
_CURE = "Name it with --prompt-column, or prompt_column=... from code."

_Cells = Mapping[str, object]
_Numbered = Iterator[tuple[int, list[str]]]


@attrs.frozen
class Row:
    """One row of a list.

    Attributes:
        source: The list.
        line: Its (last) line in that, from 1.
        column: The name of the column that holds the prompt.
        cells: What stands in its columns, the prompt's too.
        typed: Whether the cells are values of JSON, and the columns the row's own; otherwise they
            are texts under a header.
    """

    source: Source
    line: int
    column: str
    cells: _Cells
    typed: bool = False

    def bad(self, why: str, cure: str = "") -> InvalidRequestError:
        """Make the error for this row."""
        return self.source.bad(self.line, why, cure)


def format_by_name(source: Source) -> Format | None:
    """Tell the format from a name; None: it has no suffix, and only its bytes can tell.

    Raises:
        InvalidRequestError: The suffix is none of a list.
    """
    suffix = source.suffix.removeprefix(".")
    for known in FORMATS:
        if suffix == known:
            return known
    if not suffix:
        return None
    raise InvalidRequestError(
        f"{source.name}: a list of this kind cannot be read.",
        help=f"The suffix tells the format; there are {', '.join(f'.{one}' for one in FORMATS)}, "
        "each with .gz after it, too. Or say it with --format.",
    )


def format_by_bytes(head: bytes) -> Format:
    """Tell the format from the first line: text, where nothing speaks for another."""
    if head.startswith(_PARQUET):
        return "parquet"
    first = head.decode(errors="replace").lstrip("\ufeff \t\r\n")
    inside = first[1:].lstrip()[:1]
    if first.startswith("[") and inside in {"", "{", '"', "]"}:
        return "json"
    # Broken over lines it is none, but it is no text either: better refused than paid for.
    if (first.startswith("{") and inside in {"", '"', "}"}) or _is_text_of_json(first):
        return "jsonl"
    for known, mark in (("tsv", "\t"), ("csv", ",")):
        if mark in first and "prompt" in first.strip().casefold().split(mark):
            return known  # type: ignore[return-value] # pyright: ignore[reportReturnType]
    return "txt"


def _is_text_of_json(line: str) -> bool:
    if not line.startswith('"'):
        return False
    try:
        DECODER.decode(line)
    except ValueError:
        return False
    return True


def rows(source: Source, known: Format | None, wanted: str | None) -> Iterator[Row]:
    """Give the rows of a list, in a format that is known, or told from the first line.

    Args:
        source: The list.
        known: Its format; None: look.
        wanted: The column of the prompt; None: look.
    """
    yield from _READERS[known or format_by_bytes(head(source))](source, wanted)


def refuse_columns(name: str, wanted: str | None) -> None:
    """Make sure that no column is named for a list that has none.

    Raises:
        InvalidRequestError: One is.
    """
    if wanted is not None:
        raise InvalidRequestError(
            f"{name} has no columns: each line of a .txt list is a prompt.",
            help=f"Leave {wanted!r} out.",
        )


def _txt(source: Source, wanted: str | None) -> Iterator[Row]:
    refuse_columns(source.name, wanted)
    for number, line in lines(source):
        if line.strip() and not line.startswith("#"):
            yield Row(source, number, "prompt", {"prompt": without_end(line)})


def _tsv(source: Source, wanted: str | None) -> Iterator[Row]:
    parted = ((number, without_end(line).split("\t")) for number, line in lines(source))
    return _from_table(source, ((number, row) for number, row in parted if row != [""]), wanted)


def _csv(source: Source, wanted: str | None) -> Iterator[Row]:
    return _from_table(source, _csv_rows(source), wanted)


def _csv_rows(source: Source) -> _Numbered:
    reader = csv.reader((line for _, line in lines(source)), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as wrong:
            cure = "Is a quotation mark left open, or not doubled within a quoted field?"
            raise source.bad(reader.line_num, f"is no CSV: {wrong}.", cure) from None
        if row is None:
            return
        if row:
            yield reader.line_num, row


def _from_table(source: Source, table: _Numbered, wanted: str | None) -> Iterator[Row]:
    nothing: tuple[int, list[str]] = (1, [])
    line, header = next(table, nothing)
    column = _choose(source, line, header, wanted)
    _refuse_twins(source, line, header)
    for number, row in table:
        if len(row) > len(header):
            why = f"has {len(row)} fields where the header has {len(header)}."
            raise source.bad(number, why, "Does a prompt hold the mark that parts the columns?")
        cells = {name: cell for name, cell in zip(header, row, strict=False) if name}
        if column not in cells:
            raise source.bad(number, f"has no field {column!r}.")
        yield Row(source, number, column, cells)


def _refuse_twins(source: Source, line: int, header: list[str]) -> None:
    for name in header:
        if name and header.count(name) > 1:
            raise source.bad(line, f"has more than one column {name!r}.", "Give each its own name.")


def _jsonl(source: Source, wanted: str | None) -> Iterator[Row]:
    for number, line in lines(source):
        if line.strip():
            yield _from_json(source, number, _parsed(source, number, line), wanted)


def _json(source: Source, wanted: str | None) -> Iterator[Row]:
    for number, value in elements(source):
        yield _from_json(source, number, value, wanted)


def _parquet(source: Source, wanted: str | None) -> Iterator[Row]:
    by_rows = attrs.evolve(source, counts="row")
    for number, value in records(by_rows):
        yield _from_json(by_rows, number, value, wanted)


def _parsed(source: Source, number: int, line: str) -> object:
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError) as wrong:
        raise source.bad(number, f"is no JSON: {wrong}.") from None


def _from_json(source: Source, number: int, value: object, wanted: str | None) -> Row:
    if isinstance(value, str):
        return Row(source, number, "prompt", {"prompt": value}, typed=True)
    if not isinstance(value, dict):
        raise source.bad(number, "is neither a text nor an object.")
    cells = cast("dict[str, object]", value)
    return Row(source, number, _choose(source, number, list(cells), wanted), cells, typed=True)


def _choose(source: Source, line: int, columns: list[str], wanted: str | None) -> str:
    """Find the one column that holds the prompt."""
    if wanted is not None:
        found = [column for column in columns if column == wanted]
    else:
        found = [column for column in columns if column.casefold() == "prompt"]
        found = found or (columns if len(columns) == 1 else [])
    if len(found) == 1:
        return found[0]
    name = repr(wanted) if wanted is not None else "that is the prompt's"
    why = f"has {'more than one' if found else 'no'} column {name}; there are: "
    raise source.bad(line, f"{why}{', '.join(map(repr, columns)) or 'none at all'}.", _CURE)


_READERS: Mapping[Format, Callable[[Source, str | None], Iterator[Row]]] = {
    "txt": _txt,
    "tsv": _tsv,
    "csv": _csv,
    "jsonl": _jsonl,
    "json": _json,
    "parquet": _parquet,
}
