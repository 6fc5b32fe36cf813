"""The folder of a job: what lies where, and what happens when it cannot be written."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from disk_of_tests import files_no_larger_than
from pictures_of_tests import completed, picture

from volcv_async.errors import (
    BrokenImageError,
    ContentRejectedError,
    DownloadError,
    UnknownOutcomeError,
)
from volcv_async.job.rows import Trip
from volcv_async.job.sink import Sink, write_rows
from volcv_async.models import GeneralV14, GeneralV21, RawRequest
from volcv_async.results import Completed, Failed, Generation, Image, InDoubt

REQUEST = GeneralV21(prompt="千军万马", seed=7, width=512)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n")[:-1]]


def listing(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def test_an_image_lies_as_it_came_with_a_row_that_names_it(tmp_path: Path) -> None:
    """The bytes are the provider's, and the row begins with the file's name."""
    data = picture(16, 8)
    generation = Generation(images=(Image.of(data),), request_id="abc")
    outcome = Completed(index=12, request=REQUEST, attempts=1, generation=generation)
    with Sink(tmp_path / "new" / "out") as sink:
        assert sink.keep(outcome)[0] is outcome
    out = tmp_path / "new" / "out"
    assert (out / "images" / "000012.png").read_bytes() == data
    assert "千军万马".encode() in (out / "metadata.jsonl").read_bytes()
    (row,) = rows(out / "metadata.jsonl")
    sent = {"req_key": "high_aes_general_v21_L", "prompt": "千军万马", "seed": 7, "width": 512}
    assert row == {
        "file_name": "images/000012.png",
        "prompt": "千军万马",
        "request": sent,
        "seed": 7,
        "request_id": "abc",
        "model": "GeneralV21",
        "width": 16,
        "height": 8,
        "sha256": hashlib.sha256(data).hexdigest(),
        "sent": None,
        "seconds": None,
    }
    assert next(iter(row)) == "file_name"
    assert listing(out) == ["images/000012.png", "metadata.jsonl"]


def test_without_a_flush_the_same_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images and rows are as ever, and nobody waited for the disk."""
    seen: list[int] = []
    monkeypatch.setattr(os, "fsync", seen.append)
    images = [Image.of(picture()), Image.of(picture(kind="JPEG"))]
    broken = BrokenImageError("What came is no whole picture.")
    broken.data = b"half"
    for fsync in (True, False):
        with Sink(tmp_path / str(fsync), fsync=fsync) as sink:
            sink.keep(completed(3, *images))
            sink.keep(Failed(index=4, request=REQUEST, attempts=1, error=broken))
        assert bool(seen) == fsync
        seen.clear()
    flushed, unflushed = tmp_path / "True", tmp_path / "False"
    assert listing(flushed) == listing(unflushed)
    for name in listing(flushed):
        assert (flushed / name).read_bytes() == (unflushed / name).read_bytes()


def test_several_images_of_one_call_have_a_row_each(tmp_path: Path) -> None:
    """The second and third get their place in the name, and all the suffix of their kind."""
    images = [Image.of(picture()), Image.of(picture(kind="JPEG")), Image.of(picture(kind="WEBP"))]
    with Sink(tmp_path) as sink:
        sink.keep(completed(3, *images))
    names = ["images/000003.png", "images/000003-2.jpg", "images/000003-3.webp"]
    assert [row["file_name"] for row in rows(tmp_path / "metadata.jsonl")] == names
    assert [row["seed"] for row in rows(tmp_path / "metadata.jsonl")] == [None, None, None]


def test_what_failed_and_what_is_in_doubt_have_files_of_their_own(tmp_path: Path) -> None:
    """Their rows say which request it was, what happened, and whether it was billed."""
    error = ContentRejectedError(
        "The prompt was refused.", help="Change it.", code=50412, http_status=400, request_id="r1"
    )
    doubt = UnknownOutcomeError("No reply came: \ud800", help="Look at the bill.")
    raw = RawRequest(req_key="another", body={"steps": 1})
    with Sink(tmp_path) as sink:
        failed = Failed(index=5, request=REQUEST, attempts=1, error=error, billed="no")
        sink.keep(failed, Trip(datetime(2026, 11, 21, 10, tzinfo=UTC), 1.23456))
        sink.keep(InDoubt(index=6, request=raw, attempts=1, error=doubt))
    assert rows(tmp_path / "failed.jsonl") == [
        {
            "index": 5,
            "prompt": "千军万马",
            "request": {
                "req_key": "high_aes_general_v21_L",
                "prompt": "千军万马",
                "seed": 7,
                "width": 512,
            },
            "model": "GeneralV21",
            "error": "ContentRejectedError",
            "code": 50412,
            "http_status": 400,
            "request_id": "r1",
            "message": "The prompt was refused.",
            "help": "Change it.",
            "billed": "no",
            "attempts": 1,
            "sent": "2026-11-21T10:00:00+00:00",
            "seconds": 1.235,
        }
    ]
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert (row["prompt"], row["model"], row["error"], row["billed"]) == (
        None,
        "RawRequest",
        "UnknownOutcomeError",
        "unknown",
    )
    assert row["message"] == "No reply came: \ud800"
    assert not (tmp_path / "metadata.jsonl").exists()


def test_an_image_that_could_not_be_fetched_is_found_again(tmp_path: Path) -> None:
    """The row of a ``DownloadError`` has the URL and when it dies."""
    error = DownloadError("It could not be fetched.")
    error.url, error.expires = "https://pictures.example/1", datetime(2026, 11, 21, tzinfo=UTC)
    with Sink(tmp_path) as sink:
        sink.keep(Failed(index=0, request=REQUEST, attempts=1, error=error))
    (row,) = rows(tmp_path / "failed.jsonl")
    assert row["url"] == "https://pictures.example/1"
    assert row["expires"] == "2026-11-21T00:00:00+00:00"
    assert row["billed"] == "yes"


def test_an_image_left_at_its_url_counts_as_not_fetched(tmp_path: Path) -> None:
    """A client that does not download gives no images to save, and the row says where they are."""
    outcome = completed(1, Image(url="https://pictures.example/2"))
    with Sink(tmp_path) as sink:
        kept, _ = sink.keep(outcome)
    assert isinstance(kept, Failed)
    assert kept.billed == "yes"
    (row,) = rows(tmp_path / "failed.jsonl")
    assert (row["url"], row["expires"]) == ("https://pictures.example/2", None)
    assert row["request_id"] == "id-1"


def test_broken_bytes_are_kept(tmp_path: Path) -> None:
    """What came in the place of a picture was paid for, and lies beside the others."""
    error = BrokenImageError("What came is no whole picture.")
    error.data = b"half a picture"
    with Sink(tmp_path) as sink:
        sink.keep(Failed(index=4, request=REQUEST, attempts=1, error=error))
    assert (tmp_path / "images" / "000004.broken").read_bytes() == b"half a picture"
    assert rows(tmp_path / "failed.jsonl")[0]["error"] == "BrokenImageError"


def test_the_whole_images_of_a_broken_reply_are_kept_too(tmp_path: Path) -> None:
    """Of several images, the whole ones get their rows though one of them is broken."""
    error = BrokenImageError("What came is no whole picture.")
    error.data = b"half"
    good = Image.of(picture())
    error.generation = Generation(images=(Image(data=b"half"), good), request_id="r2")
    with Sink(tmp_path) as sink:
        sink.keep(Failed(index=4, request=REQUEST, attempts=1, error=error))
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert (row["file_name"], row["request_id"]) == ("images/000004-2.png", "r2")
    assert (tmp_path / "images" / "000004.broken").read_bytes() == b"half"


def test_rows_are_written_anew_whole(tmp_path: Path) -> None:
    """A file of rows is replaced; without any row it goes, unless it is wanted empty."""
    path = tmp_path / "rows.jsonl"
    write_rows(path, iter([{"prompt": "千军万马"}, {"prompt": "b"}]))
    assert [row["prompt"] for row in rows(path)] == ["千军万马", "b"]
    write_rows(path, [])
    assert not path.exists()
    write_rows(path, [], though_empty=True)
    assert path.read_bytes() == b""


def test_another_size_than_was_asked_for_is_noted(tmp_path: Path) -> None:
    """The row of such an image says so, and where doubling is left open either size is right."""
    asked = [
        GeneralV14(prompt="a red fox", width=128, height=128, use_sr=doubled)
        for doubled in (False, True, None)
    ]
    asked.append(GeneralV14(prompt="a red fox", width=128))
    small = Image.of(picture(128, 128))
    with Sink(tmp_path) as sink:
        for index, request in enumerate(asked):
            generation = Generation(images=(small,))
            sink.keep(Completed(index=index, request=request, attempts=1, generation=generation))
    noted = [row.get("size_asked_for") for row in rows(tmp_path / "metadata.jsonl")]
    assert noted == [None, [256, 256], None, None]


def test_a_refused_picture_leaves_its_seed(tmp_path: Path) -> None:
    """The row of an image that came of a fresh seed says which seeds were refused before it."""
    first, second, third = (GeneralV21(prompt="a red fox", seed=seed) for seed in (1, 2, 3))
    outcome = attrs.evolve(completed(), request=first, lineage=(second, third))
    with Sink(tmp_path) as sink:
        sink.keep(outcome)
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert (row["seed"], row["seeds_refused"]) == (3, [1, 2])


def test_a_row_that_does_not_fit_is_taken_back(tmp_path: Path) -> None:
    """On a full disk a row is written whole or not at all, and the file goes on afterwards."""
    with Sink(tmp_path) as sink:
        sink.keep(completed(0))
        size = (tmp_path / "metadata.jsonl").stat().st_size
        with files_no_larger_than(size + 40), pytest.raises(OSError, match="File too large"):
            sink.keep(completed(1))
        assert (tmp_path / "metadata.jsonl").stat().st_size == size
        sink.keep(completed(2))
    names = [row["file_name"] for row in rows(tmp_path / "metadata.jsonl")]
    assert names == ["images/000000.png", "images/000002.png"]


def test_an_image_that_does_not_fit_leaves_no_row_and_no_half(tmp_path: Path) -> None:
    """On a full disk an image is written whole or not at all, and has no row without."""
    with Sink(tmp_path) as sink:
        image = Image.of(picture(700, 700, "JPEG"))
        with files_no_larger_than(1000), pytest.raises(OSError, match="File too large"):
            sink.keep(completed(0, image))
    assert listing(tmp_path) == []


def test_the_model_is_named_by_its_class(tmp_path: Path) -> None:
    """The row says ``GeneralV14`` where that was asked for."""
    generation = Generation(images=(Image.of(picture()),))
    request = GeneralV14(prompt="a red fox")
    with Sink(tmp_path) as sink:
        sink.keep(Completed(index=0, request=request, attempts=1, generation=generation))
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert row["model"] == "GeneralV14"
    assert row["request"]["model_version"] == "general_v1.4"
