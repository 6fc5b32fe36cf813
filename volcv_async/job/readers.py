"""Prompt lists: txt, tsv, csv and jsonl files, read row by row into requests.

A prompt is text and stays as the file has it, byte for byte: nothing is stripped but a line's own
end, and no number is read where ``42`` stands. What cannot be read is said with file, line and
field, and never guessed at.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from volcv_async.errors import InvalidRequestError
from volcv_async.models import GeneralV21, Request, build

_BOM = b"\xef\xbb\xbf"
_CURE = "Name it with --prompt-column, or prompt_column=... from code."

_Lines = Iterator[tuple[int, str]]
"""Lines with their numbers, from 1; each with its end, as it stands in the file."""

_Prompts = Iterator[tuple[int, object]]
"""What stands where a prompt should, with the number of its (last) line."""


def read_prompts(
    path: str | os.PathLike[str],
    *,
    model: type[Request] = GeneralV21,
    prompt_column: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> Iterator[Request]:
    r"""Read a prompt list, one request a prompt, as they are asked for.

    The suffix tells the format. All are UTF-8, with or without a byte order mark, and lines end
    with ``\n`` or ``\r\n``:

    - ``.txt``: a prompt a line; blank lines and lines that begin with ``#`` are skipped.
    - ``.tsv``: a header, then a row a line; no quoting, so a quotation mark is one.
    - ``.csv``: a header, then rows with the usual quoting, within which a field may hold lines.
    - ``.jsonl``: a text a line, or an object with the prompt under a key.

    Empty lines in the last three are skipped, and columns other than the prompt's are not read.

    Args:
        path: The file.
        model: The variant that the requests are of.
        prompt_column: The column or key that holds the prompt. None: ``prompt`` in any case of
            letters, or else the only one there is.
        fields: Values for other fields, the same for all requests.

    Raises:
        InvalidRequestError: The format is not known, or ``fields`` does not fit the model: at
            once. The list has no such column, or a row cannot be read: when its turn comes, with
            file, line and field.
        OSError: The file cannot be read: when its first row is asked for.
    """
    file = Path(path)
    if file.is_dir():
        raise InvalidRequestError(f"{file} is a folder, not a list.", help="Give a file in it.")
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise InvalidRequestError(
            f"{file}: a list of this kind cannot be read.",
            help=f"The suffix tells the format; there are {', '.join(_READERS)}.",
        )
    if prompt_column is not None and reader is _txt:
        raise InvalidRequestError(
            f"{file} has no columns: each line of a .txt list is a prompt.",
            help=f"Leave {prompt_column!r} out.",
        )
    given = dict(fields or {})
    if "prompt" in given:
        raise InvalidRequestError("The field prompt is what the list gives.", help="Leave it out.")
    build(model, {**given, "prompt": "checked before the first row is read"})
    return _requests(file, reader(file, prompt_column), model, given)


def _requests(
    file: Path, prompts: _Prompts, model: type[Request], fields: Mapping[str, Any]
) -> Iterator[Request]:
    for line, prompt in prompts:
        try:
            request = build(model, {**fields, "prompt": prompt})
        except InvalidRequestError as wrong:
            raise _bad(file, line, wrong.message, wrong.help) from None
        yield request


def _txt(file: Path, _: str | None) -> _Prompts:
    for number, line in _lines(file):
        if line.strip() and not line.startswith("#"):
            yield number, _without_end(line)


def _tsv(file: Path, wanted: str | None) -> _Prompts:
    rows = ((number, _without_end(line).split("\t")) for number, line in _lines(file))
    return _from_table(file, ((number, row) for number, row in rows if row != [""]), wanted)


def _csv(file: Path, wanted: str | None) -> _Prompts:
    return _from_table(file, _csv_rows(file), wanted)


def _csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((line for _, line in _lines(file)), strict=True)
    while True:
        try:
            row = next(reader, None)
        except csv.Error as wrong:
            cure = "Is a quotation mark left open, or not doubled within a quoted field?"
            raise _bad(file, reader.line_num, f"is no CSV: {wrong}.", cure) from None
        if row is None:
            return
        if row:
            yield reader.line_num, row


def _from_table(file: Path, rows: Iterator[tuple[int, list[str]]], wanted: str | None) -> _Prompts:
    nothing: tuple[int, list[str]] = (1, [])
    line, header = next(rows, nothing)
    column = header.index(_choose(file, line, header, wanted))
    for number, row in rows:
        if len(row) > len(header):
            why = f"has {len(row)} fields where the header has {len(header)}."
            raise _bad(file, number, why, "Does a prompt hold the mark that parts the columns?")
        if column >= len(row):
            raise _bad(file, number, f"has no field {header[column]!r}.")
        yield number, row[column]


def _jsonl(file: Path, wanted: str | None) -> _Prompts:
    for number, line in _lines(file):
        if line.strip():
            yield number, _from_json(file, number, line, wanted)


def _from_json(file: Path, number: int, line: str, wanted: str | None) -> object:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise _bad(file, number, f"is no JSON: {wrong}.") from None
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise _bad(file, number, "is neither a text nor an object.")
    row = cast("dict[str, object]", value)
    return row[_choose(file, number, list(row), wanted)]


def _choose(file: Path, line: int, columns: list[str], wanted: str | None) -> str:
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
    raise _bad(file, line, f"{why}{', '.join(map(repr, columns)) or 'none at all'}.", _CURE)


def _lines(file: Path) -> _Lines:
    r"""Part the file at ``\n`` alone: U+2028 and its like are characters of a prompt."""
    with file.open("rb") as source:
        for number, line in enumerate(source, start=1):
            data = line.removeprefix(_BOM) if number == 1 else line
            try:
                yield number, data.decode()
            except UnicodeDecodeError as wrong:
                why = f"is not UTF-8 (from its byte {wrong.start + 1} on)."
                raise _bad(file, number, why, "Save the list as UTF-8.") from None


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line


def _bad(file: Path, line: int, why: str, cure: str = "") -> InvalidRequestError:
    return InvalidRequestError(f"{file}, line {line}: {why}", help=cure)


_READERS: Mapping[str, Callable[[Path, str | None], _Prompts]] = {
    ".txt": _txt,
    ".tsv": _tsv,
    ".csv": _csv,
    ".jsonl": _jsonl,
}
