"""Run everything that the documentation shows, and hold it to the output that stands beside it.

    python docs/run_examples.py [NAME ...]

Each script in `docs/examples` (Python, shell, or the cells of a notebook) runs in a folder of its
own, with every warning an error, against a local gateway that this program starts and names in the
environment. What it prints, on either stream, must be what its `.out` file shows; `...` there
stands for anything. So must each Python block of the README where a `text` block follows it; the
others need only end well.

It needs the extras `docs` and `test`. It ends with 1 if anything differs.
"""

from __future__ import annotations

import asyncio
import doctest
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from volcv_async.gateway import LocalGateway

DOCS = Path(__file__).resolve().parent
EXAMPLES = DOCS / "examples"
TESTS = "test_*.py"
"""Test files, which a shell script runs."""
APPLICATIONS = "*_app.py"
"""What they test. These and those lie in each example's folder, and are none by themselves."""

README = DOCS.parent / "README.md"

AT_ONCE = 2
PATIENCE = 60.0
"""Seconds that one example may take."""

_STRICT = (sys.executable, "-W", "error")
_RUN_BY = {
    ".py": _STRICT,
    ".ipy": (*_STRICT, str(DOCS / "run_cells.py")),
    ".sh": ("sh", "-eu"),
}
"""What runs a script, by its suffix."""

_BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@attrs.frozen(kw_only=True)
class Example:
    """One script, and what it prints; None where it may print what it likes."""

    name: str
    source: str
    expected: str | None


def from_files() -> Iterator[Example]:
    """Read the scripts of the documentation."""
    scripts = {path for path in EXAMPLES.iterdir() if path.suffix in _RUN_BY} - set(_beside())
    for path in sorted(scripts):
        expected = path.with_suffix(".out").read_text(encoding="utf-8")
        yield Example(name=path.name, source=path.read_text(encoding="utf-8"), expected=expected)


def _beside() -> Iterator[Path]:
    yield from EXAMPLES.glob(TESTS)
    yield from EXAMPLES.glob(APPLICATIONS)


def from_readme(text: str) -> Iterator[Example]:
    """Read the Python blocks of the README, each with the output that follows it."""
    for number, block in enumerate(_BLOCK.finditer(text), start=1):
        yield Example(name=f"readme_{number}.py", source=block[1], expected=block[2])


async def run(example: Example, gateway: LocalGateway) -> str:
    """Run one example; give what is wrong with it, or an empty text."""
    with tempfile.TemporaryDirectory(prefix="example-") as folder:
        script = Path(folder) / example.name
        script.write_text(example.source, encoding="utf-8")
        for file in _beside():
            shutil.copy(file, folder)
        # Through a file, as people see it; into a pipe, volcv run would write for programs.
        with tempfile.TemporaryFile() as printed:
            process = await asyncio.create_subprocess_exec(
                *_RUN_BY[script.suffix],
                script.name,
                cwd=folder,
                env=_environment(gateway, folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=printed,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                process.kill()
                await process.wait()
                return f"It did not end within {PATIENCE:g} seconds.\n"
            printed.seek(0)
            said = printed.read().decode().replace("\r\n", "\n")
    return _judge(example, said, process.returncode)


def _environment(gateway: LocalGateway, folder: str) -> dict[str, str]:
    commands = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "error",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": f"{folder}/.hugging-face",
        "HF_HUB_OFFLINE": "1",
        "IPYTHONDIR": f"{folder}/.ipython",
        "VOLCV_BASE_URL": gateway.url,
        "VOLCV_API_KEY": "local-key",
    }


def _judge(example: Example, printed: str, code: int | None) -> str:
    if code:
        return f"It ended with {code} and printed:\n{printed}"
    if example.expected is None:
        return ""
    checker = doctest.OutputChecker()
    if checker.check_output(example.expected, printed, doctest.ELLIPSIS):
        return ""
    wanted = doctest.Example(example.source, example.expected)
    return checker.output_difference(wanted, printed, doctest.ELLIPSIS)


async def main(names: Sequence[str]) -> int:
    """Run the examples of these names, or all, and say how each went."""
    found = [*from_files(), *from_readme(README.read_text(encoding="utf-8"))]
    chosen = [example for example in found if not names or example.name in names]
    turns = asyncio.Semaphore(AT_ONCE)

    async def tell(example: Example, gateway: LocalGateway) -> bool:
        async with turns:
            wrong = await run(example, gateway)
        print(f"{'WRONG' if wrong else 'right'} {example.name}\n{wrong}", end="", flush=True)
        return not wrong

    async with LocalGateway() as gateway:
        right = await asyncio.gather(*(tell(example, gateway) for example in chosen))
    print(f"{sum(right)} of {len(right)} examples are as the documentation shows them.")
    return 0 if right and all(right) else 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
