"""The rows of a job as the page holds them: compact JSON in which nothing can end the script.

A row is an array: place, prompt, state, whether there is a thumbnail, what it shares with others,
and what is its own. What many rows share stands once, after them, and they name it by its place.
Last come the names of the list's own columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from volcv_async.job.gallery.remaking import LEFT_TO_THE_ROW, options
from volcv_async.job.rows import OURS, Row

STATES = ("done", "failed", "in doubt")

_SHARED = ("model", "width", "height")
_MOST_SHARED = 1000  # so that memory does not grow where each row is different
_EXACT = 2**53  # up to which a number of the page is every integer
_AWAY = ("file_name", "index", "prompt", "request", *_SHARED)

# No "<" is left, and so no end of a script and no comment; nor what older scripts end a line at.
_ESCAPES = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def pack(rows: Iterable[tuple[Row, int, bool]]) -> Iterator[str]:
    """Give the JSON of all rows, piece by piece.

    Args:
        rows: Each row of a job's files, its state's place in ``STATES``, and whether there is a
            thumbnail of it.
    """
    places: dict[str, int] = {}
    listed: dict[str, None] = {}  # in the order in which they came
    yield '{"rows":['
    for count, (row, state, thumbnail) in enumerate(rows):
        shared = _written(_in_common(row))
        if len(places) < _MOST_SHARED:
            places.setdefault(shared, len(places))
        own = {name: _exact(value) for name, value in row.items() if name not in _AWAY}
        listed |= dict.fromkeys(name for name in own if name not in OURS)
        head = _written([place_of(row), _text(row["prompt"]), state, int(thumbnail)])[:-1]
        yield f"{',' * bool(count)}\n{head},{places.get(shared, shared)},{_written(own)}]"
    yield f'\n],"shared":[{",".join(places)}],"listed":{_written(list(listed))}}}'


def place_of(row: Row) -> str:
    """Give the file of a row; of one that has none, the name that its file would have."""
    return str(row["file_name"]) if "file_name" in row else f"{row['index']:06d}"


def _text(prompt: object) -> str:
    """Give a prompt as text: a raw request may hold anything in its place, or nothing."""
    if prompt is None:
        return ""
    return prompt if isinstance(prompt, str) else _encode(prompt)


def _in_common(row: Row) -> dict[str, Any]:
    sent: Row = row["request"]
    request = {name: _exact(value) for name, value in sent.items() if name not in LEFT_TO_THE_ROW}
    return {
        **{name: row[name] for name in _SHARED if name in row},
        "request": request,
        "command": options(row["model"], sent),
    }


def _exact(value: object) -> object:
    """Give a number as text where the page would round it."""
    return str(value) if isinstance(value, int) and abs(value) > _EXACT else value


def _written(value: object) -> str:
    return _encode(value).translate(_ESCAPES)
