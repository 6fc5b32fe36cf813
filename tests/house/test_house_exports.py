"""What the package exports, and that the reference documents all of it."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import volcv_async
from volcv_async import gateway, testing

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
_DIRECTIVE = re.compile(r"^\.\. (?:auto\w+|py:data):: ([\w.]+)", re.MULTILINE)


def documented() -> set[str]:
    pages = (page.read_text(encoding="utf-8") for page in REFERENCE.glob("*.md"))
    return {name for page in pages for name in _DIRECTIVE.findall(page)}


@pytest.mark.parametrize("package", [volcv_async, gateway], ids=lambda package: package.__name__)
class TestPackage:
    def test_exported_names_are_sorted_and_unique(self, package: ModuleType) -> None:
        """``__all__`` is read by people, who look names up in it: constants first."""
        names = set(package.__all__)
        assert list(package.__all__) == sorted(names, key=lambda name: (not name.isupper(), name))

    def test_every_exported_name_is_there(self, package: ModuleType) -> None:
        """A name in ``__all__`` that cannot be imported would break a star import."""
        for name in package.__all__:
            assert getattr(package, name) is not None

    def test_everything_imported_is_exported(self, package: ModuleType) -> None:
        """A class or function of ours that stands in the package is a public one."""
        ours = {
            name
            for name, thing in vars(package).items()
            if (inspect.isclass(thing) or inspect.isfunction(thing))
            and thing.__module__.startswith("volcv_async.")
        }
        assert ours <= set(package.__all__)

    def test_every_exported_name_is_in_the_reference(self, package: ModuleType) -> None:
        """Whatever a user can import has its place in the documentation."""
        wanted = {f"{package.__name__}.{name}" for name in package.__all__}
        assert wanted - documented() == set()

    def test_every_exported_name_has_a_docstring(self, package: ModuleType) -> None:
        """The reference is made of docstrings, so each public class and function has one."""
        things = {name: getattr(package, name) for name in package.__all__}
        described = {
            name: inspect.getdoc(thing)
            for name, thing in things.items()
            if inspect.isclass(thing) or inspect.isfunction(thing)
        }
        assert [name for name, text in described.items() if not text] == []


def test_the_reference_documents_nothing_else() -> None:
    """What the reference shows can be imported from where it says."""
    public = {f"volcv_async.{name}" for name in volcv_async.__all__}
    public |= {f"volcv_async.gateway.{name}" for name in gateway.__all__}
    public |= {f"volcv_async.testing.{name}" for name in testing.__all__}
    assert documented() <= public


def test_the_client_imports_without_the_extras() -> None:
    """Who has a key needs no library of the command, of the gateway or of shared limits."""
    check = (
        "import sys, volcv_async\n"
        "extras = {'PIL', 'cyclopts', 'rich', 'redis', 'pyrate_limiter', 'volcv_async.gateway'}\n"
        "print(*sorted(extras & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", check], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == ""
