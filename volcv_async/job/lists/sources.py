"""Where a list comes from: a file, the files of a folder, what was spooled; packed or not.

Everything here blocks.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import attrs

from volcv_async.errors import InvalidRequestError

_GZIP = b"\x1f\x8b"
_ENDING = ".gz"

BROKEN_GZIP = (EOFError, zlib.error, gzip.BadGzipFile)
"""What is raised where packed data breaks off, or is none."""


@attrs.frozen
class Source:
    """One list as bytes.

    Attributes:
        name: What errors call it.
        open: Opens it, each time from its beginning.
        suffix: What its name says of its format, in small letters; empty: nothing.
        counts: What errors count in it.
    """

    name: str
    open: Callable[[], BinaryIO]
    suffix: str = ""
    counts: str = "line"

    @contextmanager
    def reading(self) -> Generator[BinaryIO]:
        """Open it, unpacked where its first bytes are those of gzip."""
        with self.open() as file:
            if not _begins_as_gzip(file):
                yield file
                return
            with gzip.GzipFile(fileobj=file) as unpacked, io.BufferedReader(unpacked) as buffered:  # type: ignore[type-var, unused-ignore]
                yield cast("BinaryIO", buffered)

    @contextmanager
    def seeking(self) -> Generator[BinaryIO]:
        """Open it to move about in; what is packed is unpacked into a file without a name.

        Raises:
            InvalidRequestError: Its gzip data breaks off.
        """
        with self.open() as file:
            if not _begins_as_gzip(file):
                yield file
                return
            with tempfile.TemporaryFile() as whole:
                self._unpack(file, whole)
                yield whole

    def _unpack(self, file: BinaryIO, into: BinaryIO) -> None:
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                shutil.copyfileobj(unpacked, into)
        except BROKEN_GZIP:
            raise InvalidRequestError(
                f"{self.name}: its gzip data breaks off.", help="Is the file whole?"
            ) from None
        into.seek(0)

    def bad(self, line: int, why: str, cure: str = "") -> InvalidRequestError:
        """Make the error for a line or row of it."""
        return InvalidRequestError(f"{self.place(line)}: {why}", help=cure)

    def place(self, line: int) -> str:
        """Name a line or row of it."""
        return f"{self.name}, {self.counts} {line}"


ListPath = str | os.PathLike[str] | Source
"""What names a list of rows that are written down."""


def of_file(path: Path) -> Source:
    """Give a file as a source."""
    plain = path.with_suffix("") if path.suffix.lower() == _ENDING else path
    return Source(str(path), lambda: path.open("rb"), plain.suffix.lower())


def of_folder(folder: Path) -> Iterator[Source]:
    """Give the text files of a folder, by name.

    Raises:
        InvalidRequestError: There are none.
        OSError: It cannot be read.
    """
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    texts = [file for file in map(of_file, files) if file.suffix == ".txt"]
    if not texts:
        raise InvalidRequestError(
            f"{folder} is a folder without any .txt file.",
            help="Give a list in it by its name.",
        )
    return iter(texts)


def _begins_as_gzip(file: BinaryIO) -> bool:
    found = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return found
