"""The elements of a JSON array, one after the other, however long the array is."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.lines import pieces
from volcv_async.job.lists.sources import Source

_LONGEST = 8 * 2**20  # characters of one element
_SPACES = re.compile(r"[ \t\r\n]*")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    held = dict(pairs)
    if len(held) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return held


DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite
)
"""Reads JSON as it is written down, without NaN and Infinity, and each key once in its object."""


def elements(source: Source) -> Iterator[tuple[int, object]]:
    """Give the elements of a list that is one array, each with the line it begins in."""
    ahead = _Ahead(source)
    if ahead.mark() != "[":
        cure = "For JSON lines, one object or text a line, give --format jsonl."
        raise ahead.bad("is no array of JSON.", cure)
    ahead.skip()
    if ahead.mark() != "]":
        yield from _separated(ahead)
    ahead.skip()
    if ahead.mark():
        raise ahead.bad("goes on after the end of the array.")


def _separated(ahead: _Ahead) -> Iterator[tuple[int, object]]:
    while True:
        if ahead.mark() not in {"{", '"'}:
            raise ahead.bad("is no JSON, or holds what is neither a text nor an object.")
        yield ahead.line, ahead.value()
        mark = ahead.mark()
        if mark == "]":
            return
        if mark != ",":
            raise ahead.bad("is no JSON: a comma or the end of the array is missing.")
        ahead.skip()


class _Ahead:
    """The text that is not parsed yet, as much of it as is needed.

    Attributes:
        line: Where it begins.
    """

    def __init__(self, source: Source) -> None:
        self._source, self._pieces = source, pieces(source)
        self._text, self._at = "", 0
        self.line = 1

    def bad(self, why: str, cure: str = "", further: int = 0) -> InvalidRequestError:
        """Make the error for where it begins, or so many lines further."""
        return self._source.bad(self.line + further, why, cure)

    def mark(self) -> str:
        """Pass over spaces; give the next character, or nothing at the end."""
        while True:
            spaces = _SPACES.match(self._text, self._at)
            assert spaces is not None  # noqa: S101 - it matches nothing, too
            self._pass_to(spaces.end())
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def skip(self) -> None:
        """Pass over one character."""
        self._pass_to(self._at + 1)

    def value(self) -> object:
        """Parse what begins here, and pass over it."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as wrong:
                if len(self._text) - self._at > _LONGEST or not self._more():
                    raise self._no_json(wrong) from None
            except (ValueError, RecursionError) as wrong:
                raise self.bad(f"is no JSON: {wrong}.") from None
            else:
                self._pass_to(end)
                return value

    def _no_json(self, wrong: json.JSONDecodeError) -> InvalidRequestError:
        further = wrong.doc.count("\n", self._at, wrong.pos)
        return self.bad(f"is no JSON: {wrong.msg}.", further=further)

    def _pass_to(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on, about as much as there is already; tell whether there was anything."""
        wanted, fresh = len(self._text) - self._at, list[str]()
        for piece in self._pieces:
            fresh.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                break
        if fresh:
            self._text, self._at = "".join([self._text[self._at :], *fresh]), 0
        return bool(fresh)
