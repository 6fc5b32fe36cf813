"""Real prompt lists through the real command, and every prompt looked for in what came out.

    python -m benchmarks.prompt_lists ../shared/prompts

The folder holds the three lists named below. Each is run with ``volcv run … --local`` into a
folder of its own, at the smallest size so that drawing takes little time (``--full`` draws at the
default size). Then, for every prompt, as these lines read it and not as the library does: is there
an image and a row for it, does the row hold the same bytes, and does the picture itself? The exit
code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from PIL import Image

_SMALL = ("-p", "width=256", "-p", "height=256", "-p", "use_sr=false")


@attrs.frozen(kw_only=True)
class PromptList:
    """A list, how many prompts it has, under which name, and how to read them."""

    name: str
    column: str
    count: int
    read: Callable[[bytes], list[bytes]]


def _read_tsv(data: bytes) -> list[bytes]:
    """Parse tab-separated values without any quoting."""
    header, *rows = (line.split(b"\t") for line in data.split(b"\n") if line)
    column = header.index(b"Prompt")
    return [row[column] for row in rows]


def _read_jsonl(data: bytes) -> list[bytes]:
    """Parse one JSON object a line."""
    return [json.loads(line)["prompt"].encode() for line in data.split(b"\n") if line]


def _read_csv(data: bytes) -> list[bytes]:
    """Parse comma-separated values, character by character, with quoted fields."""
    rows, row, field, quoted = list[list[str]](), list[str](), "", False
    for character in data.decode().replace('""', "\0"):
        if character == '"':
            quoted = not quoted
        elif character in ",\n" and not quoted:
            row, field = [*row, field.replace("\0", '"')], ""
            if character == "\n":
                rows, row = [*rows, row], list[str]()
        else:
            field += character
    header, *rest = rows
    return [row[header.index("prompt_zh")].encode() for row in rest]


LISTS = (
    PromptList(name="PartiPrompts.tsv", column="Prompt", count=1632, read=_read_tsv),
    PromptList(
        name="unigenbench_test_prompts_zh.csv", column="prompt_zh", count=600, read=_read_csv
    ),
    PromptList(
        name="geneval_evaluation_metadata.jsonl", column="prompt", count=553, read=_read_jsonl
    ),
)


def _run(prompts: Path, column: str, out: Path, options: Sequence[str]) -> float:
    """Run the command and give the seconds it took."""
    volcv = Path(sys.executable).with_name("volcv")
    command = [str(volcv), "run", str(prompts), "--prompt-column", column]
    command += ["--local", "-o", str(out), *options]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    return time.monotonic() - began


def _compare(out: Path, prompts: Sequence[bytes]) -> list[str]:
    """Say what differs between a list and the folder that was made of it."""
    with (out / "metadata.jsonl").open(encoding="utf-8") as lines:
        rows: dict[str, dict[str, Any]] = {
            Path(row["file_name"]).stem: row for row in map(json.loads, lines)
        }
    images = {path.stem: path for path in (out / "images").iterdir()}
    names = {f"{number:06d}": prompt for number, prompt in enumerate(prompts)}
    wrong = [f"{name}: no row" for name in names.keys() - rows.keys()]
    wrong += [f"{name}: no image" for name in names.keys() - images.keys()]
    wrong += [f"{name}: of no prompt" for name in (rows.keys() | images.keys()) - names.keys()]
    for name in names.keys() & rows.keys() & images.keys():
        if rows[name]["prompt"].encode() != names[name]:
            wrong.append(f"{name}: the row has another prompt than the list")
        if _prompt_of(images[name]) != rows[name]["prompt"]:
            wrong.append(f"{name}: the picture has another prompt than its row")
    return wrong


def _prompt_of(path: Path) -> str | None:
    with Image.open(path) as image:
        return image.info.get("prompt")


def _check(folder: Path, known: PromptList, options: Sequence[str]) -> list[str]:
    prompts = known.read((folder / known.name).read_bytes())
    wrong = [] if len(prompts) == known.count else [f"{len(prompts)} prompts read here"]
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out")
        seconds = _run(folder / known.name, known.column, out, options)
        wrong += _compare(out, prompts)
    pace = known.count / seconds
    print(f"{known.name:<36}{known.count:>8,}{seconds:>9.1f}{pace:>9.1f}{len(wrong):>10}")
    return [f"{known.name}: {line}" for line in sorted(wrong)]


def main() -> int:
    """Check all lists; give 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Real prompt lists through the real command.")
    parser.add_argument("folder", type=Path, help="where the lists are")
    parser.add_argument("--full", action="store_true", help="draw at the default size")
    given = parser.parse_args()
    print(f"{'list':<36}{'prompts':>8}{'seconds':>9}{'per s':>9}{'wrong':>10}")
    options = () if given.full else _SMALL
    wrong = [line for known in LISTS for line in _check(given.folder, known, options)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
