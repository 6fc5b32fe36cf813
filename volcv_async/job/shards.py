"""The folder of a job as WebDataset shards: tar files that a training program reads as a stream.

It is a pass of its own over what a run has left, so that no run waits for it, and a folder may be
packed again in another way. Each picture is three members of one name: ``000012.png``, its row as
``000012.json``, its prompt as ``000012.txt``. A shard appears whole or not at all. Everything here
blocks; nothing but the picture at hand is read.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path, PurePosixPath

import attrs

from volcv_async import durable
from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job.leavings import picture_rows, refuse_empty, refuse_within
from volcv_async.job.rows import Row, text
from volcv_async.job.sink import METADATA

SHARD = 1000
"""Pictures in a shard; of 512 pixels, some hundreds of megabytes."""


@attrs.frozen(kw_only=True)
class Shard:
    """One shard that was written.

    Attributes:
        path: Where it lies.
        images: How many pictures are in it.
    """

    path: Path
    images: int


def pack(
    out: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    shard: int = SHARD,
    rows: int | None = None,
) -> Iterator[Shard]:
    """Pack the pictures of a folder into shards, in the order of its rows; give each once written.

    Nothing is written before the first is asked for.

    Args:
        out: The folder of a job, with its ``metadata.jsonl``.
        target: The folder for ``000000.tar`` and so on; made if need be.
        shard: Pictures in each but the last.
        rows: How many pictures at the most, from the first row; all by default.

    Raises:
        InvalidRequestError: ``shard`` makes no sense: at once. A row is none of a picture, or of
            one that is there already: when its turn comes.
        ConfigurationError: There are shards already, they would lie in the folder of the job, or
            there is nothing to pack: at once.
        OSError: Something cannot be read or written.
    """
    folder, shards = Path(out), Path(target)
    _check(folder, shards, shard)
    return _packed(folder, shards, shard, _rows(folder / METADATA, rows))


def _packed(folder: Path, shards: Path, shard: int, rows: Iterator[Row]) -> Iterator[Shard]:
    shards.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(rows):
        path = shards / f"{number:06d}.tar"
        yield Shard(path=path, images=_write(path, folder, chain([first], islice(rows, shard - 1))))


def _check(folder: Path, shards: Path, shard: int) -> None:
    if shard < 1:
        raise InvalidRequestError(f"{shard} pictures in a shard makes no sense.", help="Give 1000.")
    refuse_empty(folder, "to pack")
    refuse_within(folder, shards)
    there = next(shards.glob("*.tar"), None)
    if there is not None:
        raise ConfigurationError(
            f"{there} is there already, and shards of two packings must not lie in one folder.",
            help="Give another folder, or take the shards away. Nothing was written.",
        )


def _rows(metadata: Path, most: int | None) -> Iterator[Row]:
    with metadata.open("rb") as file:
        lines = islice(file, most)
        yield from picture_rows(metadata, lines, "The shards before that row are written.")


def _write(path: Path, folder: Path, rows: Iterator[Row]) -> int:
    """Write one shard; give how many pictures are in it."""
    names: set[str] = set()
    with durable.replacing(path) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for row in rows:
            names.add(_new(row["file_name"], names))
            _add(tar, folder, row)
    return len(names)


def _new(file_name: str, names: set[str]) -> str:
    """Give the name of a picture's members, of which a reader makes one thing."""
    stem = PurePosixPath(file_name).stem
    if stem in names:
        raise InvalidRequestError(
            f"{file_name}: a second picture named {stem} cannot be in one shard.",
            help=f"Take one of the two rows out of {METADATA}, or pack smaller shards. "
            "The shards before that row are written.",
        )
    return stem


def _add(tar: tarfile.TarFile, folder: Path, row: Row) -> None:
    name = PurePosixPath(row["file_name"])
    prompt = str(row.get("prompt") or "").encode(errors="backslashreplace")
    with (folder / name).open("rb") as picture:
        member = _member(name.name, os.fstat(picture.fileno()).st_size)
        tar.addfile(member, picture)
    for suffix, data in ((".json", text(row)), (".txt", prompt)):
        tar.addfile(_member(f"{name.stem}{suffix}", len(data)), io.BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Describe a member by nothing but its name and size: the same folder gives the same shard."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member
