"""The folder of a job: images, and beside them the rows that say what each one is.

Everything here blocks and may be called from several threads at once. An image is on the disk
before its row is written, and a row is written whole or taken back.
"""

from __future__ import annotations

import json
import os
import threading
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from volcv_async.errors import ConfigurationError, DownloadError
from volcv_async.job.pictures import save_images
from volcv_async.job.rows import Row, error_row, image_row
from volcv_async.results import Completed, Failed, Outcome

IMAGES = "images"
METADATA = "metadata.jsonl"
FAILED = "failed.jsonl"
IN_DOUBT = "in_doubt.jsonl"


def refuse_used(out: Path) -> None:
    """Make sure that a folder holds no run yet.

    Raises:
        ConfigurationError: It does, or it is no folder.
    """
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"{out} is no folder.", help="Give another one to write to.")
    for name in (METADATA, FAILED, IN_DOUBT):
        if (out / name).exists():
            raise ConfigurationError(
                f"{out} already holds a {name}, of an earlier run.",
                help="Give another folder, or move that one away. Nothing was sent.",
            )


class Sink:
    """Keeps outcomes in a folder; a context manager, entered once.

    Left by an error before anything was made or billed, it takes away the folders and files that it
    made, so that the same words can be tried again.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._images = out / IMAGES
        self._made: list[Path] = []
        self._rows = {name: _Lines(out / name) for name in (METADATA, FAILED, IN_DOUBT)}
        self._nothing_billed = True

    def __enter__(self) -> Self:
        """Make the folder.

        Raises:
            ConfigurationError: It holds a run already, or is no folder.
            OSError: It cannot be made.
        """
        refuse_used(self._out)
        self._made = [folder for folder in (self._images, self._out) if not folder.exists()]
        self._images.mkdir(parents=True, exist_ok=True)
        self._rows[METADATA].create()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for rows in self._rows.values():
            rows.close()
        if error is not None and self._nothing_billed:
            self._take_back()

    def _take_back(self) -> None:
        for name in self._rows:
            (self._out / name).unlink(missing_ok=True)
        for folder in self._made:
            if not any(folder.iterdir()):
                folder.rmdir()

    def keep(self, outcome: Outcome) -> Outcome:
        """Write an outcome down, images first, and give what it became.

        A completed one whose images were left at their URLs becomes a ``Failed`` that names them.

        Raises:
            OSError: Something cannot be written; nothing is left half written.
        """
        self._nothing_billed = self._nothing_billed and _cost_nothing(outcome)
        outcome = _with_images_in_hand(outcome)
        for kept in save_images(outcome, self._images / f"{outcome.index:06d}"):
            self._rows[METADATA].append(image_row(outcome.request, kept, IMAGES))
        if not isinstance(outcome, Completed):
            name = FAILED if isinstance(outcome, Failed) else IN_DOUBT
            self._rows[name].append(error_row(outcome))
        return outcome


def _cost_nothing(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.billed == "no"


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
        index=outcome.index, request=outcome.request, attempts=outcome.attempts, error=error
    )


class _Lines:
    """A file of JSON lines that is made by its first row, and holds whole rows only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._lock = threading.Lock()

    def create(self) -> FileIO:
        """Make the file, which must not be there yet."""
        self._file = FileIO(self._path, "x")
        return self._file

    def append(self, row: Row) -> None:
        """Write a row through to the system; what did not fit is taken back."""
        # Half a surrogate pair in a provider's words becomes its JSON escape.
        line = f"{json.dumps(row, ensure_ascii=False)}\n".encode(errors="backslashreplace")
        with self._lock:
            file = self._file or self.create()
            end = file.tell()
            try:
                _write_all(file, line)
            except OSError:
                os.truncate(self._path, end)
                file.seek(end)
                raise

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()


def _write_all(file: FileIO, data: bytes) -> None:
    """Write on after a short write, so that the system says what is wrong."""
    while data:
        data = data[file.write(data) :]
