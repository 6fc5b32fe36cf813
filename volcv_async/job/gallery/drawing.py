"""The gallery's page, put together from its parts and written beside the pictures."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import BinaryIO

import attrs

from volcv_async import durable
from volcv_async.job.gallery.origin import drawn_locally
from volcv_async.job.gallery.packing import STATES, pack, place_of
from volcv_async.job.gallery.reading import read, shown
from volcv_async.job.gallery.thumbnails import Thumbnails
from volcv_async.job.leavings import parsed
from volcv_async.job.lists.bad_rows import is_kept
from volcv_async.job.rows import Row
from volcv_async.job.sink import FAILED, IN_DOUBT, METADATA
from volcv_async.job.story import tell

INDEX = "index.html"

_FILES = (METADATA, FAILED, IN_DOUBT)  # in the order of STATES

_NOTE = """<p class="note">Drawn by the local gateway on this machine. \
No model made these pictures.</p>
"""
_STORY = """<details class="story"><summary>How the run went</summary>
<div class="drawings">
{}
</div></details>
"""


@attrs.frozen
class _Place:
    """Where a row stands, ordered as the list is."""

    order: str
    state: int
    at: int
    """Where it begins in its file, in bytes."""


@attrs.define
class _Summary:
    """What the head of the page says of the whole."""

    places: list[_Place] = attrs.field(factory=list[_Place])
    models: Counter[str] = attrs.field(factory=Counter[str])
    """Of the pictures."""
    first: tuple[str, str] | None = None
    """The order and the file of the first picture."""
    bad: int = 0
    """Rows of the list that are no requests, and have no place in it."""
    strange: int = 0
    """Lines that are no rows of a job, or no longer."""

    def add(self, state: int, at: int, row: Row | None) -> None:
        """Keep of a row no more than its place."""
        seen = None if row is None else shown(row)
        if row is not None and is_kept(row):
            self.bad += 1
        elif seen is None:
            self.strange += 1
        else:
            self.places.append(_Place(_order(seen), state, at))
            if "file_name" in seen:
                self._add_picture(seen["model"], (self.places[-1].order, seen["file_name"]))

    def _add_picture(self, model: str, place: tuple[str, str]) -> None:
        self.models[model] += 1
        self.first = min(self.first or place, place)


def draw_gallery(
    out: str | os.PathLike[str], *, title: str | None = None, thumbnails: float = 20.0
) -> Path:
    """Write ``index.html`` into the folder of a job, in place of an earlier one; return its path.

    The page shows the pictures where they lie, in the order of the list. It can be moved together
    with its folder, and opens without a server. Where Pillow is installed, pictures of more than
    640 pixels get small copies in the folder ``thumbnails``. This blocks.

    Args:
        out: The folder, with its ``metadata.jsonl``.
        title: What stands at the top; the folder's name by default.
        thumbnails: Seconds after which no further small copies are made. A picture without one is
            shown as it is; drawing the page again goes on with the rest.

    Raises:
        OSError: The rows cannot be read, or the page cannot be written.
    """
    folder = Path(out)
    index = folder / INDEX
    with ExitStack() as held:
        rows = [held.enter_context(_open(folder, name)) for name in _FILES]
        page = held.enter_context(durable.replacing(index))
        small = Thumbnails(folder, thumbnails)
        parts = _page(folder, rows, title or folder.resolve().name, small)
        page.writelines(part.encode(errors="backslashreplace") for part in parts)
    return index


def _open(folder: Path, name: str) -> BinaryIO:
    """Open a file of rows; only that of the pictures must be there."""
    path = folder / name
    return path.open("rb") if name == METADATA or path.exists() else Path(os.devnull).open("rb")


def _page(folder: Path, rows: list[BinaryIO], title: str, small: Thumbnails) -> Iterator[str]:
    summary = _summarise(rows)
    head, _, tail = _part("page.html").partition("$rows")
    yield Template(head).substitute(
        title=escape(title),
        style=_part("page.css"),
        figures=_figures(summary),
        note=_NOTE if drawn_locally(folder / (summary.first or ("", ""))[1]) else "",
        story=_story(folder),
    )
    yield from pack(_with_states(summary, rows, small))
    yield Template(tail).substitute(script=_part("page.js"))


def _part(name: str) -> str:
    return files("volcv_async.job.gallery").joinpath(name).read_text(encoding="utf-8")


def _summarise(rows: list[BinaryIO]) -> _Summary:
    """Read all rows once."""
    summary = _Summary()
    for state, file in enumerate(rows):
        for at, row in read(file):
            summary.add(state, at, row)
    summary.places.sort(key=lambda place: (place.order, place.state))
    return summary


def _order(row: Row) -> str:
    """Let the list's millionth picture come after the 999,999th, and failures stand among them."""
    name = Path(place_of(row)).stem
    return re.sub(r"\d+", lambda number: number[0].zfill(12), name)


def _with_states(
    summary: _Summary, rows: list[BinaryIO], small: Thumbnails
) -> Iterator[tuple[Row, int, bool]]:
    """Read the rows again, in the order of the list."""

    def again(place: _Place) -> Row:
        rows[place.state].seek(place.at)
        return shown(parsed(rows[place.state].readline()) or {}) or {}

    beside = small.beside(map(again, summary.places))
    for place, (row, thumbnail) in zip(summary.places, beside, strict=True):
        yield row, place.state, thumbnail


def _figures(summary: _Summary) -> str:
    counts = Counter(place.state for place in summary.places)
    counts[STATES.index("failed")] += summary.bad
    said = [f"{counts[0]:,} {'picture' if counts[0] == 1 else 'pictures'}"]
    said += [escape(model) for model, _ in summary.models.most_common() if model]
    for state in (1, 2):
        number, link = counts[state], f'<a href="{_FILES[state]}">'
        said += [f"{link}{number:,} {STATES[state]}</a>"] if number else []
    said += [f"{summary.strange:,} unreadable"] if summary.strange else []
    return " · ".join(said)


def _story(folder: Path) -> str:
    drawings = tell(folder)
    return _STORY.format("\n".join(drawings)) if drawings else ""
