"""``volcv gallery``: the page of a folder, drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_of_tests import SMALL, write

from volcv_async.cli import main

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_a_gallery_is_drawn_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Its path is the result; a title stands on the page, the folder's name where none is given."""
    write("list.txt", "a fox\n")
    assert main(["run", "list.txt", "--local", "-o", "out", *SMALL]) == 0
    page = Path("out/index.html")
    page.unlink()
    capsys.readouterr()
    assert main(["gallery", "out"]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert "<title>out</title>" in page.read_text(encoding="utf-8")
    assert main(["gallery", "out", "--title", "Foxes & co"]) == 0
    assert "<title>Foxes &amp; co</title>" in page.read_text(encoding="utf-8")


def test_a_folder_of_something_else_has_no_gallery(
    capsys: pytest.CaptureFixture[str], empty_folder: Path
) -> None:
    """It ends with 2, says so in a line, and writes nothing."""
    for name in (".", "nowhere"):
        assert main(["gallery", name]) == 2
        first, cure = capsys.readouterr().err.splitlines()
        assert first == f"Error: {name} holds no metadata.jsonl, so there is nothing to draw."
        assert cure == "Give the folder of a run that has made pictures."
    assert list(empty_folder.iterdir()) == []


def test_a_page_that_cannot_be_written_is_no_mistake_of_the_words(
    capsys: pytest.CaptureFixture[str], empty_folder: Path
) -> None:
    """What the disk refuses ends with 3, as everywhere, and nothing lies about."""
    (empty_folder / "index.html").mkdir()
    (empty_folder / "metadata.jsonl").touch()
    assert main(["gallery", "."]) == 3
    assert "directory" in capsys.readouterr().err
    assert {path.name for path in empty_folder.iterdir()} == {"index.html", "metadata.jsonl"}
