"""What the command prints of itself, held against a small terminal."""

from __future__ import annotations

import pytest

from volcv_async.cli import main
from volcv_async.cli.app import app

COMMANDS = [name for name in app.resolved_commands() if not name.startswith("-")]


@pytest.fixture(autouse=True)
def small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")


def test_the_help_leaves_a_line_for_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    """On 24 lines of 80 columns all of it can be seen, with the shell's prompt beneath it."""
    assert main(["--help"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) < 24
    assert max(map(len, said)) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_the_usage_names_what_is_typed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its words are called what they are, and each is explained beneath."""
    assert main([command, "--help"]) == 0
    usage, *rest = capsys.readouterr().out.splitlines()
    assert usage.startswith(f"Usage: volcv {command}")
    assert "ARGS" not in usage
    named = [word.strip("[].") for word in usage.split()[3:]]
    explained = "\n".join(rest)
    assert all(word in explained for word in named if word.isupper() and word != "OPTIONS")
