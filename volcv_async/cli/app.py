"""The commands by name, and the way from typed words to an exit code.

The module of a command is imported when it is called, so that ``volcv --help`` is quick.
"""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from inspect import cleandoc
from pathlib import Path

from cyclopts import App, CycloptsError

from volcv_async import __version__
from volcv_async.cli.messages import note, warnings_as_lines
from volcv_async.cli.session import Exit, exit_code, typed

# Where each command is, and what it says of itself: a first paragraph for the list, then the rest.
_COMMANDS = {
    "demo:demo": """
        Draw a gallery from built-in prompts: no key, no network.

        The local gateway draws the pictures on this machine. No model makes them.
        """,
    "generate:generate": """
        Make one image.
        """,
    "run:run": """
        Turn a prompt list into a folder of images, or go on where that stopped.

        The folder gets the images, a row for each in metadata.jsonl, a gallery as
        index.html, and failed.jsonl and in_doubt.jsonl where they have rows. Its
        journal knows what was paid for: the same words go on after a crash.
        """,
    "status:status": """
        Say of each prompt whether it is done, billed, in doubt, refused or not sent.

        It reads the journal and sends nothing, also while a run is on. "billed" is
        paid for with no image there; "in doubt" may have been billed; "refused" was
        not billed, and is not sent again unasked.
        """,
    "gallery:gallery": """
        Draw the gallery of a folder again.

        It takes in what lies there now. Large pictures without a small copy get one,
        for twenty seconds; the next time goes on with the rest.
        """,
    "export:export": """
        Write the rows of a folder as Parquet, its pictures as tar shards.

        The Parquet file is itself a list that run takes. In the shards, which are for
        WebDataset, each picture is three members of one name: itself, its row as
        .json, its prompt as .txt. The folder stays as it is.
        """,
    "serve:serve": """
        Serve the local gateway, for trying other clients.

        It prints the two lines that name it to any client of this library, and
        serves until Ctrl-C. GET /ledger says what was paid, and what went wrong.
        """,
    "models:models": """
        List the models, or the fields of one.
        """,
}

EXAMPLES = {
    "demo": ("volcv demo", "volcv demo -o gallery"),
    "generate": (
        "volcv generate 'a red fox in the snow' -o fox",
        "volcv generate 千军万马 -o army --model GeneralV14 -p seed=7 --local",
    ),
    "run": (
        "volcv run prompts.txt -o out --rate 2 --concurrency 24",
        "volcv run --matrix 'a {animal} in {style}' animal=cat,fox style=oil,ink -o out",
    ),
    "status": ("volcv status out", "volcv status out --json | jq -r 'select(.why).why'"),
    "gallery": ("volcv gallery out", "volcv gallery out --title 'Foxes, second night'"),
    "export": (
        "volcv export out --parquet out.parquet",
        "volcv export out --webdataset shards --shard 5000",
    ),
    "serve": ("volcv serve", "volcv serve --port 0 --rate 2 --fault reset_in_body:0.1"),
    "models": ("volcv models", "volcv models GeneralV21"),
}
"""Two of each command, as they may be typed; its help ends with them."""

_TAKES = {"run": "[OPTIONS] LIST...", "models": "[NAME]"}
"""How one is typed whose words are no more than ARGS to whoever reads its signature."""

app = App(
    name="volcv",
    help=(
        "Prompt lists in, images out, through Volcengine's CV text-to-image API.\n\n"
        "VOLCV_BASE_URL and VOLCV_API_KEY name the account; demo and --local need none."
    ),
    version=f"volcv-async {__version__}",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,  # it may bring notes, which exit_code tells
)
for place, (command, says) in enumerate(_COMMANDS.items()):
    name = command.partition(":")[2]
    app.command(
        f"volcv_async.cli.{command}",
        help=cleandoc(says),
        help_epilogue="\n".join(["Examples:", *(f"  {line}" for line in EXAMPLES[name])]),
        usage=f"Usage: volcv {name} {_TAKES[name]}" if name in _TAKES else None,
        sort_key=place,
    )
app.register_install_completion_command(  # pyright: ignore[reportUnknownMemberType] - its **kwargs
    help="Let your shell complete the words of volcv.", sort_key=len(_COMMANDS)
)


def start(arguments: Sequence[str]) -> int:
    """Run the command that these words name, and give its exit code."""
    with _writing_anywhere(), warnings_as_lines():
        _write_anything()
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


@contextmanager
def _writing_anywhere() -> Generator[None]:
    """Let what was closed before the process began be written to, and read by nobody."""
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nobody,
        redirect_stdout(sys.stdout or nobody),
        redirect_stderr(sys.stderr or nobody),
    ):
        yield


def _write_anything() -> None:
    """Let a prompt be printed where the terminal's encoding lacks its characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
