"""Which rows of a list count, and how often. Pure, and never the whole list in memory.

A sample follows from what its rows hold: the same list gives the same one, in any order, and one
that has grown gives mostly the same.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from operator import itemgetter

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.formats import Row


@attrs.frozen(kw_only=True)
class Choice:
    """What is wanted of a list, in the order in which it is done.

    Attributes:
        where: Columns, and what must stand in each.
        sample: How many rows to draw.
        limit: How many rows to stop after.
        repeat: How often each of them counts.
    """

    where: tuple[tuple[str, str], ...] = ()
    sample: int | None = None
    limit: int | None = None
    repeat: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("sample", "limit", "repeat"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidRequestError(
                    f"{name}={value} leaves nothing to do.", help="Give 1 or more."
                )

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Give the rows that count, each once; ``repeat`` is for what is made of them."""
        if self.where:
            rows = (row for row in rows if self._holds(row))
        if self.sample is not None:
            rows = _drawn(rows, self.sample)
        if self.limit is not None:
            rows = islice(rows, self.limit)
        return iter(rows)

    def _holds(self, row: Row) -> bool:
        # Of a row without any cells nobody can tell, so it is said and not passed over.
        unknown = row.wrong is not None and not row.cells
        return unknown or all(_cell(row, column) == value for column, value in self.where)


def _cell(row: Row, column: str) -> str | None:
    """Give what stands in a column as one would type it."""
    if column not in row.cells:
        if row.typed or row.kept is not None:
            return None
        there = ", ".join(map(repr, row.cells))
        raise row.bad(f"has no field {column!r}; there are: {there}.", "Change --where.")
    value = row.cells[column]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _drawn(rows: Iterable[Row], number: int) -> Iterator[Row]:
    found = heapq.nsmallest(number, enumerate(rows), key=lambda placed: _lot(placed[1]))
    return (row for _, row in sorted(found, key=itemgetter(0)))


def _lot(row: Row) -> bytes:
    return blake2b(ascii(row.cells or row.held).encode(), digest_size=16).digest()
