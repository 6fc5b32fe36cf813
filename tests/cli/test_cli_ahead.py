"""Before a run starts: what ``--dry-run`` says, and where ``--budget`` ends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_of_tests import SMALL, provider, rows, write

from volcv_async.cli import main
from volcv_async.gateway import Drop, Received
from volcv_async.gateway.answers import Reply
from volcv_async.job.records import Records


@pytest.fixture(autouse=True)
def five(empty_folder: Path) -> None:
    """Have a list of five prompts where the command runs."""
    write(str(empty_folder / "list.txt"), "a\nb\nc\nd\ne\n")


def run(*words: str) -> int:
    return main(["run", "list.txt", "-o", "out", *SMALL, *words])


def test_a_dry_run_sends_nothing_and_says_what_a_run_would_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How many, the first request without the key, the time, the cost; no folder is made."""
    with provider(monkeypatch) as gateway:
        monkeypatch.setenv("VOLCV_API_KEY", "sk-secret")
        assert run("--dry-run", "--rate", "5", "--concurrency", "64", "--price", "0.02") == 0
        assert not gateway.requests
        url = f"{gateway.url}?Action=CVProcess&Version=2022-08-31"
    said = capsys.readouterr()
    assert "sk-secret" not in said.out + said.err
    first, *lines = said.out.splitlines()
    assert first == "5 prompts: 5 to do."
    assert lines[:2] == [f"First of 5: POST {url}", "Authorization: Bearer ***"]
    *body, time, cost, last = lines[2:]
    sent = json.loads("\n".join(body))
    assert (sent["prompt"], sent["width"]) == ("a", 256)
    assert time == (
        "Time: 2.8 s to 21 s at 5 calls a second and 64 in flight, if a call takes 2 to 20 s, "
        "as is documented."
    )
    assert cost == "Cost: 0.1 for 5 images at 0.02."
    assert last == "Nothing was sent, and nothing was written."
    assert not Path("out").exists()


@pytest.mark.parametrize("words", [["--json"], ["--quiet"], ["--log-file", "run.log"]])
def test_a_dry_run_is_words_alone(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """Objects, silence and a log are refused beside it, and nothing is written."""
    assert run("--dry-run", "--local", *words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"Error: --dry-run and {words[0]}: ")
    assert [path.name for path in Path().iterdir()] == ["list.txt"]


def test_a_dry_run_is_what_the_run_then_sends(capsys: pytest.CaptureFixture[str]) -> None:
    """The first request has the seeds with which it goes out."""
    assert run("--dry-run", "--local", "--seed", "list") == 0
    said = capsys.readouterr().out
    foretold = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert "0.02 to 0.2 s" in said
    assert run("--local") == 0
    assert foretold in [row["request"] for row in rows("out/metadata.jsonl")]


def test_a_dry_run_after_a_budget_counts_what_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It says how far a further budget goes, and how long a call took here."""
    assert run("--local", "--budget", "2") == 4
    capsys.readouterr()
    assert run("--local", "--dry-run", "--budget", "1") == 0
    first, second, *_ = (said := capsys.readouterr().out).splitlines()
    assert first == "5 prompts: 2 done, 3 to do."
    assert second == "The budget ends it after 1 image."
    assert "as in the last run here." in said


def test_a_dry_run_of_a_list_that_is_done_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """There is no first request then."""
    assert run("--local") == 0
    capsys.readouterr()
    assert run("--local", "--dry-run") == 0
    assert capsys.readouterr().out == "5 prompts: 5 done, 0 to do.\nNothing would be sent.\n"


def test_lessons_of_earlier_runs_are_in_the_forecast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What refusals taught of the account binds, and what they taught of another does not."""
    with provider(monkeypatch) as gateway:
        assert run("--budget", "1") == 4
        lessons = [
            {"account": account, "model": model, "rate": rate, "concurrency": None}
            for account, model, rate in [
                (gateway.account().name, "high_aes_general_v21_L", 2.5),
                ("elsewhere", "high_aes_general_v21_L", 0.5),
            ]
        ]
        with Records(Path("out")) as records:
            records.note("learned", json.dumps(lessons))
        capsys.readouterr()
        assert run("--dry-run", "--concurrency", "3") == 0
    assert "at 2.5 calls a second and 3 in flight" in capsys.readouterr().out


def test_a_budget_ends_a_run_with_a_word_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end is 4; the same words go on, with the next budget, until all is done."""
    with provider(monkeypatch) as gateway:
        assert run("--budget", "3") == 4
        assert gateway.paid == 3
        said = capsys.readouterr().err
        assert "The budget is used up: 3 paid. What is left was not sent." in said
        assert "To go on, with a budget for that run: volcv run list.txt" in said
        assert "failed.jsonl" not in said
        assert run("--budget", "3") == 0
        assert gateway.paid == 5


def test_a_budget_may_be_money(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an image costs says how many it buys; calls in doubt are counted as paid."""

    async def lose_one(received: Received) -> Reply | None:
        return Drop() if received.prompt == "b" else None

    with provider(monkeypatch, lose_one) as gateway:
        assert run("--budget", "0.07", "--price", "0.02") == 4
        assert len(gateway.requests) == 3
    said = capsys.readouterr().err
    assert "Cost, at the most: 0.06 for 3 images at 0.02." in said
    assert "The budget is used up: 2 paid and 1 that may be billed." in said
    assert "in_doubt.jsonl" in said


def test_the_price_alone_says_what_a_run_has_cost(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said at the end."""
    assert run("--local", "--price", "2") == 0
    assert "Cost: 10 for 5 images at 2." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--budget", "0"], "--budget 0 makes no sense."),
        (["--budget", "nan"], "--budget nan makes no sense."),
        (["--price", "-1"], "--price -1 makes no sense."),
        (["--budget", "2.5"], "--budget 2.5 is no whole number of images."),
        (["--budget", "0.01", "--price", "0.02"], "--budget 0.01 buys no image at --price 0.02."),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    """It ends with 2, and no folder is made."""
    assert run("--local", *words) == 2
    assert says in capsys.readouterr().err
    assert not Path("out").exists()
