"""A row of a list that no request can be made of, and what ``failed.jsonl`` keeps of it.

Such a row of ``failed.jsonl`` can be read again: what the list held stands under ``row``, to be
corrected there. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.rows import Row as Written

_LONGEST = 600  # characters of what is said of a row
_BEGINS = 400


@attrs.frozen
class BadRow:
    """A row of a list that is no request, and why.

    Attributes:
        source: The list, as errors call it.
        line: Its (last) line in that, from 1.
        error: What is wrong with it: file, line and field, and what to do.
        row: What stands of it in ``failed.jsonl``; under ``row``, what the list holds there.
    """

    source: str
    line: int
    error: InvalidRequestError
    row: dict[str, Any]


def _in_one_line(why: str) -> str:
    """Say it in one line, whatever a cell holds, and however much."""
    said = "".join(one if one.isprintable() else " " for one in why)
    return said if len(said) <= _LONGEST else f"{said[:_BEGINS]}…{said[_BEGINS - _LONGEST :]}"


@attrs.frozen
class Wrong:
    """What is wrong with a row, without its place.

    Attributes:
        why: It, in words that go on after file and line; what is long loses its middle.
        cure: What to do.
    """

    why: str = attrs.field(converter=_in_one_line)
    cure: str = ""


@attrs.frozen(kw_only=True)
class Kept:
    """Where a row stood first that ``failed.jsonl`` keeps.

    Attributes:
        source: Its list, as errors call it.
        line: Its (last) line in that.
        place: Both, in words.
        written: The row of ``failed.jsonl``, as it may have been corrected.
    """

    source: str
    line: int
    place: str
    written: Written = attrs.field(factory=dict[str, Any])


def is_kept(row: Mapping[str, object]) -> bool:
    """Tell whether a row is one of ``failed.jsonl`` for what was no request."""
    return {"row", "error", "billed"} <= row.keys() and not {"request", "prompt"} & row.keys()


def kept(written: Written, source: str, line: int) -> Kept:
    """Read such a row, which stands there itself; whoever corrected it may have taken more away."""
    first, place = written.get("list"), written.get("line")
    source = first if isinstance(first, str) else source
    line = place if isinstance(place, int) else line
    return Kept(source=source, line=line, place=f"{source}:{line}", written=written)


def column_of(written: Written) -> str | None:
    """Give the column of the prompt that it names, if it still has that."""
    column, held = written.get("prompt_column"), written["row"]
    return column if isinstance(column, str) and isinstance(held, dict) and column in held else None


def failed_row(first: Kept, held: object, wrong: Wrong, *, typed: bool, column: str) -> Written:
    """Describe a row that is no request.

    Args:
        first: Where it stands, or stood first.
        held: What the list holds there: cells by column, or what is none.
        wrong: What is wrong with it.
        typed: Whether the cells are values of JSON; otherwise they are texts.
        column: The column of the prompt, where it is known.
    """
    return {
        "list": first.source,
        "line": first.line,
        "row": held,
        **({} if typed else {"typed": False}),
        **({"prompt_column": column} if column not in {"", "prompt"} else {}),
        "error": InvalidRequestError.__name__,
        "message": f"{first.place}: {wrong.why}",
        "help": wrong.cure,
        "billed": "no",
    }


def corrected_row(first: Kept) -> Written:
    """Describe a row that was corrected in ``failed.jsonl``, until its request is sent."""
    return {
        **first.written,
        "list": first.source,
        "line": first.line,
        "message": "It was corrected, and is not sent yet.",
        "help": "Run this list again, and it is.",
    }
