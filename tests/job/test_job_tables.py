"""What a run leaves, read by the libraries that people read such files with."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import volcv_async as volcv
from volcv_async.gateway import LocalGateway, Received, Reply, service_error
from volcv_async.job import draw_gallery
from volcv_async.job.gallery.thumbnails import THUMBNAILS
from volcv_async.job.rows import beside
from volcv_async.job.shards import pack

# They have no types, or such as say nothing of what a file holds.
datasets: Any = importlib.import_module("datasets")
pd: Any = importlib.import_module("pandas")
pl: Any = importlib.import_module("polars")

MANY = 120
"""More than the hundred rows that polars looks at unless it is told to look at all."""

LARGE = 768
"""Pixels of the last picture, which gets a small copy; the others have none."""

BESIDE = {
    "tag": "x",
    "label": "fox",
    "image": "theirs.png",
    "file_name": "theirs.png",
    "mask_file_name": "theirs.png",
    "file_names": ["theirs.png"],
    "my_file_names": ["theirs.png"],
    "profile_names": "no picture's",
}
"""Columns of a list, among them all that datasets would take for pictures."""


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, with a large picture, one that was refused at first, and a failure."""
    out = tmp_path_factory.mktemp("tables") / "out"
    asyncio.run(_run(out))
    draw_gallery(out)
    assert {path.name for path in out.iterdir()} >= {"failed.jsonl", "index.html", THUMBNAILS}
    return out


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask nobody for anything; a bar of progress is no output of a test."""
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


async def _run(out: Path) -> None:
    refused: set[str] = set()

    async def moderation(received: Received) -> Reply | None:
        prompt = received.prompt or ""
        if prompt == "a secret":
            return service_error(50412)
        if prompt != str(MANY - 1) or prompt in refused:
            return None
        refused.add(prompt)
        return service_error(50511)

    prompts = [*map(str, range(MANY)), "a secret"]
    retry = volcv.RetryPolicy(rerolls=1)
    async with (
        LocalGateway(latency=0.0, answer=moderation) as gateway,
        volcv.Client(gateway.account(), retry=retry) as client,
    ):
        await volcv.run(client, map(_listed, prompts), out=out)


def _listed(prompt: str) -> volcv.Listed:
    side = LARGE if prompt == str(MANY - 1) else 256
    request = volcv.GeneralV21(prompt=prompt, width=side, height=side, use_sr=False)
    return volcv.Listed(request, BESIDE)


def rows(out: Path) -> list[dict[str, Any]]:
    lines = (out / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda row: str(row["file_name"]))


def columns(out: Path) -> set[str]:
    return {name for row in rows(out) for name in row}


def without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def test_pandas_reads_all_columns_and_leaves_texts_as_they_are(left_behind: Path) -> None:
    """A list of numbers for prompts is a list of texts, read as the how-to says."""
    table = pd.read_json(left_behind / "metadata.jsonl", lines=True, dtype=False)
    table = table.sort_values("file_name")
    assert set(table.columns) == columns(left_behind) >= {"seeds_refused", *beside(BESIDE)}
    assert table["prompt"].tolist() == [str(n) for n in range(MANY)]
    assert table["seed"].tolist() == [row["seed"] for row in rows(left_behind)]


def test_polars_reads_all_columns_however_late_they_come(left_behind: Path) -> None:
    """Read as the how-to says, the rows are those of the file, with null for what one lacks."""
    table = pl.read_ndjson(left_behind / "metadata.jsonl", infer_schema_length=None)
    table = table.sort("file_name")
    assert set(table.columns) == columns(left_behind) >= {"seeds_refused", *beside(BESIDE)}
    for read, written in zip(table.to_dicts(), rows(left_behind), strict=True):
        assert without_nulls(read) == written


def test_datasets_load_the_folder_as_it_is(left_behind: Path, tmp_path: Path) -> None:
    """Each picture comes with all its columns; small copies, failures and the gallery are none."""
    table = datasets.load_dataset(
        "imagefolder", data_dir=str(left_behind), split="train", cache_dir=str(tmp_path)
    )
    assert set(table.column_names) == columns(left_behind) - {"file_name"} | {"image"}
    read_in_order = sorted(table, key=lambda row: int(row["prompt"]))
    for read, written in zip(read_in_order, rows(left_behind), strict=True):
        image = read.pop("image")
        assert image.tobytes() == _pixels(left_behind / written.pop("file_name"))
        assert without_nulls(read) == written


def test_datasets_load_the_shards(left_behind: Path, tmp_path: Path) -> None:
    """Each picture comes with its row and its prompt."""
    assert sum(shard.images for shard in pack(left_behind, tmp_path / "shards", shard=50)) == MANY
    tars = [str(path) for path in sorted((tmp_path / "shards").iterdir())]
    table = datasets.load_dataset(
        "webdataset", data_files=tars, split="train", cache_dir=str(tmp_path / "cache")
    )
    read_in_order = sorted(table, key=lambda row: int(row["txt"]))
    for read, written in zip(read_in_order, rows(left_behind), strict=True):
        assert read["txt"] == written["prompt"]
        assert read["png"].tobytes() == _pixels(left_behind / written["file_name"])
        assert read["json"]["request"] == written["request"]


def test_a_column_of_the_list_is_no_picture() -> None:
    """What datasets would open as one has another name, so that the picture is the only one."""
    assert beside(BESIDE) == {
        "tag": "x",
        "label": "fox",
        "list_image": "theirs.png",
        "list_filename": "theirs.png",
        "list_mask_filename": "theirs.png",
        "list_filenames": ["theirs.png"],
        "list_my_filenames": ["theirs.png"],
        "profile_names": "no picture's",
    }


def _pixels(path: Path) -> bytes:
    with Image.open(path) as picture:
        return picture.tobytes()
