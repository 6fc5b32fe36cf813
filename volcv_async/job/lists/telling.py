"""Which format a list is written in: as its name says, or else its first line.

What is taken for text is paid for line by line, so a list that may be of another format is refused
where its name says nothing better.
"""

from __future__ import annotations

from typing import Literal, get_args

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.arrays import DECODER
from volcv_async.job.lists.lines import head
from volcv_async.job.lists.sources import Source

Format = Literal["txt", "tsv", "csv", "jsonl", "json", "parquet"]
"""How a list is written."""

FORMATS: tuple[Format, ...] = get_args(Format)
"""All of them."""

# Its first four, and the one that every writer's first header begins with.
_PARQUET = b"PAR1\x15"
_PAGE = ("<!doctype html", "<html")
# A table parted by semicolons is none that can be read; as one of commas it is refused.
_TABLES: tuple[tuple[Format, str], ...] = (("tsv", "\t"), ("csv", ","), ("csv", ";"))


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


def format_of(source: Source) -> Format:
    """Tell the format of a list: text, where nothing speaks for another.

    Raises:
        InvalidRequestError: Its name is that of a text, and its first line is of another format; or
            its suffix is none of a list, or its first line may head a column or be a prompt.
    """
    named = format_by_name(source)
    if named is not None and named != "txt":
        return named
    first, found = _told(source)
    if named is None or found == "txt" or (found == "jsonl" and first.startswith('"')):
        return named or found
    raise InvalidRequestError(
        f"{source.name}: its first line is that of a .{found} list.",
        help=f"Give --format {found}; or --format txt, if each line is a prompt as it stands.",
    )


def _told(source: Source) -> tuple[str, Format]:
    data = head(source)
    first = data.decode(errors="replace").lstrip("\ufeff \t\r\n")
    if first.strip().strip('"').casefold() == "prompt":
        raise InvalidRequestError(
            f"{source.name}: its first line is {first.strip()}: is that a prompt?",
            help="Say with --format: txt, if it is; tsv or csv, if it heads a column.",
        )
    if first.casefold().startswith(_PAGE):
        raise InvalidRequestError(
            f"{source.name} is a page of HTML.",
            help="Get the list itself, or give --format txt, if each line is a prompt.",
        )
    return first, "parquet" if data.startswith(_PARQUET) else _format_by(first)


def _format_by(first: str) -> Format:
    inside = first[1:].lstrip()[:1]
    if first.startswith("[") and inside in {"", "{", '"', "]"}:
        return "json"
    # Broken over lines it is none, but it is no text either: better refused than paid for.
    if (first.startswith("{") and inside in {"", '"', "}"}) or _is_text_of_json(first):
        return "jsonl"
    for known, mark in _TABLES:
        if mark in first and "prompt" in (cell.strip('"') for cell in _cells(first, mark)):
            return known
    return "txt"


def _cells(header: str, mark: str) -> list[str]:
    return header.strip().casefold().split(mark)


def _is_text_of_json(line: str) -> bool:
    if not line.startswith('"'):
        return False
    try:
        DECODER.decode(line)
    except ValueError:
        return False
    return True
