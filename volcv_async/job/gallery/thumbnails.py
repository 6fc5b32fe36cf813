"""Small copies of large pictures, in a folder beside them, where Pillow is installed.

Everything here blocks. A picture that has none is shown as it is.
"""

from __future__ import annotations

import importlib.util
import io
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from volcv_async import durable
from volcv_async.job.rows import Row

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAILS = "thumbnails"

_LARGE = 640  # pixels; what is no longer than this is shown as it is
MOST = 80_000_000
"""Pixels in all that a picture may have to be made small: below where Pillow begins to warn."""

_SIDE = 512
_QUALITY = 80
_THREADS = 4
_AT_ONCE = 64  # rows that are looked at together


class Thumbnails:
    """Sees to it that large pictures have small copies; those that are there stay.

    Args:
        folder: The folder of the job.
        seconds: How long new ones are made for; the next time goes on with the rest.
        clock: Where the time comes from.
    """

    def __init__(
        self, folder: Path, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._clock = folder, clock
        self._until = clock() + seconds
        self._can_make = importlib.util.find_spec("PIL") is not None

    def beside(self, rows: Iterable[Row]) -> Iterator[tuple[Row, bool]]:
        """Give each row with whether there is a thumbnail of it, made now if need be."""
        left = iter(rows)
        with ThreadPoolExecutor(_THREADS, "volcv thumbnails") as threads:
            while page := list(islice(left, _AT_ONCE)):
                yield from zip(page, threads.map(self._see_to, page), strict=True)

    def _see_to(self, row: Row) -> bool:
        if not {"file_name", "width", "height"} <= row.keys():
            return False
        if not _wants_one(row["width"], row["height"]):
            return False
        picture = self._folder / row["file_name"]
        target = self._folder / THUMBNAILS / f"{picture.stem}.webp"
        if _is_newer(target, picture):
            return True
        return self._can_make and self._clock() < self._until and _make(picture, target)


def _wants_one(width: int, height: int) -> bool:
    return max(width, height) > _LARGE and width * height <= MOST


def _is_newer(target: Path, picture: Path) -> bool:
    try:
        return target.stat().st_mtime >= picture.stat().st_mtime
    except (OSError, ValueError):  # it is not there, or has no name of a file
        return False


def _make(picture: Path, target: Path) -> bool:
    """Make a thumbnail; tell whether that could be done."""
    try:
        small = _small(picture)
        target.parent.mkdir(exist_ok=True)
        durable.write(target, small, fsync=False)
    except (OSError, ValueError, Warning):  # no picture, not that of its row, no room on the disk
        return False
    return True


def _small(picture: Path) -> bytes:
    file = io.BytesIO()
    shrunk(picture, _SIDE).save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def shrunk(picture: Path | io.BytesIO, side: int) -> Image:
    """Give a picture with no side longer than this.

    Args:
        picture: It has not more than ``MOST`` pixels in all.
        side: In pixels.

    Raises:
        OSError: It cannot be read, or is no picture.
        ValueError: It is no sound picture, or has more pixels than was said of it.
    """
    from PIL import Image  # noqa: PLC0415 - it may not be installed

    try:
        with Image.open(picture) as whole:
            whole.draft("RGB", (side, side))
            whole.thumbnail((side, side), reducing_gap=2.0)
            whole.load()  # it may be small enough as it stands in the file, which is closed now
            return whole
    except (Image.DecompressionBombError, SyntaxError) as unsound:
        raise ValueError(str(unsound)) from unsound
