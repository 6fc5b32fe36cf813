"""What the project's files say of each other."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import volcv_async

ROOT = Path(__file__).parents[2]

DEMO = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[cli,local]' && .venv/bin/volcv demo"
TEST = (
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest"
)

# Where a machine's own files lie; what a line of pinned requirements may be.
_MACHINE = re.compile(r"(?<![\w.>])/(?:root|home|Users|work|opt|tmp)/\w")
_PIN = re.compile(
    r"#.*|[a-z0-9-]+(\[[a-z0-9,]+\])?==[\w.]+ \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
)
_BUILT = {"__pycache__", "_build", "build", "dist", "htmlcov", "out", "volcv-demo"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pyproject() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


def committed() -> Iterator[Path]:
    """All files that are or would be committed; without git, all that are not built."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if listed.returncode == 0:
        files = (ROOT / name for name in listed.stdout.split("\0") if name)
    else:
        files = ROOT.rglob("*")
    for file in files:
        parts = file.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts[:-1])
        if file.is_file() and not hidden and not _BUILT & set(parts):
            yield file


def texts() -> Iterator[tuple[Path, str]]:
    for file in committed():
        data = file.read_bytes()
        if b"\0" not in data:
            yield file, data.decode()


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file, text in texts()
        for match in pattern.finditer(text)
    ]


def test_the_version_is_one() -> None:
    """The version that is built is the version that the package says it has."""
    assert pyproject()["project"]["version"] == volcv_async.__version__


def test_the_changelog_names_the_version() -> None:
    """The newest heading of the changelog is the version of today."""
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == volcv_async.__version__


def test_the_readme_begins_with_its_two_commands() -> None:
    """Both commands are one line each, whole in themselves, and on the first screen."""
    first_screen = read("README.md").splitlines()[:24]
    assert [line for line in first_screen if line.startswith("python3 -m venv")] == [DEMO, TEST]


def test_the_readme_names_the_oldest_python() -> None:
    """The README asks for the Python that the package asks for."""
    oldest = pyproject()["project"]["requires-python"].removeprefix(">=")
    assert f"Python {oldest} or later" in read("README.md")


def test_the_readme_links_to_files_that_are_there() -> None:
    """A link of the README or of CONTRIBUTING leads somewhere."""
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name)):
            assert (ROOT / target).exists(), f"{name} links to {target}"


def test_no_file_names_a_path_of_a_machine() -> None:
    """What is committed works wherever it is checked out."""
    assert found(_MACHINE) == []


def test_what_is_pinned_names_no_place() -> None:
    """Pinned requirements are versions and hashes; where they come from is not said."""
    lines = read(".ci/requirements.txt").splitlines()
    assert [line for line in lines if not _PIN.fullmatch(line)] == []
