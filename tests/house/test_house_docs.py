"""What the pages of the documentation say, held against what they speak of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs
import pytest
from cyclopts import App

import volcv_async
from volcv_async.cli.app import app
from volcv_async.cli.session import Exit
from volcv_async.gateway import Drop, LocalGateway, Received, Reply
from volcv_async.job import STANDINGS, Status
from volcv_async.job.rows import OURS

DOCS = Path(__file__).parents[2] / "docs"
PACKAGE = Path(volcv_async.__file__).parent
EXAMPLES = DOCS / "examples"
FIRST = (DOCS / "index.md").read_text(encoding="utf-8")
COMMAND = (DOCS / "reference" / "command.md").read_text(encoding="utf-8")
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)

_INCLUDED = re.compile(r"literalinclude\} (?:\.\./)*examples/(\S+)")


def section(heading: str) -> str:
    """The text of one section of the command's reference, up to the next heading."""
    _, _, rest = COMMAND.partition(f"{heading}")
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    """What stands in code in the first column of a table."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def options(command: App) -> set[str]:
    """The names of a command's options."""
    names = {name for argument in command.assemble_argument_collection() for name in argument.names}
    return {name for name in names if name.startswith("-")}


def defaults(command: App) -> dict[str, str]:
    """The defaults of a command's options that have one worth a word, as one would type them."""
    arguments = command.assemble_argument_collection()
    found = {argument.names[0]: argument.field_info.default for argument in arguments}
    return {
        name: str(held)
        for name, held in found.items()
        if isinstance(held, str | int | float | Path) and held is not False
    }


def described_defaults(text: str) -> dict[str, str]:
    """What stands in code in the second column of a table of options."""
    return dict(re.findall(r"^\| `(-[^`]*)`[^|]* \| `([^`]*)` \|", text, re.MULTILINE))


def commands() -> dict[str, App]:
    names = [name for name in app.resolved_commands() if not name.startswith("-")]
    return {name: app[name] for name in names}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_begins_with_something_that_runs(page: Path) -> None:
    """The first code of a page is an example file, and its output is the next."""
    text = page.read_text(encoding="utf-8")
    first, *rest = re.findall(r"^```.*", text, re.MULTILINE)[::2]
    script, *others = _INCLUDED.findall(text)
    assert script in first
    while script.startswith("test_") or script.endswith("_app.py"):  # run by a script after it
        script, first, others, rest = others[0], rest[0], others[1:], rest[1:]
    assert others[0] == f"{Path(script).stem}.out"
    assert others[0] in rest[0]


def test_the_first_page_leads_to_each_task() -> None:
    """Its first table is what people come for, one row each, and each is one click away."""
    asked_for = {
        "no key": "tutorial.md",
        "two calls a second": "howto/overnight.md",
        "FastAPI": "howto/fastapi.md",
        "never ends": "howto/endless-source.md",
        "paid for": "howto/audit.md",
    }
    first_table = FIRST.partition("## Find your page")[2].strip().split("\n\n")[0]
    rows = first_table.splitlines()[2:]
    for row, (words, page) in zip(rows, asked_for.items(), strict=True):
        assert words in row
        assert f"({page})" in row


@pytest.mark.parametrize("page", ["tutorial.md", "howto/overnight.md"])
def test_a_page_says_that_the_provider_wants_a_new_folder(page: str) -> None:
    """In the folder that the local gateway filled, a run with a key would send nothing."""
    text = (DOCS / page).read_text(encoding="utf-8")
    bought = re.findall(r"^volcv run .* -o (\w+)$", text, re.MULTILINE)
    drawn = [
        folder
        for name in _INCLUDED.findall(text)
        for folder in re.findall(r" --local -o (\w+)", (EXAMPLES / name).read_text("utf-8"))
    ]
    assert drawn
    assert not set(bought) & set(drawn)
    assert re.search(r"\bname a new folder\b", text, re.IGNORECASE)


def test_every_how_to_is_on_the_first_page() -> None:
    """A page that only the list beside it names would be found by nobody."""
    linked = set(re.findall(r"\]\((howto/[^)#]+)\)", FIRST))
    assert {f"howto/{page.name}" for page in (DOCS / "howto").glob("*.md")} == linked


def test_every_example_is_on_a_page() -> None:
    """An example that no page shows would rot unseen."""
    shown = {name for page in PAGES for name in _INCLUDED.findall(page.read_text(encoding="utf-8"))}
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == shown


def test_the_reference_has_every_command_and_option() -> None:
    """What can be typed is in the reference, and what is in the reference can be typed."""
    assert set(re.findall(r"^### volcv (\w+)", COMMAND, re.MULTILINE)) == set(commands())
    for name, command in commands().items():
        described = first_column(section(f"### volcv {name}"))
        assert {word for word in described if word.startswith("-")} == options(command), name


def test_the_reference_has_the_defaults() -> None:
    """What an option is when it is left out is what the reference says that it is."""
    for name, command in commands().items():
        described = described_defaults(section(f"### volcv {name}"))
        described.pop("--prompt-column", None)  # where it is left out, the list is looked at
        assert described == defaults(command), name


def test_the_reference_has_every_variable() -> None:
    """Each variable of the environment that anything reads is explained, and no other."""
    read = {
        name
        for file in PACKAGE.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "environ" in line or "getenv" in line
        for name in re.findall(r'"([A-Z][A-Z_]+)"', line)
    }
    assert set(first_column(section("## Environment"))) == read >= {"VOLCV_API_KEY"}


def test_the_reference_has_what_status_says() -> None:
    """The fields of an object, and the words for how a prompt stands."""
    described = section("### volcv status")
    fields = [name for name in first_column(described) if not name.startswith("-")]
    assert fields == [field.name for field in attrs.fields(Status)]
    (words,) = re.findall(r"^\| `standing` \| (.*) \|$", described, re.MULTILINE)
    assert tuple(re.findall(r"`([^`]+)`", words)) == STANDINGS


def test_the_reference_has_every_exit_code() -> None:
    """Each exit code is explained, and no other."""
    codes = re.findall(r"^\| (\d+) \|", section("## Exit codes"), re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in Exit]


async def test_the_reference_has_every_field_of_a_row(tmp_path: Path) -> None:
    """The rows that a job writes have the fields that the reference describes, in that order."""

    async def break_one(received: Received) -> Reply | None:
        return Drop() if received.prompt == "b" else None

    requests = [volcv_async.GeneralV21(prompt=prompt) for prompt in ("a", "b")]
    async with (
        LocalGateway(latency=0.0, answer=break_one) as gateway,
        volcv_async.Client(gateway.account()) as client,
    ):
        await volcv_async.run(client, requests, out=tmp_path / "out")
    good, bad = (
        list(json.loads((tmp_path / "out" / name).read_text(encoding="utf-8")))
        for name in ("metadata.jsonl", "in_doubt.jsonl")
    )
    of_images, _, rest = COMMAND.partition("A row of `failed.jsonl`")
    of_errors, _, of_bad_rows = rest.partition("A bad row of the list")
    described = first_column(of_images.partition("A row of `metadata.jsonl`")[2])
    history = ["seeds_refused", "perhaps_billed", "earlier_request_ids"]
    assert described == [*good, "size_asked_for", *history]
    assert first_column(of_errors) == [*bad, "url", "expires", *history]
    assert {*described, *first_column(of_errors)} == OURS
    assert first_column(of_bad_rows) == _fields_of_a_bad_row(tmp_path / "list.csv")


def _fields_of_a_bad_row(listed: Path) -> list[str]:
    listed.write_text("text,width\na,wide\n", encoding="utf-8")
    rows = volcv_async.read_list(listed, prompt_column="text", strict=False)
    (fields,) = [list(bad.row) for bad in rows if isinstance(bad, volcv_async.BadRow)]
    return fields
