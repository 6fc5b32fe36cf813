"""Rows into requests: which field each column sets, and what travels beside the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain
from itertools import repeat as times
from pathlib import Path
from typing import Any, Literal, cast, overload

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.arrays import DECODER
from volcv_async.job.lists.bad_rows import BadRow, Wrong, corrected_row
from volcv_async.job.lists.choosing import Choice
from volcv_async.job.lists.formats import Row, refuse_columns, rows
from volcv_async.job.lists.matrix import Matrix
from volcv_async.job.lists.sources import ListPath, Source, of_file, of_folder
from volcv_async.job.lists.telling import Format, format_by_name
from volcv_async.job.rows import OURS, from_sent
from volcv_async.job.rows import Row as Written
from volcv_async.models import GeneralV21, Request, build, variant
from volcv_async.models.fields import info
from volcv_async.models.texts import from_text

PromptList = ListPath | Matrix
"""What is read row by row."""


def name_of(one: PromptList) -> str:
    """Give what errors call a list."""
    return one.name if isinstance(one, Source | Matrix) else str(one)


@attrs.frozen
class Listed:
    """A request of a list, and what its row says beside it.

    Attributes:
        request: What to ask for.
        columns: What stands in columns that are no fields of it; ``run`` writes it into the rows
            of its images.
        corrected: The row of ``failed.jsonl`` that it was read from, where that row was no request
            before; ``run`` keeps it there until the request is sent.
    """

    request: Request
    columns: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    corrected: Written | None = None


Item = Request | Listed | BadRow
"""What ``run`` takes for one row of a list."""


def read_prompts(
    path: PromptList,
    *more: PromptList,
    model: type[Request] = GeneralV21,
    prompt_column: str | None = None,
    fields: Mapping[str, Any] | None = None,
    format: Format | None = None,  # noqa: A002 - it is what everybody calls it
) -> Iterator[Request]:
    r"""Read prompt lists, one request a prompt, as they are asked for.

    The suffix tells the format, or, where there is none, the first line; a ``.txt`` list whose
    first line is of another format is refused. Text is UTF-8, with or
    without a byte order mark, packed with gzip or not, and lines end with ``\n`` or ``\r\n``:

    - ``.txt``: a prompt a line; blank lines and lines that begin with ``#`` are skipped.
    - ``.tsv``: a header, then a row a line; no quoting, so a quotation mark is one.
    - ``.csv``: a header, then rows with the usual quoting, within which a field may hold lines.
    - ``.jsonl``: a text a line, or an object with the prompt under a key.
    - ``.json``: an array of such texts and objects.
    - ``.parquet``: rows of columns, each a value as JSON has it; needs the extra ``parquet``.
    - a folder: the ``.txt`` files in it, by name; ``format`` goes for what they hold.

    Empty lines in tables and JSON lines are skipped. A column that is named as a field of the
    request sets it, ``model`` the model; an empty cell sets nothing.

    Args:
        path: The list, or a ``Matrix``.
        more: Further ones, read one after the other.
        model: The variant that the requests are of.
        prompt_column: The column or key that holds the prompt. None: ``prompt`` in any case of
            letters, or else the only one there is.
        fields: Values for other fields, the same for all requests whose rows say nothing else.
        format: The format, whatever the names are: txt, tsv, csv, jsonl, json or parquet.

    Raises:
        InvalidRequestError: The format is not known, or ``fields`` does not fit the model: at
            once. The list has no such column, or a row cannot be read: when its turn comes, with
            file, line and field.
        OSError: The file cannot be read: when its first row is asked for.
    """
    listed = read_list(
        path, *more, model=model, prompt_column=prompt_column, fields=fields, format=format
    )
    return (one.request for one in listed)


@overload
def read_list(
    path: PromptList,
    *more: PromptList,
    model: type[Request] = GeneralV21,
    prompt_column: str | None = None,
    fields: Mapping[str, Any] | None = None,
    format: Format | None = None,
    where: Mapping[str, str] | None = None,
    sample: int | None = None,
    limit: int | None = None,
    repeat: int = 1,
    strict: Literal[True] = True,
) -> Iterator[Listed]: ...
@overload
def read_list(
    path: PromptList,
    *more: PromptList,
    model: type[Request] = GeneralV21,
    prompt_column: str | None = None,
    fields: Mapping[str, Any] | None = None,
    format: Format | None = None,
    where: Mapping[str, str] | None = None,
    sample: int | None = None,
    limit: int | None = None,
    repeat: int = 1,
    strict: bool,
) -> Iterator[Listed | BadRow]: ...
def read_list(
    path: PromptList,
    *more: PromptList,
    model: type[Request] = GeneralV21,
    prompt_column: str | None = None,
    fields: Mapping[str, Any] | None = None,
    format: Format | None = None,  # noqa: A002 - it is what everybody calls it
    where: Mapping[str, str] | None = None,
    sample: int | None = None,
    limit: int | None = None,
    repeat: int = 1,
    strict: bool = True,
) -> Iterator[Listed] | Iterator[Listed | BadRow]:
    """Read prompt lists as ``read_prompts`` does, with the columns that are no fields of a request.

    What chooses among the rows does so in this order: ``where``, ``sample``, ``limit``, ``repeat``.

    Args:
        path: The list, or a ``Matrix``.
        more: Further ones.
        model: The variant, where a row names no other.
        prompt_column: The column or key that holds the prompt.
        fields: Values for other fields.
        format: The format, whatever the names are.
        where: What must stand in which columns, as one would type it.
        sample: How many rows to draw; they lie in memory. The same rows give the same sample.
        limit: How many rows to stop after.
        repeat: How often each row counts that can be sent.
        strict: Whether a row that cannot be sent is raised as the error it is. Otherwise a
            ``BadRow`` comes in its place, and the others after it; ``run`` takes both. What is
            wrong with a list as a whole is raised in any case.

    Raises:
        InvalidRequestError: As ``read_prompts`` does; or a number is less than 1; or a table has
            no column that ``where`` names.
        OSError: As ``read_prompts`` does.
    """
    given = dict(fields or {})
    choice = Choice(where=tuple((where or {}).items()), sample=sample, limit=limit, repeat=repeat)
    tables = [_table(one, format, prompt_column) for one in (path, *more)]
    if "prompt" in given:
        raise InvalidRequestError("The field prompt is what the list gives.", help="Leave it out.")
    build(model, {**given, "prompt": "checked before the first row is read"})
    found = chain.from_iterable(tables)
    chosen = choice.of(map(_refuse_wrong, found) if strict else found)
    read = (one for row in chosen for one in _times(_read(row, model, given), repeat))
    return map(_refuse_bad, read) if strict else read


def _refuse_wrong(row: Row) -> Row:
    if row.wrong is not None:
        raise row.bad(row.wrong.why, row.wrong.cure)
    return row


def _refuse_bad(one: Listed | BadRow) -> Listed:
    if isinstance(one, BadRow):
        raise one.error
    return one


def _times(one: Listed | BadRow, repeat: int) -> Iterator[Listed | BadRow]:
    """Give a request so often, and a bad row once."""
    return times(one, repeat if isinstance(one, Listed) else 1)


def _table(path: PromptList, known: Format | None, wanted: str | None) -> Iterator[Row]:
    """Give the rows of one list; what its name says wrong is said at once."""
    if isinstance(path, Matrix):
        _refuse_said(known, wanted)
        return path.rows()
    if not isinstance(path, Source) and Path(path).is_dir():
        return (row for text in of_folder(Path(path)) for row in rows(text, known, wanted))
    source = path if isinstance(path, Source) else of_file(Path(path))
    if (known or format_by_name(source)) == "txt":
        refuse_columns(source.name, wanted)
    return rows(source, known, wanted)


def _refuse_said(known: Format | None, wanted: str | None) -> None:
    said = known or wanted
    if said is not None:
        raise InvalidRequestError(
            "A matrix has neither a format nor a column for the prompt.",
            help=f"Leave {said!r} out.",
        )


def _read(row: Row, model: type[Request], given: Mapping[str, Any]) -> Listed | BadRow:
    """Make a request of a row, or say why there is none."""
    if row.wrong is not None:
        return row.as_bad(row.wrong)
    try:
        listed = _listed(row, model, given)
    except InvalidRequestError as wrong:
        return row.as_bad(Wrong(wrong.message, wrong.help))
    return listed if row.kept is None else attrs.evolve(listed, corrected=corrected_row(row.kept))


def _listed(row: Row, model: type[Request], given: Mapping[str, Any]) -> Listed:
    sent = _sent(row)
    if sent is not None:
        return _once_more(row, sent)
    return _as_columns_say(row, _model(row, model), given)


def _once_more(row: Row, sent: Mapping[str, Any]) -> Listed:
    """Take a row that a run has written, of ``failed.jsonl`` say: the request as it went out."""
    request = from_sent(str(row.cells.get("model")), sent)
    return Listed(request, {n: held for n, held in row.cells.items() if n not in OURS})


def _as_columns_say(row: Row, model: type[Request], given: Mapping[str, Any]) -> Listed:
    names = {field.name for field in attrs.fields(model) if field.init} - {"prompt", row.column}
    said = {name: _value(row, model, name) for name in row.cells if name in names}
    _refuse_near(row, names | {"model"})
    set_here = {name: value for name, value in said.items() if value is not None}
    request = build(model, {**given, **set_here, "prompt": _prompt(row)})
    taken = names | {row.column, "model"}
    return Listed(request, {n: held for n, held in row.cells.items() if n not in taken})


def _refuse_near(row: Row, names: set[str]) -> None:
    """Refuse a column that all but sets a field: the picture would be paid for without that."""
    for column in row.cells:
        field = column.strip().casefold()
        if field in names and column not in {field, row.column}:
            raise InvalidRequestError(
                f"the column {column!r} does not set the field {field!r}, for it is not named so.",
                help="Name it so; or name it otherwise, if it is not meant.",
            )


def _prompt(row: Row) -> object:
    """Give the prompt as it stands; a blank one is as good as none, and costs as much as any."""
    prompt = row.cells[row.column]
    if isinstance(prompt, str) and prompt.isspace():
        raise InvalidRequestError(f"its prompt is blank: {prompt!r}.")
    return prompt


def _model(row: Row, model: type[Request]) -> type[Request]:
    named = None if row.column == "model" else row.cells.get("model")
    if named is None or named == "":
        return model
    return variant(named if isinstance(named, str) else repr(named))


def _sent(row: Row) -> Mapping[str, Any] | None:
    """Give the request that a run has written into a row, where it has; a table holds its JSON."""
    told = row.cells.get("request")
    if isinstance(told, str) and told.startswith("{"):
        with suppress(ValueError, RecursionError):
            told = DECODER.decode(told)
    is_one = isinstance(told, Mapping) and "req_key" in told
    return cast("Mapping[str, Any]", told) if is_one else None


def _value(row: Row, model: type[Request], name: str) -> object:
    cell = row.cells[name]
    if row.typed or not isinstance(cell, str):
        return _whole(model, name, cell)
    return from_text(model, name, cell) if cell else None


def _whole(model: type[Request], name: str, cell: object) -> object:
    """Take 7.0 for 7 where a whole number is asked for: a table with gaps may hold it so."""
    declared = info(attrs.fields_dict(model)[name])
    if declared is None or declared.kind != "int":
        return cell
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell
