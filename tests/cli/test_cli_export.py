"""``volcv export``: the pictures of a run, packed for another program."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from command_of_tests import SMALL, write

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


def test_a_picture_that_is_gone_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot go on without it; one picture is one."""
    write("list.txt", "a\n")
    assert main(["run", "list.txt", "--local", "-o", "out", *SMALL]) == 0
    assert main(["export", "out", "--webdataset", "one"]) == 0
    assert "1 picture packed." in capsys.readouterr().err
    Path("out/images/000000.png").unlink()
    assert main(["export", "out", "--webdataset", "other"]) == 3
    assert "000000.png" in capsys.readouterr().err
