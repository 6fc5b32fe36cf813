"""``volcv status``: what became of each prompt, and that nothing is sent for it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_of_tests import SMALL, VOLCV, provider, write

from volcv_async.cli import main
from volcv_async.gateway import Drop, Received, service_error
from volcv_async.gateway.answers import Reply

pytestmark = pytest.mark.usefixtures("empty_folder")


async def script(received: Received) -> Reply | None:
    answers: dict[str | None, Reply] = {
        "bad": service_error(50412),
        "lost": Drop(),
        "failing": service_error(50500),
    }
    return answers.get(received.prompt)


def test_each_prompt_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, with its request id, and the sums at the end; nothing is sent."""
    write("list.txt", "good\nbad\nlost\nfailing\n")
    with provider(monkeypatch, script) as gateway:
        main(["run", "list.txt", "-o", "out"])
        capsys.readouterr()
        sent = len(gateway.requests)
        assert main(["status", "out"]) == 0
        assert len(gateway.requests) == sent
        ids = {one.prompt: one.request_id for one in gateway.requests}
    said = capsys.readouterr()
    lines = [line.split() for line in said.out.splitlines()]
    assert lines == [
        ["000000", "done", ids["good"], "good"],
        ["000001", "refused", ids["bad"], "bad"],
        ["000002", "in", "doubt", "-", "lost"],
        ["000003", "in", "doubt", ids["failing"], "failing"],
    ]
    assert said.err == "1 done, 0 billed, 2 in doubt, 1 refused, 0 not sent\n"


def test_json_has_all_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object a prompt: files, time, attempts, and what it met."""
    write("list.txt", "good\nlost\n")
    with provider(monkeypatch, script):
        main(["run", "list.txt", "-o", "out"])
        capsys.readouterr()
        assert main(["status", "out", "--json"]) == 0
    done, lost = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert done["files"] == ["images/000000.png"]
    assert (done["standing"], done["attempts"], done["why"]) == ("done", 1, None)
    assert lost["standing"] == "in doubt"
    assert lost["why"].startswith("The request went out and no whole reply came back")
    assert lost["sent"].endswith("+00:00")


def test_a_prompt_gives_the_terminal_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """What would clear the screen or ring the bell is a space in the line of its prompt."""
    listed = write("list.txt", "a red\x1b[2J fox\x07\x9b0m\n")
    assert main(["run", listed, "--local", "-o", "out", *SMALL]) == 0
    capsys.readouterr()
    assert main(["status", "out"]) == 0
    assert capsys.readouterr().out.endswith("  a red [2J fox 0m\n")


def test_a_folder_without_a_journal_is_an_input_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It ends with 2 and says so."""
    Path("out").mkdir()
    assert main(["status", "out"]) == 2
    assert "journal" in capsys.readouterr().err


def test_standard_output_that_is_full_is_no_mistake_in_the_words() -> None:
    """The folder was right: it cannot go on, and says why."""
    assert main(["run", write("list.txt", "a\n"), "--local", "-o", "out", *SMALL]) == 0
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [VOLCV, "status", "out"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert done.stderr == b"Error: No space left on device\n"
