"""The rows of a list before anything is sent: how many are requests, and what is said of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import attrs

from volcv_async.cli.messages import note
from volcv_async.errors import InvalidRequestError
from volcv_async.job import BadRow, Listed, Matrix, read_list
from volcv_async.job.sink import FAILED

T = TypeVar("T")

_WORTH_A_LINE = 100_000  # rows: some seconds


@attrs.frozen
class Fitness:
    """What a list comes to.

    Attributes:
        good: Its requests.
        bad: Its rows that are none.
        first: The first of those.
    """

    good: int
    bad: int = 0
    first: BadRow | None = None

    def line(self) -> str:
        """Say in one line which rows cannot be sent; empty where all can."""
        if self.first is None:
            return ""
        return (
            f"{_rows(self.bad)} of the list cannot be sent, and will be in failed.jsonl (--strict "
            f"refuses such a list). {'It is' if self.bad == 1 else 'The first'}: {self.first.error}"
        )


def fitness(listed: Iterable[Listed | BadRow]) -> Fitness:
    """Read a list to its end.

    Raises:
        InvalidRequestError: It is no list; or it has bad rows only: the first of them.
    """
    good = bad = 0
    first: BadRow | None = None
    for one in listed:
        if isinstance(one, BadRow):
            first = first or one
            bad += 1
        else:
            good += 1
    if first is not None and not good:
        raise _nothing_good(first.error, bad - 1)
    return Fitness(good, bad, first)


def _nothing_good(error: InvalidRequestError, others: int) -> InvalidRequestError:
    if others:
        error.add_note(f"No other row can be sent either: {_rows(others)} more.")
    return error


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def refuse_part(lists: Iterable[Path | Matrix], out: Path) -> None:
    """Refuse to take some rows only of a folder's own ``failed.jsonl``, if there are bad ones.

    That file is written anew with those of the list alone: the others would be gone, and with them
    what was corrected.

    Raises:
        InvalidRequestError: It is among the lists, and holds a bad row, corrected or not.
        OSError: It cannot be read.
    """
    own = (out / FAILED).resolve()
    if any(isinstance(one, Path) and one.resolve() == own and _holds_bad(one) for one in lists):
        raise InvalidRequestError(
            f"{out / FAILED} holds bad rows, and those that are not taken would be gone from it.",
            help="Leave --where, --sample and --limit out, or give a copy that lies elsewhere.",
        )


def _holds_bad(path: Path) -> bool:
    rows = read_list(path, strict=False)
    return any(isinstance(one, BadRow) or one.corrected is not None for one in rows)


def aloud(rows: Iterable[T], doing: str, every: int = _WORTH_A_LINE) -> Iterator[T]:
    """Give the rows of a list, and say now and then how far it is, for whoever has a long one."""
    for number, row in enumerate(rows, start=1):
        yield row
        if number % every == 0:
            note(f"{doing}: {_rows(number)} so far.")
