"""``volcv run --matrix``: words that are axes, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_of_tests import SMALL, rows, write

from volcv_async.cli import main

pytestmark = pytest.mark.usefixtures("empty_folder")

OIL_OR_INK = ["--matrix", "a {animal} in {style}", 'animal="cat, black", fox', "style=oil,a//b"]


def test_a_matrix_is_run_and_gone_on_with(capsys: pytest.CaptureFixture[str]) -> None:
    """Values are read as CSV and kept as they are; the axes are columns of the rows."""
    assert main(["run", *OIL_OR_INK, "-o", "out", "--local", *SMALL]) == 0
    made = {row["prompt"]: (row["animal"], row["style"]) for row in rows("out/metadata.jsonl")}
    assert made == {
        f"a {animal} in {style}": (animal, style)
        for animal in ("cat, black", "fox")
        for style in ("oil", "a//b")
    }
    assert main(["run", *OIL_OR_INK, "-o", "out", "--local", *SMALL]) == 0
    assert "Going on in out: 4 done, 0 to do." in capsys.readouterr().err


def test_its_rows_are_chosen_from(capsys: pytest.CaptureFixture[str]) -> None:
    """Conditions, repetition and a dry run take the combinations as rows of a list."""
    some = ["--where", "animal=fox", "--limit", "1", "--repeat", "3", "--dry-run", "--local"]
    assert main(["run", *OIL_OR_INK, "seed=1,2", *some]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 prompts: 3 to do.")
    assert '"prompt": "a fox in oil"' in said
    assert '"seed": 1' in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a=1", "list.txt"], "list.txt: no '=' in it, so it is no axis"),
        (["a=1", "a=2"], "The axis 'a' is there twice."),
        (['a="1'], "The values of the axis 'a' are no CSV"),
        (["a=1\n2"], "The values of the axis 'a' are no CSV"),
        (["a="], "the matrix: the axis 'a' has no values."),
        (["b=1"], "the matrix: {a} has no axis; there are: 'b'."),
        (["a=1", "seed=1,x"], "the matrix, row 2: seed=x: 'x' is no whole number."),
        (["a=1", "--where", "a=2"], "the matrix holds no prompts."),
        (["a=1", "--format", "csv"], "A matrix has neither a format"),
        ([], "No list is given."),
    ],
)
def test_a_mistake_in_a_matrix_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """It ends with 2, what to do on a second line at most, and makes no folder."""
    write("list.txt", "a\n")
    assert main(["run", "--matrix", "a {a}", *words, "--local", "-o", "out"]) == 2
    first, *cure = capsys.readouterr().err.splitlines()
    assert first.startswith("Error: ")
    assert says in first
    assert len(cure) <= 1
    assert not Path("out").exists()
