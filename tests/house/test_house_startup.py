"""What is imported when: a program pays at its start for nothing that it does not use."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

import pytest

import volcv_async
from volcv_async.cli.app import app

CLIENT = """
import volcv_async as volcv
volcv.Client(volcv.Account("https://gateway.example/volcv/v1", volcv.Bearer("a-key")))
"""

WATCHED = """
import sys
before = {{*sys.modules}}
{}
print()
print(*{{*sys.modules}} - before)
"""


def imported(program: str) -> set[str]:
    """What a fresh interpreter imports for a program, beyond what it starts with."""
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", WATCHED.format(program)], capture_output=True, check=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*words: str) -> str:
    return f"from volcv_async.cli import main\nassert main({words!r}) == 0"


def test_importing_the_package_imports_no_library() -> None:
    """The package alone needs the standard library, and little of that."""
    dear = {"aiohttp", "asyncio", "attr", "cattrs", "cyclopts", "rich", "PIL", "sqlite3"}
    ours = imported("import volcv_async")
    assert ours & dear == set()
    assert {name for name in ours if name.startswith("volcv_async")} == {"volcv_async"}


@pytest.mark.parametrize("program", ["from volcv_async import Client", CLIENT])
def test_a_client_imports_no_aiohttp_before_it_is_opened(program: str) -> None:
    """Who only defines things, or fails early, does not wait for the slowest import."""
    assert imported(program) & {"aiohttp", "cyclopts", "rich", "PIL"} == set()


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",)])
def test_what_the_command_says_of_itself_needs_no_client(words: tuple[str, ...]) -> None:
    """Help and version import what they are drawn with, and nothing that sends."""
    ours = imported(command(*words))
    assert "cyclopts" in ours
    assert ours & {"aiohttp", "asyncio", "cattrs", "PIL", "sqlite3"} == set()
    assert ours & {"volcv_async.client", "volcv_async.gateway", "volcv_async.job"} == set()


@pytest.mark.parametrize(
    "name", ["demo", "generate", "run", "status", "gallery", "export", "serve", "models"]
)
def test_the_help_of_a_command_imports_no_aiohttp(name: str) -> None:
    """Whatever a command does, telling its options sends nothing."""
    assert "aiohttp" not in imported(command(name, "--help"))


def test_an_answer_to_the_shell_s_completion_imports_no_aiohttp() -> None:
    """Nobody waits for the client at a press of the tabulator."""
    assert "aiohttp" not in imported(command("__complete", "run", "--model", ""))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell_s_completion_imports_no_aiohttp(shell: str) -> None:
    """It needs the options of all commands, and so their modules."""
    program = f"from volcv_async.cli.app import app\napp.generate_completion(shell={shell!r})"
    ours = imported(program)
    assert {"volcv_async.cli.run", "volcv_async.cli.serve"} <= ours
    assert "aiohttp" not in ours


def test_the_list_of_commands_begins_with_what_each_says() -> None:
    """The help that is told without a command's module is that of its function."""
    names = [name for name in app.resolved_commands() if not name.startswith("-")]
    assert len(names) == 8
    for name in names:
        says = cleandoc(app[name].default_command.__doc__ or "")
        assert app[name].help.partition("\n\n")[0] == says, name


class TestNames:
    def test_type_checkers_and_python_are_told_the_same(self) -> None:
        """The imports for type checkers, the table of rooms and ``__all__`` have the same names."""
        tree = ast.parse(Path(volcv_async.__file__).read_text(encoding="utf-8"))
        [block] = [node for node in tree.body if isinstance(node, ast.If)][:1]
        told = {
            name.name: (node.module or "").removeprefix("volcv_async").removeprefix(".")
            for node in block.body
            if isinstance(node, ast.ImportFrom)
            for name in node.names
        }
        assert told.pop("gateway") == ""
        assert told == volcv_async._ROOM_OF
        assert {*told, "gateway"} == set(volcv_async.__all__)

    def test_a_name_is_what_its_room_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Asked for the first time, a name is found in its room, and kept."""
        for name, room in volcv_async._ROOM_OF.items():
            monkeypatch.delitem(vars(volcv_async), name, raising=False)
            thing = getattr(volcv_async, name)
            assert thing is getattr(import_module(f"volcv_async.{room}"), name)
            assert vars(volcv_async)[name] is thing

    def test_the_gateway_is_a_room_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is asked for by its name, as a module."""
        gateway = import_module("volcv_async.gateway")
        monkeypatch.delitem(vars(volcv_async), "gateway")
        assert volcv_async.gateway is gateway

    def test_a_misspelt_name_is_said(self) -> None:
        """What is not there fails as in any module."""
        with pytest.raises(AttributeError, match="'volcv_async' has no attribute 'Cleint'"):
            _ = volcv_async.Cleint  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]

    def test_names_are_listed_before_they_are_imported(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """``dir`` shows a newcomer all there is, and imports none of it."""
        monkeypatch.delitem(vars(volcv_async), "Client", raising=False)
        assert {*volcv_async.__all__} <= {*dir(volcv_async)}
        assert "Client" not in vars(volcv_async)

    def test_a_star_imports_all(self) -> None:
        """A star import gives every public name."""
        ours = imported(
            "from volcv_async import *\nassert GeneralV21 and Client and gateway and run"
        )
        assert {"volcv_async.client", "volcv_async.gateway", "volcv_async.job"} <= ours

    def test_values_travel_between_processes(self) -> None:
        """A pickled value is known by its room, in whichever process it is read."""
        pickled = pickle.dumps(volcv_async.GeneralV21(prompt="a red fox"))
        program = f"import pickle\nassert pickle.loads({pickled!r}).prompt == 'a red fox'"
        assert "volcv_async.models.general" in imported(program)
