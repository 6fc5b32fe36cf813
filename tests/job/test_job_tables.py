"""What a run leaves, read by the libraries that people read such files with."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import volcv_async as volcv
from volcv_async.gateway import LocalGateway, Received, Reply, service_error

MANY = 120
"""More than the hundred rows that polars looks at unless it is told to look at all."""


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose last picture was refused once, which makes a column of its own."""
    out = tmp_path_factory.mktemp("tables") / "out"
    asyncio.run(_run(out))
    return out


async def _run(out: Path) -> None:
    refused: set[str] = set()

    async def moderation(received: Received) -> Reply | None:
        prompt = received.prompt or ""
        if prompt != str(MANY - 1) or prompt in refused:
            return None
        refused.add(prompt)
        return service_error(50511)

    requests = [volcv.GeneralV21(prompt=str(n), width=256, height=256) for n in range(MANY)]
    retry = volcv.RetryPolicy(rerolls=1)
    async with (
        LocalGateway(latency=0.0, answer=moderation) as gateway,
        volcv.Client(gateway.account(), retry=retry) as client,
    ):
        await volcv.run(client, requests, out=out)


def rows(out: Path) -> list[dict[str, object]]:
    lines = (out / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted((json.loads(line) for line in lines), key=lambda row: str(row["file_name"]))


def columns(out: Path) -> set[str]:
    return {name for row in rows(out) for name in row}


def test_pandas_reads_all_columns_and_leaves_texts_as_they_are(left_behind: Path) -> None:
    """A list of numbers for prompts is a list of texts, read as the how-to says."""
    pandas = pytest.importorskip("pandas")
    table = pandas.read_json(left_behind / "metadata.jsonl", lines=True, dtype=False)
    table = table.sort_values("file_name")
    assert set(table.columns) == columns(left_behind) >= {"seeds_refused"}
    assert table["prompt"].tolist() == [str(n) for n in range(MANY)]
    assert table["seed"].tolist() == [row["seed"] for row in rows(left_behind)]


def test_polars_reads_all_columns_however_late_they_come(left_behind: Path) -> None:
    """Read as the how-to says, the rows are those of the file, with null for what one lacks."""
    polars = pytest.importorskip("polars")
    table = polars.read_ndjson(left_behind / "metadata.jsonl", infer_schema_length=None)
    table = table.sort("file_name")
    assert set(table.columns) == columns(left_behind) >= {"seeds_refused"}
    for read, written in zip(table.to_dicts(), rows(left_behind), strict=True):
        assert {name: value for name, value in read.items() if value is not None} == written
