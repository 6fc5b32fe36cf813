"""What a list says beside a request: it is in the request's rows, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pictures_of_tests import picture

from volcv_async.client import Client
from volcv_async.codec import encode
from volcv_async.gateway import LocalGateway
from volcv_async.job import Listed, run
from volcv_async.job.books import enrol
from volcv_async.job.records import Records
from volcv_async.models import GeneralV21

FOX = GeneralV21(prompt="a fox", width=256, height=256, use_sr=False)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def go(out: Path, *listed: Listed | GeneralV21) -> int:
    """Run a list, and give how many images were paid for."""
    async with LocalGateway(latency=0.0) as gateway, Client(gateway.account()) as client:
        await run(client, listed, out=out)
        return gateway.paid


def leave(out: Path, columns: Mapping[str, Any]) -> None:
    """Leave a folder as a process does that is killed during its only call."""
    with Records(out) as records:
        entry, seeded = enrol(Listed(FOX, columns), "list", records)
        records.sending(
            entry.number,
            attempts=1,
            sent=datetime.now(UTC),
            account="local",
            request=encode(seeded).decode(),
        )


@pytest.mark.parametrize("columns", [{"tag": [1, {"x": None}], "index": "7", "seed": 3}, {}])
async def test_columns_are_in_the_row_of_an_image(tmp_path: Path, columns: dict[str, Any]) -> None:
    """They come after our own fields, and under another name where that is one of ours."""
    assert await go(tmp_path, Listed(FOX, columns)) == 1
    (row,) = rows(tmp_path / "metadata.jsonl")
    ours = {"index": "list_index", "seed": "list_seed"}
    assert list(row.items())[12:] == [(ours.get(name, name), columns[name]) for name in columns]


async def test_columns_do_not_make_another_request(tmp_path: Path) -> None:
    """The same request with other columns, or none, is done already; equal ones keep their own."""
    assert await go(tmp_path, Listed(FOX, {"tag": "x"}), Listed(FOX, {"tag": "y"})) == 2
    tags = {row["file_name"]: row["tag"] for row in rows(tmp_path / "metadata.jsonl")}
    assert tags == {"images/000000.png": "x", "images/000001.png": "y"}
    assert await go(tmp_path, Listed(FOX, {"tag": "z"}), FOX) == 0


async def test_a_call_that_was_cut_off_keeps_its_columns(tmp_path: Path) -> None:
    """The row that says it is in doubt has them."""
    leave(tmp_path, {"tag": "x"})
    await go(tmp_path)
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert row["tag"] == "x"


async def test_an_adopted_image_keeps_its_columns(tmp_path: Path) -> None:
    """The row that is written for it after the crash has them."""
    leave(tmp_path, {"tag": "x"})
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000000.png").write_bytes(picture())
    assert await go(tmp_path, Listed(FOX, {"tag": "x"})) == 0
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert row["tag"] == "x"


async def test_what_waits_takes_the_columns_of_the_latest_list(tmp_path: Path) -> None:
    """A request that is yet to go out is told of as the list that sends it has it."""
    with Records(tmp_path) as records:
        enrol(Listed(FOX, {"tag": "x", "old": 1}), "list", records)
    assert await go(tmp_path, Listed(FOX, {"tag": "y"})) == 1
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert row["tag"] == "y"
    assert "old" not in row
