"""Shards: what is in them, and that each is whole or not there."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pictures_of_tests import completed, picture

from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job.leavings import rows_there
from volcv_async.job.parquet import write_table
from volcv_async.job.shards import pack
from volcv_async.job.sink import Sink
from volcv_async.results import Image


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a job with five requests, one of which gave two pictures."""
    folder = tmp_path / "out"
    two = [Image.of(picture()), Image.of(picture(16, 8, "JPEG"))]
    with Sink(folder, fsync=False) as sink:
        for number in (3, 0, 1, 4):
            sink.keep(completed(number, prompt=f"千军 {number}\n"))
        sink.keep(completed(2, *two, prompt=" two "))
    return folder


def members(shard: Path) -> dict[str, bytes]:
    with tarfile.open(shard) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_bytes().splitlines()]


def test_every_picture_is_in_a_shard_with_its_row_and_its_prompt(out: Path, tmp_path: Path) -> None:
    """Three members of one name, in the order of the rows; each shard has as many as it may."""
    written = list(pack(out, tmp_path / "new" / "shards", shard=4))
    assert [one.path.name for one in written] == ["000000.tar", "000001.tar"]
    assert [one.images for one in written] == [4, 2]
    assert list(members(written[1].path)) == [
        *("000002.png", "000002.json", "000002.txt"),
        *("000002-2.jpg", "000002-2.json", "000002-2.txt"),
    ]
    packed = members(written[0].path) | members(written[1].path)
    for row in rows(out):
        name = Path(row["file_name"])
        assert packed[name.name] == (out / name).read_bytes()
        assert json.loads(packed[f"{name.stem}.json"]) == row
        assert packed[f"{name.stem}.txt"].decode() == row["prompt"]


def test_the_same_folder_gives_the_same_shards(out: Path, tmp_path: Path) -> None:
    """Neither the clock nor who packs is in them."""
    one, other = (next(pack(out, tmp_path / name)).path for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


def test_a_folder_without_pictures_gives_no_shards(tmp_path: Path) -> None:
    """A run that made nothing leaves nothing to pack."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "metadata.jsonl").touch()
    assert list(pack(out, tmp_path / "shards")) == []


def test_what_cannot_be_packed_is_said_before_anything_is_written(
    out: Path, tmp_path: Path
) -> None:
    """No folder of a job, no pictures in a shard, shards in the folder, or of another time."""
    with pytest.raises(ConfigurationError, match=r"holds no metadata\.jsonl"):
        pack(tmp_path, tmp_path / "shards")
    with pytest.raises(InvalidRequestError, match="0 pictures in a shard"):
        pack(out, tmp_path / "shards", shard=0)
    with pytest.raises(ConfigurationError, match="taken for a part of it"):
        pack(out, out)
    assert not (tmp_path / "shards").exists()
    list(pack(out, tmp_path / "shards"))
    with pytest.raises(ConfigurationError, match=r"000000\.tar is there already"):
        pack(out, tmp_path / "shards")


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"file_name": 1}', "[" * 100_000])
def test_a_row_that_is_none_ends_it_after_whole_shards(
    out: Path, tmp_path: Path, line: str
) -> None:
    """The file and the line are said, and no half shard lies there."""
    with (out / "metadata.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(InvalidRequestError, match=r"metadata\.jsonl, line 7: is no row"):
        list(pack(out, tmp_path / "shards", shard=4))
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["000000.tar"]


def test_two_pictures_of_one_name_are_not_mixed(out: Path, tmp_path: Path) -> None:
    """A reader of shards would make one of them, or fail in the middle of a training."""
    metadata = out / "metadata.jsonl"
    metadata.write_bytes(metadata.read_bytes() + metadata.read_bytes().splitlines()[5] + b"\n")
    with pytest.raises(InvalidRequestError, match="a second picture named 000002-2"):
        list(pack(out, tmp_path / "shards", shard=4))
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["000000.tar"]


def test_a_row_that_is_being_written_is_left_out(out: Path, tmp_path: Path) -> None:
    """A folder can be packed while a run is on, whose last line is not whole yet."""
    metadata = out / "metadata.jsonl"
    metadata.write_bytes(metadata.read_bytes()[:-9])
    assert [one.images for one in pack(out, tmp_path / "shards")] == [5]


def test_shards_and_a_table_can_be_of_the_same_rows(out: Path, tmp_path: Path) -> None:
    """What a run has added since they were counted is in neither."""
    metadata = out / "metadata.jsonl"
    written = metadata.read_bytes()
    metadata.write_bytes(b"".join(written.splitlines(keepends=True)[:3]) + b'{"file_na')
    there = rows_there(out)
    metadata.write_bytes(written)
    assert write_table(out, tmp_path / "table.parquet", rows=there) == 3
    assert [one.images for one in pack(out, tmp_path / "shards", rows=there)] == [3]


def test_a_last_row_without_an_end_is_one(out: Path) -> None:
    """Not every editor puts a line's end behind it."""
    metadata = out / "metadata.jsonl"
    metadata.write_bytes(metadata.read_bytes().rstrip())
    assert rows_there(out) == 6


def test_a_picture_that_is_gone_is_named(out: Path, tmp_path: Path) -> None:
    """Nothing is packed without it, and no half shard lies there."""
    (out / "images" / "000001.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"000001\.png"):
        list(pack(out, tmp_path / "shards"))
    assert list((tmp_path / "shards").iterdir()) == []
