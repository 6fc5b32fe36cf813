"""The command as a whole: its words, its help, and what it says when it cannot go on."""

from __future__ import annotations

import asyncio
import io
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_of_tests import SMALL, VOLCV, provider, write

import volcv_async
from volcv_async.cli import main, process
from volcv_async.cli.app import EXAMPLES, app
from volcv_async.cli.interrupts import run_interruptibly
from volcv_async.cli.session import Exit, exit_code
from volcv_async.errors import InvalidRequestError
from volcv_async.gateway import LocalGateway
from volcv_async.gateway.faults import parse_rates
from volcv_async.models import GeneralV21, key_of

pytestmark = pytest.mark.usefixtures("no_account")


def test_the_installed_command_says_its_version() -> None:
    """The entry point works as a process of its own."""
    done = subprocess.run([VOLCV, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    assert done.stdout == f"volcv-async {volcv_async.__version__}\n"


def test_the_command_reads_the_words_of_its_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without words given, those that the shell passed are taken."""
    monkeypatch.setattr(sys, "argv", ["volcv", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("volcv-async ")


@pytest.mark.parametrize("words", [["--help"], []])
def test_the_help_fits_a_screen(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It names every command, and is no longer than a small terminal."""
    assert main(words) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) <= 24
    assert all(
        f" {name} " in said for name in ("demo", "generate", "run", "gallery", "serve", "models")
    )


@pytest.mark.parametrize("command", list(EXAMPLES))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its help ends with two examples, and fits a screen but for the many options of a run."""
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"volcv {command}" in said
    assert said.splitlines()[-3:] == ["Examples:", *(f"  {line}" for line in EXAMPLES[command])]
    assert len(said.splitlines()) <= (80 if command == "run" else 40)


@pytest.mark.parametrize("example", [line for two in EXAMPLES.values() for line in two])
def test_an_example_can_be_typed(example: str) -> None:
    """What the help shows has a command, options and values that are taken."""
    name, *words = shlex.split(example.partition(" | ")[0])
    assert name == "volcv"
    command, _, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert command.__name__ == words[0]
    if "--fault" in words:
        assert parse_rates([words[words.index("--fault") + 1]])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["frobnicate"], 'Unknown command "frobnicate"'),
        (["generate", "a cat"], "--out"),
        (["run", "list.txt", "-o", "out", "--bogus"], "Unknown option: --bogus"),
        (["run", "list.txt", "-o", "out", "--rate", "fast"], "fast"),
        (["serve", "--rate", "0"], "rate must be over 0"),
        (["models", "GeneralV99"], "There is no model 'GeneralV99'."),
    ],
)
def test_a_mistake_in_the_words_is_said_in_plain_lines(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 2, on standard error, in a line or two."""
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert said.err.startswith("Error: ")
    assert len(said.err.splitlines()) <= 2


def test_without_its_extra_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where cyclopts is not installed, one line says so."""
    monkeypatch.setitem(sys.modules, "cyclopts", None)
    monkeypatch.delitem(sys.modules, "volcv_async.cli.app", raising=False)
    assert main(["--help"]) == 2
    said = capsys.readouterr().err
    assert said == "The volcv command needs its extra: pip install 'volcv-async[cli]'\n"


def test_another_missing_module_is_not_taken_for_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation shows itself as it is."""
    monkeypatch.setitem(sys.modules, "volcv_async.cli.session", None)
    monkeypatch.delitem(sys.modules, "volcv_async.cli.app", raising=False)
    with pytest.raises(ModuleNotFoundError):
        main(["--help"])


def without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith(("PIL", "volcv_async.gateway.drawing")):
            monkeypatch.delitem(sys.modules, name)


def test_without_pillow_the_local_gateway_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Where Pillow is not installed, a line says so, and nothing is left behind."""
    without_drawing(monkeypatch)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert main(["demo", "-o", str(tmp_path / "demo")]) == 2
    assert "pip install 'volcv-async[local]'" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_a_broken_gateway_is_not_taken_for_a_missing_pillow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A broken installation shows itself as it is."""
    without_drawing(monkeypatch)
    monkeypatch.setitem(sys.modules, "volcv_async.gateway.drawing", None)
    monkeypatch.setattr(volcv_async.gateway, "drawing", None, raising=False)
    with pytest.raises(ModuleNotFoundError):
        main(["generate", "x", "-o", str(tmp_path / "x"), "--local"])


def test_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its class, its ``req_key``, and what it is called."""
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    assert "GeneralV21" in said
    assert key_of(GeneralV21) in said
    assert "General 2.0Pro" in said


def test_the_fields_of_a_model_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its type, default, range and where that is known from."""
    assert main(["models", "high_aes_general_v21_L"]) == 0
    said = capsys.readouterr().out
    assert "GeneralV21 (high_aes_general_v21_L)" in said
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert lines["prompt"].split()[:2] == ["prompt", "str"]
    assert "Required." in lines["prompt"]
    width = lines["width"].split()
    assert width[:3] == ["width", "int", "512"]
    assert "256 to 768 pixels" in lines["width"]
    assert "community" in lines["width"]
    assert "true" in lines["use_sr"]
    assert lines["logo_info"].split()[1] == "object"


def test_models_adapt_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the table is as wide as that is."""
    ours, theirs = os.openpty()
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(theirs, "w") as terminal, os.fdopen(ours, "rb") as screen:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert main(["models"]) == 0
        terminal.flush()
        shown = os.read(screen.fileno(), 65_536).decode()
    assert "GeneralV21" in shown


def test_a_prompt_is_shown_where_the_terminal_lacks_its_characters(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An output that knows ASCII only is no reason to fail."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with provider(monkeypatch):
        assert main(["generate", "千军万马", "-o", str(tmp_path / "马"), *SMALL]) == 0
    assert b"\\u9a6c.png" in written.getvalue()


@pytest.mark.usefixtures("empty_folder")
def test_an_output_that_is_closed_is_one_that_nobody_reads() -> None:
    """Started with its streams closed, the command does its work."""
    write("list.txt", "a\n")
    for words in (["run", "list.txt", "--local", "-o", "out", "--json", *SMALL], ["status", "out"]):
        for closed in (">&-", ">&- 2>&-"):
            shell = ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", VOLCV, *words]
            done = subprocess.run(shell, stderr=subprocess.PIPE, check=False)  # noqa: S603 - our own command
            assert done.returncode == 0
            assert b"Traceback" not in done.stderr


def test_serve_prints_its_address_and_serves_until_it_is_interrupted() -> None:
    """The two lines, pasted into a shell, let any client of ours use it; Ctrl-C ends with 0."""
    words = [VOLCV, "serve", "--port", "0", "--time-scale", "0", "--key", "a key"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        url = process.stdout.readline().decode()
        key = process.stdout.readline().decode()
        process.send_signal(2)
        assert process.wait(timeout=20) == 0
    assert url.startswith("export VOLCV_BASE_URL=http://127.0.0.1:")
    assert key == "export VOLCV_API_KEY='a key'\n"


def test_serve_ends_cleanly_in_its_own_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption leaves the handlers of the process as they were."""

    class Interrupting(io.StringIO):
        def write(self, text: str) -> int:
            if "API_KEY" in text:
                os.kill(os.getpid(), 2)
            return super().write(text)

    monkeypatch.setattr(sys, "stdout", Interrupting())
    assert main(["serve", "--port", "0"]) == 0


def test_the_gateway_is_the_library_s_own() -> None:
    """What ``serve`` runs is what ``volcv_async.gateway`` has."""
    assert volcv_async.gateway.LocalGateway is LocalGateway


def test_a_process_that_is_done_is_not_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Ctrl-C that comes when all is done changes neither the exit code nor what is printed."""
    monkeypatch.setattr(sys, "argv", ["volcv", "--version"])
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        assert process() == 0
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert capsys.readouterr().out.startswith("volcv-async ")


def test_an_interruption_keeps_what_was_noted_on_its_way() -> None:
    """What was seen while work was being left is still there for who tells it."""

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancelled:
            cancelled.add_note("Something else broke, too.")
            raise

    with pytest.raises(KeyboardInterrupt) as interrupted:
        run_interruptibly(work(), "Stopped.")
    assert interrupted.value.__notes__ == ["Something else broke, too."]


@pytest.mark.parametrize(("status", "code"), [(None, Exit.USAGE), (404, Exit.STUCK)])
def test_a_wrong_request_is_the_users_or_the_addresss(
    capsys: pytest.CaptureFixture[str], status: int | None, code: Exit
) -> None:
    """Refused here, it ends with 2; refused by what answers there, with 3."""

    def refuse() -> int:
        raise InvalidRequestError("Nothing answers at this path.", http_status=status)

    assert exit_code(refuse) == code
    assert "Nothing answers" in capsys.readouterr().err
