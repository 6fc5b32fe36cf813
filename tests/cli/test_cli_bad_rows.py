"""``volcv run`` and rows that are no requests: what is said, what is left, how they are mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_of_tests import SMALL, good_bad_lost, provider, rows, write

from volcv_async.cli import main

pytestmark = pytest.mark.usefixtures("empty_folder")

LIST = """\
"a fox"
{"prompt": "an owl", "width": "wide"}
{"prompt": "cut o
{"prompt": "a moth", "model": "V9"}
"a tree"
"""
RUN = ["run", "list.jsonl", "-o", "out", "--local", *SMALL]
SAYS = (
    "3 rows of the list cannot be sent, and will be in failed.jsonl (--strict refuses such a "
    "list). The first: list.jsonl, line 2: GeneralV21: width='wide' is no whole number but str."
)


def correct(**cells: object) -> None:
    """Correct the first row of ``failed.jsonl``, as an editor would."""
    first, *others = rows("out/failed.jsonl")
    first["row"] = cells
    write("out/failed.jsonl", "".join(f"{json.dumps(row)}\n" for row in [first, *others]))


def test_bad_rows_are_said_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """Before, after, and the same again: three failed, and each is in the file once."""
    write("list.jsonl", LIST)
    assert main(RUN) == 1
    said = capsys.readouterr()
    assert said.err.startswith(SAYS)
    assert " 3 failed, 0 in doubt → out" in said.out
    assert "InvalidRequestError, 3 in all. One of them: list.jsonl, line 2: " in said.err
    assert main(RUN) == 1
    said = capsys.readouterr()
    assert "Going on in out: 2 done, 3 bad, 0 to do." in said.err
    assert "2 done before, 3 failed" in said.out
    assert [row["line"] for row in rows("out/failed.jsonl")] == [2, 3, 4]
    assert "3 failed" in Path("out/index.html").read_text(encoding="utf-8")


def test_a_strict_run_refuses_them(capsys: pytest.CaptureFixture[str]) -> None:
    """It is as if all rows were bad: nothing is sent, and no folder made."""
    write("list.jsonl", LIST)
    assert main([*RUN, "--strict"]) == 2
    assert capsys.readouterr().err.startswith("Error: list.jsonl, line 2: GeneralV21: width='wide'")
    assert not Path("out").exists()


def test_a_list_without_a_good_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The first is said, and how many there are beside it."""
    write("list.jsonl", '42\n{"text": "a", "id": 1}\n{\n')
    assert main(RUN) == 2
    first, cure, others = capsys.readouterr().err.splitlines()
    assert first == "Error: list.jsonl, line 1: is neither a text nor an object."
    assert cure.startswith("A row is a text in quotation marks, or an object: ")
    assert others == "No other row can be sent either: 2 rows more."
    assert main([*RUN, "--limit", "1"]) == 2
    assert "No other row" not in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_dry_run_says_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    """In words on standard output, as all of it."""
    write("list.jsonl", LIST)
    assert main([*RUN, "--dry-run"]) == 0
    said, count, *_ = capsys.readouterr().out.splitlines()
    assert said.startswith(SAYS)
    assert count == "5 prompts: 3 bad, 2 to do."


def test_a_program_reads_of_them(capfd: pytest.CaptureFixture[str]) -> None:
    """Each is the object that its row is, failed; ``-v`` has a line for it."""
    write("list.jsonl", LIST)
    assert main([*RUN, "--json", "-v"]) == 1
    said = capfd.readouterr()
    objects = [json.loads(line) for line in said.out.splitlines()]
    bad = [one for one in objects if one["state"] == "failed"]
    assert bad == [{**row, "state": "failed"} for row in rows("out/failed.jsonl")]
    assert "failed · list.jsonl, line 4: There is no model 'V9'." in said.err


def test_corrected_rows_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """``failed.jsonl`` is a list for its own folder: what is corrected is sent, the rest stays."""
    write("list.jsonl", LIST)
    with provider(monkeypatch) as gateway:
        assert main(["run", "list.jsonl", "-o", "out", *SMALL]) == 1
        for prompt in ("an owl", "cut off", "a moth"):
            correct(prompt=prompt)
            left = len(rows("out/failed.jsonl")) - 1
            code = main(["run", "out/failed.jsonl", "-o", "out", *SMALL])
            assert code == (1 if left else 0)
        assert gateway.paid == 5
    made = {row["prompt"] for row in rows("out/metadata.jsonl")}
    assert made == {"a fox", "a tree", "an owl", "cut off", "a moth"}
    assert not Path("out/failed.jsonl").exists()


@pytest.mark.parametrize("some", ["--limit=1", "--sample=1", "--where=seed=1"])
def test_a_part_of_the_own_bad_rows_is_refused(
    capsys: pytest.CaptureFixture[str], some: str
) -> None:
    """The others would be gone from the file; a copy of it, or another folder, may be tried."""
    write("list.jsonl", LIST)
    assert main(RUN) == 1
    for prompt in ("an owl", "cut off"):
        correct(prompt=prompt, seed=1)
        before = Path("out/failed.jsonl").read_bytes()
        capsys.readouterr()
        assert main(["run", "out/failed.jsonl", "-o", "out", "--local", *SMALL, some]) == 2
        assert "out/failed.jsonl holds bad rows, and those that are" in capsys.readouterr().err
        assert Path("out/failed.jsonl").read_bytes() == before
    assert main(["run", "out/failed.jsonl", "-o", "again", "--local", *SMALL, "--limit=1"]) == 0
    assert [row["prompt"] for row in rows("again/metadata.jsonl")] == ["cut off"]


def test_a_part_of_what_failed_otherwise_may_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those rows are the journal's, and stay in the file."""
    write("list.txt", "bad\na fox\n")
    with provider(monkeypatch, good_bad_lost) as gateway:
        assert main(["run", "list.txt", "-o", "out", *SMALL]) == 1
        assert main(["run", "out/failed.jsonl", "-o", "out", *SMALL, "--limit=1"]) == 1
        assert [one.prompt for one in gateway.requests].count("bad") == 2
    assert {row["prompt"] for row in rows("out/failed.jsonl")} == {"bad"}


def test_a_correction_survives_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words send it, however the run ended that first took it."""
    write("list.jsonl", LIST)
    with provider(monkeypatch):
        assert main(["run", "list.jsonl", "-o", "out", *SMALL]) == 1
        correct(prompt="an owl")
        monkeypatch.setenv("VOLCV_API_KEY", "another")
        assert main(["run", "out/failed.jsonl", "-o", "out", *SMALL]) == 3
        assert rows("out/failed.jsonl")[0]["row"] == {"prompt": "an owl"}
        monkeypatch.setenv("VOLCV_API_KEY", "local-key")
        assert main(["run", "out/failed.jsonl", "-o", "out", *SMALL]) == 1
    assert "an owl" in {row["prompt"] for row in rows("out/metadata.jsonl")}
