"""The folder of a job: images, and beside them the rows that say what each one is.

Everything here blocks and may be called from several threads at once. An image is on the disk
before its row is written, and a row is written whole or taken back.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from io import FileIO
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from volcv_async import durable
from volcv_async.errors import DownloadError
from volcv_async.job.embedding import embed
from volcv_async.job.pictures import Dress, as_it_came, save_images
from volcv_async.job.rows import (
    NO_TRIP,
    Row,
    Trip,
    as_sent,
    beside,
    error_row,
    history,
    image_row,
    text,
)
from volcv_async.results import Completed, Failed, Outcome

IMAGES = "images"
METADATA = "metadata.jsonl"
FAILED = "failed.jsonl"
IN_DOUBT = "in_doubt.jsonl"


class Sink:
    """Keeps outcomes in a folder; a context manager, entered once.

    Args:
        out: The folder.
        fsync: Whether an image is on the disk when it is kept, and its row at the end; otherwise
            both are when the system gets round to it.
        embed: Whether an image gets what it was made of into its metadata.
    """

    def __init__(self, out: Path, *, fsync: bool = True, embed: bool = False) -> None:
        self._images = out / IMAGES
        self._fsync, self._embed = fsync, embed
        names = (METADATA, FAILED, IN_DOUBT)
        self._rows = {name: _Lines(out / name, fsync=fsync) for name in names}

    def __enter__(self) -> Self:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        self._images.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for rows in self._rows.values():
            rows.close()

    def keep(
        self,
        outcome: Outcome,
        trip: Trip = NO_TRIP,
        earlier: Sequence[str] = (),
        columns: Mapping[str, Any] | None = None,
    ) -> tuple[Outcome, list[Row]]:
        """Write an outcome down, images first; give what it became, and its rows.

        A completed one whose images were left at their URLs becomes a ``Failed`` that names them.

        Args:
            outcome: What became of a request; its ``index`` names the files.
            trip: Its last attempt.
            earlier: The ids of earlier calls for it that may have been billed.
            columns: What its list says beside it.

        Raises:
            OSError: Something cannot be written; nothing is left half written.
        """
        outcome = _with_images_in_hand(outcome)
        more = {**history(outcome, earlier), **beside(columns or {})}
        rows = self._keep_images(outcome, trip, more)
        if not isinstance(outcome, Completed):
            rows.append({**error_row(outcome, trip), **more})
            name = FAILED if isinstance(outcome, Failed) else IN_DOUBT
            self._rows[name].append(rows[-1])
        return outcome, rows

    def _keep_images(self, outcome: Outcome, trip: Trip, more: Row) -> list[Row]:
        rows: list[Row] = []
        path, dress = self._images / name_of(outcome.index), self._dress(outcome)
        for kept in save_images(outcome, path, dress, fsync=self._fsync):
            rows.append({**image_row(outcome.sent, kept, IMAGES, trip), **more})
            self._rows[METADATA].append(rows[-1])
        return rows

    def _dress(self, outcome: Outcome) -> Dress:
        if not self._embed:
            return as_it_came
        return lambda image, request_id: embed(image, as_sent(outcome.sent), request_id)


def name_of(number: int) -> str:
    """Give the name of a request's files, without a suffix."""
    return f"{number:06d}"


def write_rows(path: Path, rows: Iterable[Row], *, though_empty: bool = False) -> None:
    """Write a file of rows anew, whole or not at all; without any row there is none.

    Args:
        path: The file.
        rows: Its rows.
        though_empty: Write one without any row, too.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    left = iter(rows)
    first = list(islice(left, 1))
    if not first and not though_empty:
        path.unlink(missing_ok=True)
        return
    with durable.replacing(path) as file:
        file.writelines(_line(row) for row in chain(first, left))


def _with_images_in_hand(outcome: Outcome) -> Outcome:
    if not isinstance(outcome, Completed):
        return outcome
    absent = [image for image in outcome.generation.images if image.data is None]
    if not absent:
        return outcome
    error = DownloadError(
        "The image was left where it stands, because the client does not download.",
        help="Fetch it from its url before that expires, or use Client(download=True).",
        request_id=outcome.generation.request_id or None,
    )
    error.url, error.expires = absent[0].url or "", absent[0].expires
    error.generation = outcome.generation
    return Failed(
        index=outcome.index,
        request=outcome.request,
        attempts=outcome.attempts,
        error=error,
        lineage=outcome.lineage,
        perhaps_billed=outcome.perhaps_billed,
    )


class _Lines:
    """A file of JSON lines that is made by its first row, and holds whole rows only."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        self._path, self._fsync = path, fsync
        self._file: FileIO | None = None
        self._end = 0  # of the last whole row; nobody else writes here
        self._lock = threading.Lock()

    def append(self, row: Row) -> None:
        """Write a row through to the system; what did not fit is taken back."""
        line = _line(row)
        with self._lock:
            file = self._opened()
            try:
                durable.write_all(file, line)
            except OSError:
                os.truncate(self._path, self._end)
                raise
            self._end += len(line)

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self._path, "a")
            self._end = self._file.seek(0, os.SEEK_END)
        return self._file

    def close(self) -> None:
        """Flush the file to the disk and close it, if there is one."""
        if self._file is not None:
            with self._file:
                if self._fsync:
                    os.fsync(self._file.fileno())


def _line(row: Row) -> bytes:
    return text(row) + b"\n"
