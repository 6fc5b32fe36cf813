"""The last pictures in the live view, in coloured half cells, on a terminal that can show them.

Half cells are text: they stand in a view that is drawn again and again, and nothing is asked of the
terminal for them.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich_pixels import Pixels

from volcv_async.job.gallery.thumbnails import MOST, shrunk
from volcv_async.results import Completed, Outcome

_SIDE = 16  # pixels: as many columns, and half as many rows
_LAST = 4  # pictures that are shown; more would not fit when a wide terminal becomes narrow
_ROWS = 20  # of a terminal, from which on they do not crowd it


class Previews:
    """A strip of the last pictures; one new one in each drawing, so that it stays calm."""

    def __init__(self) -> None:
        self._newest: bytes | None = None
        self._shown: deque[Pixels] = deque(maxlen=_LAST)

    def add(self, outcome: Outcome) -> None:
        """Leave what an outcome has brought for the next drawing."""
        if isinstance(outcome, Completed):
            image = outcome.generation.image
            if image.data is not None and (image.width or 0) * (image.height or 0) <= MOST:
                self._newest = image.data

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self._make_one()
        room = options.max_width // (_SIDE + 1)
        shown = list(self._shown)[-room:] if console.height >= _ROWS and room else []
        if shown:
            yield _side_by_side(shown)

    def _make_one(self) -> None:
        data, self._newest = self._newest, None
        if data is not None:
            # What Pillow cannot read is whole all the same, and lies in the folder.
            with suppress(OSError, ValueError):
                self._shown.append(Pixels.from_image(shrunk(io.BytesIO(data), _SIDE)))


def _side_by_side(shown: Sequence[Pixels]) -> Table:
    strip = Table.grid(padding=(0, 1))
    for _ in shown:
        strip.add_column(width=_SIDE)
    strip.add_row(*shown)
    return strip
