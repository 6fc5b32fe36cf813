"""``volcv --install-completion``: the shell completes what can be typed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from volcv_async.cli import main

pytestmark = pytest.mark.usefixtures("empty_folder")

BASH = shutil.which("bash") or "bash"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> Path:
    """The script for bash, installed at a home of its own."""
    monkeypatch.setenv("HOME", str(empty_folder))
    assert main(["--install-completion", "--shell", "bash"]) == 0
    return empty_folder / ".local/share/bash-completion/completions/volcv"


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    ask = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _volcv; '
    done = subprocess.run(  # noqa: S603 - our own script
        [BASH, "-c", ask + 'printf "%s\\n" "${COMPREPLY[@]}"', "bash", str(script), *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_shell_completes_commands_options_and_files(script: Path, empty_folder: Path) -> None:
    """Bash itself is asked, with the script as it was installed."""
    (empty_folder / "prompts.txt").touch()
    assert completed(script, "volcv", "ga") == ["gallery"]
    assert set(completed(script, "volcv", "")) >= {"demo", "run", "status", "export", "models"}
    assert completed(script, "volcv", "run", "--ma") == ["--matrix"]
    assert completed(script, "volcv", "run", "pro") == ["prompts.txt"]
    assert completed(script, "volcv", "run", "--seed", "s") == ["server"]
    assert "parquet" in completed(script, "volcv", "run", "--format", "")
    assert completed(script, "volcv", "run", "--log-file", "pro") == ["prompts.txt"]


def test_the_shell_loads_it_when_it_starts(script: Path, empty_folder: Path) -> None:
    """Its startup file names the script, once however often it is installed."""
    assert main(["--install-completion", "--shell", "bash"]) == 0
    startup = (empty_folder / ".bashrc").read_text(encoding="utf-8")
    assert str(script) in startup
    assert startup.count("# Load volcv") == 1
