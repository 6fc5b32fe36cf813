"""The commands by name, and the way from typed words to an exit code."""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from volcv_async.cli.generate import generate
from volcv_async.cli.messages import note, warnings_as_lines
from volcv_async.cli.models import models
from volcv_async.cli.run import demo, run
from volcv_async.cli.serve import serve
from volcv_async.cli.session import Exit, exit_code, typed
from volcv_async.cli.status import status

app = App(
    name="volcv",
    help=(
        "Prompt lists in, images out, through Volcengine's CV text-to-image API.\n\n"
        "The account is read from VOLCV_BASE_URL and VOLCV_API_KEY; demo and --local need none."
    ),
    version=lambda: f"volcv-async {version('volcv-async')}",
    help_format="plaintext",
)
for command in (demo, generate, run, status, serve, models):
    app.command(command, sort_key=len(app.resolved_commands()))


def start(arguments: Sequence[str]) -> int:
    """Run the command that these words name, and give its exit code."""
    _write_anything()
    with warnings_as_lines():
        try:
            return exit_code(lambda: _call(arguments))
        except CycloptsError as wrong:
            note(f"Error: {wrong}")
            note("See volcv --help.")
            return Exit.USAGE


def _call(arguments: Sequence[str]) -> int | None:
    typed.set(shlex.join(["volcv", *arguments]))
    code: int | None = app(
        list(arguments), exit_on_error=False, print_error=False, result_action="return_value"
    )
    return code


def _write_anything() -> None:
    """Let a prompt be printed where the terminal's encoding lacks its characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
