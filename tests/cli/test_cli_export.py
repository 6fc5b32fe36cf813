"""``volcv export``: what a run has left, for another program."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from command_of_tests import SMALL, provider, rows, write

from volcv_async.cli import main

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_what_a_run_has_left_is_packed(capsys: pytest.CaptureFixture[str]) -> None:
    """The shards' paths are the result, and a second packing is told apart from the first."""
    write("list.txt", "a\nb\nc\n")
    assert main(["run", "list.txt", "--local", "-o", "out", *SMALL]) == 0
    capsys.readouterr()
    words = ["export", "out", "--webdataset", "shards", "--shard", "2"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.split() == [str(Path("shards", f"00000{n}.tar")) for n in (0, 1)]
    assert said.err == "3 pictures packed.\n"
    with tarfile.open("shards/000001.tar") as tar:
        assert len(tar.getnames()) == 3
    assert main(words) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_rows_are_a_table_that_is_a_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the shards or alone; what is sent of it is what was sent, columns and all."""
    lines = '{"prompt": "a", "tag": [{"n": 1}]}\n{"prompt": "b", "tag": "x", "seed": 7}\n'
    with provider(monkeypatch) as gateway:
        assert main(["run", write("list.jsonl", lines), "-o", "out", *SMALL]) == 0
        capsys.readouterr()
        assert main(["export", "out", "--parquet", "new/t.parquet", "--webdataset", "shards"]) == 0
        said = capsys.readouterr()
        assert said.out.split() == [str(Path("new/t.parquet")), str(Path("shards/000000.tar"))]
        assert said.err == "2 rows written.\n2 pictures packed.\n"
        assert main(["run", "new/t.parquet", "-o", "again"]) == 0
        first, second = (
            {row["prompt"]: (row["request"], row["tag"]) for row in rows(f"{out}/metadata.jsonl")}
            for out in ("out", "again")
        )
        assert first == second
        assert gateway.paid == 4


def test_what_cannot_be_exported_is_said_before_anything_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither form, a file that is there, no folder of a job, shards that are there."""
    write("list.txt", "a\n")
    assert main(["run", "list.txt", "--local", "-o", "out", *SMALL]) == 0
    for words, says in (
        ([], "It is not said what to write."),
        (["--parquet", "list.txt"], "list.txt is there already."),
        (["--parquet", "out/metadata.parquet"], "lies in the folder of the job"),
        (["--parquet", "t.parquet", "--webdataset", "out/s"], "lies in the folder of the job"),
        (["--parquet", "list.txt", "--webdataset", "shards"], "list.txt is there already."),
        (["--parquet", "t.parquet", "--webdataset", "s", "--shard", "0"], "0 pictures in a shard"),
    ):
        assert main(["export", "out", *words]) == 2
        assert says in capsys.readouterr().err
    assert main(["export", ".", "--parquet", "t.parquet"]) == 2
    assert "Error: . holds no metadata.jsonl" in capsys.readouterr().err
    assert {path.name for path in Path().iterdir()} == {"list.txt", "out"}
    assert main(["export", "out", "--parquet", "t.parquet"]) == 0
    assert "1 row written." in capsys.readouterr().err


def test_a_picture_that_is_gone_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot go on without it; one picture is one."""
    write("list.txt", "a\n")
    assert main(["run", "list.txt", "--local", "-o", "out", *SMALL]) == 0
    assert main(["export", "out", "--webdataset", "one"]) == 0
    assert "1 picture packed." in capsys.readouterr().err
    Path("out/images/000000.png").unlink()
    assert main(["export", "out", "--webdataset", "other"]) == 3
    assert "000000.png" in capsys.readouterr().err
