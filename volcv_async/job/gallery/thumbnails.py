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

from volcv_async import durable
from volcv_async.job.rows import Row

THUMBNAILS = "thumbnails"

_LARGE = 640  # pixels; what is no longer than this is shown as it is
_MOST = 80_000_000  # pixels in all, below where Pillow begins to warn
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
        if "file_name" not in row or not _wants_one(row["width"], row["height"]):
            return False
        picture = self._folder / row["file_name"]
        target = self._folder / THUMBNAILS / f"{picture.stem}.webp"
        if _is_newer(target, picture):
            return True
        return self._can_make and self._clock() < self._until and _make(picture, target)


def _wants_one(width: int, height: int) -> bool:
    return max(width, height) > _LARGE and width * height <= _MOST


def _is_newer(target: Path, picture: Path) -> bool:
    try:
        return target.stat().st_mtime >= picture.stat().st_mtime
    except OSError:
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
    from PIL import Image  # noqa: PLC0415 - it may not be installed

    file = io.BytesIO()
    try:
        with Image.open(picture) as whole:
            whole.draft("RGB", (_SIDE, _SIDE))
            whole.thumbnail((_SIDE, _SIDE), reducing_gap=2.0)
            whole.save(file, "WEBP", quality=_QUALITY, method=2)
    except Image.DecompressionBombError as bomb:
        raise ValueError(str(bomb)) from bomb
    return file.getvalue()
