"""The rows of a list, in each format."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, cast

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.arrays import DECODER, elements
from volcv_async.job.lists.bad_rows import BadRow, Kept, Wrong, column_of, failed_row, is_kept, kept
from volcv_async.job.lists.lines import lines, without_end
from volcv_async.job.lists.parquet import records
from volcv_async.job.lists.sources import Source
from volcv_async.job.lists.telling import Format, format_of

_AS_JSON = 'A row is a text in quotation marks, or an object: {"prompt": "a red fox"}.'
_OTHER_MARK = (
    "Does another mark part its columns? A .csv list has commas, a .tsv list tabs (--format). "
    "If it is one column, name it with --prompt-column."
)
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
        wrong: What is wrong with the row as such, so that it is no request.
        held: Of what is wrong: what stands there that is no cells, or more than those.
        kept: Where it stood first, if it was read from ``failed.jsonl``.
    """

    source: Source
    line: int
    column: str
    cells: _Cells
    typed: bool = False
    wrong: Wrong | None = None
    held: object = None
    kept: Kept | None = None

    def bad(self, why: str, cure: str = "") -> InvalidRequestError:
        """Make the error for this row."""
        place = self.source.place(self.line)
        if self.kept is not None:
            place = f"{place} ({self.kept.place})"
        return InvalidRequestError(f"{place}: {why}", help=cure)

    def as_bad(self, wrong: Wrong) -> BadRow:
        """Give what is known of this row where it is no request."""
        first = self.kept or Kept(
            source=self.source.name, line=self.line, place=self.source.place(self.line)
        )
        held = self.cells if self.held is None else self.held
        row = failed_row(first, held, wrong, typed=self.typed, column=self.column)
        return BadRow(first.source, first.line, self.bad(wrong.why, wrong.cure), row)


def rows(source: Source, known: Format | None, wanted: str | None) -> Iterator[Row]:
    """Give the rows of a list.

    Args:
        source: The list.
        known: Its format; None: as its name or its first line tells.
        wanted: The column of the prompt; None: look.
    """
    yield from _READERS[known or format_of(source)](source, wanted)


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
    table = ((number, row) for number, row in parted if row != [""])
    return _from_table(source, table, wanted, ",;")


def _csv(source: Source, wanted: str | None) -> Iterator[Row]:
    return _from_table(source, _csv_rows(source), wanted, "\t;")


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


def _from_table(source: Source, table: _Numbered, wanted: str | None, others: str) -> Iterator[Row]:
    """Give the rows of a table; the marks of others part none of its columns."""
    nothing: tuple[int, list[str]] = (1, [])
    line, header = next(table, nothing)
    column = _choose(header, wanted)
    if isinstance(column, Wrong):
        raise source.bad(line, column.why, column.cure)
    if wanted is None and len(header) == 1 and set(others) & set(column):
        raise source.bad(line, f"has one column only, {column!r}.", _OTHER_MARK)
    _refuse_twins(source, line, header)
    for number, row in table:
        held_by = zip_longest(header, row[: len(header)], fillvalue="")
        cells = {name: cell for name, cell in held_by if name}
        wrong = _misfit(header, row, column)
        held = row if len(row) > len(header) else None
        yield Row(source, number, column, cells, wrong=wrong, held=held)


def _misfit(header: list[str], row: list[str], column: str) -> Wrong | None:
    """Tell what is wrong with the length of a table's row."""
    if len(row) > len(header):
        why = f"has {len(row)} fields where the header has {len(header)}."
        return Wrong(why, "Does a prompt hold the mark that parts the columns?")
    return Wrong(f"has no field {column!r}.") if header.index(column) >= len(row) else None


def _refuse_twins(source: Source, line: int, header: list[str]) -> None:
    for name, times in Counter(header).items():
        if name and times > 1:
            raise source.bad(line, f"has more than one column {name!r}.", "Give each its own name.")


def _jsonl(source: Source, wanted: str | None) -> Iterator[Row]:
    for number, line in lines(source):
        if line.strip():
            yield _from_line(source, number, without_end(line), wanted)


def _json(source: Source, wanted: str | None) -> Iterator[Row]:
    for number, value in elements(source):
        yield _from_json(source, number, value, wanted)


def _parquet(source: Source, wanted: str | None) -> Iterator[Row]:
    by_rows = attrs.evolve(source, counts="row")
    for number, (cells, wrong) in enumerate(records(by_rows), start=1):
        row = _from_json(by_rows, number, cells, wanted)
        yield row if wrong is None else attrs.evolve(row, wrong=wrong)


def _from_line(source: Source, number: int, line: str, wanted: str | None) -> Row:
    try:
        value = DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        wrong = Wrong(f"is no JSON: {error}.", _AS_JSON)
        return Row(source, number, "", {}, typed=True, wrong=wrong, held=line)
    return _from_json(source, number, value, wanted)


def _from_json(source: Source, number: int, value: object, wanted: str | None) -> Row:
    if isinstance(value, str):
        return Row(source, number, "prompt", {"prompt": value}, typed=True)
    if not isinstance(value, dict):
        wrong = Wrong("is neither a text nor an object.", _AS_JSON)
        return Row(source, number, "", {}, typed=True, wrong=wrong, held=value)
    cells = cast("dict[str, object]", value)
    if is_kept(cells):
        return _from_kept(source, number, cells, wanted)
    column = _choose(list(cells), wanted)
    if isinstance(column, Wrong):
        return Row(source, number, "", cells, typed=True, wrong=column)
    return Row(source, number, column, cells, typed=True)


def _from_kept(source: Source, number: int, written: dict[str, Any], wanted: str | None) -> Row:
    """Read what a row of ``failed.jsonl`` keeps of another list, as it stood there."""
    held: object = written["row"]
    wanted = column_of(written) or wanted
    if isinstance(held, str):  # a line that was no JSON: as a prompt it would be paid for
        row = _from_line(source, number, held, wanted)
    else:
        row = _from_json(source, number, held, wanted)
    return attrs.evolve(
        row,
        column=row.column or str(written.get("prompt_column", "")),
        typed=written.get("typed") is not False,
        kept=kept(written, source.name, number),
    )


def _choose(columns: list[str], wanted: str | None) -> str | Wrong:
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
    return Wrong(f"{why}{', '.join(map(repr, columns)) or 'none at all'}.", _CURE)


_READERS: Mapping[Format, Callable[[Source, str | None], Iterator[Row]]] = {
    "txt": _txt,
    "tsv": _tsv,
    "csv": _csv,
    "jsonl": _jsonl,
    "json": _json,
    "parquet": _parquet,
}
