"""``volcv run`` and its lists: what it takes, and what it says of a list that is broken."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from command_of_tests import SMALL, provider, rows, write

from volcv_async.cli import main
from volcv_async.gateway import Received, service_error
from volcv_async.gateway.answers import Reply

pytestmark = pytest.mark.usefixtures("empty_folder")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)

Give = Callable[[bytes], None]


@pytest.fixture
def standard_input(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Give the command something on standard input."""

    def give(content: bytes) -> None:
        given = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", given)

    return give


def made(out: str = "out") -> list[str]:
    return sorted(row["prompt"] for row in rows(f"{out}/metadata.jsonl"))


BROKEN: dict[str, tuple[str, bytes | str, str]] = {
    "another encoding": (
        "a.txt",
        "a\n狐狸\n".encode("gb18030"),
        "a.txt, line 2: is not UTF-8 (from",
    ),
    "two bytes a character": (
        "a.csv",
        "prompt\n猫\n".encode("utf-16"),
        "a.csv, line 1: is not UTF-8",
    ),
    "binary": ("a.jsonl", PNG, "a.jsonl, line 1: is not UTF-8 (from its byte 1 on)."),
    "zeros": ("a.txt", bytes(5000), "a.txt, line 1: holds a byte that no text has (0)."),
    "empty": ("a.txt", "", "a.txt holds no prompts."),
    "comments alone": ("a.txt", "# a\n\n#b\n", "a.txt holds no prompts."),
    "no such column": (
        "a.tsv",
        "text\tid\na\t1\n",
        "a.tsv, line 1: has no column that is the prom",
    ),
    "no such key": (
        "a.jsonl",
        '{"text": "a", "id": 1}\n',
        "a.jsonl, line 1: has no column that is",
    ),
    "an unknown field": (
        "a.jsonl",
        '"a"\n{"prompt": "b", "logo_info": {"opactiy": 1}}\n',
        "a.jsonl, line 2: GeneralV21 has no field 'logo_info.opactiy'",
    ),
    "a field of a wrong type": (
        "a.csv",
        "prompt,width\na,512\nb,wide\n",
        "a.csv, line 3: width=wide",
    ),
    "a prompt of a wrong type": (
        "a.jsonl",
        '{"prompt": 42}',
        "line 1: GeneralV21: prompt=42 is no",
    ),
    "an unknown model": ("a.csv", "prompt,model\na,V9\n", "a.csv, line 2: There is no model 'V9'."),
    "an empty prompt": (
        "a.csv",
        'prompt,x\n"",1\n',
        "a.csv, line 2: GeneralV21: prompt='' is empty",
    ),
    "too many fields": (
        "a.csv",
        "prompt\na, b\n",
        "a.csv, line 2: has 2 fields where the header has",
    ),
    "an open quotation": (
        "a.csv",
        'prompt\n"a\nb\n',
        "a.csv, line 3: is no CSV: unexpected end of",
    ),
    "JSON cut off": ("a.jsonl", '"a"\n{"prompt": "b\n', "a.jsonl, line 2: is no JSON: "),
    "an array cut off": ("a.json", '["a",\n"b"', "a.json, line 2: is no JSON: a comma or the end"),
    "no array": ("a.json", '{"prompt": "a"}\n', "a.json, line 1: is no array of JSON."),
    "gzip cut off": ("a.txt.gz", gzip.compress(b"a\n")[:-9], "a.txt.gz, line 1: is where its gzip"),
    "another kind of file": (
        "a.xlsx",
        b"PK\x03\x04",
        "a.xlsx: a list of this kind cannot be read.",
    ),
    "no folder": ("a.txt", "a\n", "a.txt/b.txt: Not a directory"),
    "a folder of others": ("a/b.png", PNG, "a is a folder without any .txt file."),
    "no file": ("a.txt", "a\n", "b.txt: No such file or directory"),
}
OF_A_ROW = {
    "no such key",
    "an unknown field",
    "a field of a wrong type",
    "a prompt of a wrong type",
    "an unknown model",
    "an empty prompt",
    "too many fields",
    "JSON cut off",
}
TYPED = {"no folder": "a.txt/b.txt", "a folder of others": "a", "no file": "b.txt"}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_list_is_one_line_and_nothing_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """It says what and where, ends with 2 and makes no folder, though a good list is before it.

    For what is wrong with one row, that is what ``--strict`` asks for.
    """
    name, content, says = BROKEN[kind]
    Path(name).parent.mkdir(exist_ok=True)
    good, bad = write("good.txt", "" if "no prompts" in says else "a fox\n"), write(name, content)
    with provider(monkeypatch) as gateway:
        strict = ["--strict"] if kind in OF_A_ROW else []
        assert main(["run", good, TYPED.get(kind, bad), "-o", "out", *strict]) == 2
        assert not gateway.requests
    first, *cure = capsys.readouterr().err.splitlines()
    assert first.startswith("Error: ")
    assert says in first
    assert len(cure) <= 1
    assert not Path("out").exists()


@pytest.mark.parametrize("kind", sorted(OF_A_ROW))
def test_a_bad_row_lets_the_others_run_on(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    """It is said before anything is sent, with file, line and field, and ends the run with 1."""
    name, content, says = BROKEN[kind]
    words = ["run", write("good.txt", "a fox\n"), write(name, content), "-o", "out", "--local"]
    assert main([*words, *SMALL]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("1 row of the list cannot be sent, and will be in failed.jsonl (--st")
    assert says in said[0]
    (row,) = rows("out/failed.jsonl")
    assert says in row["message"]
    assert "a fox" in made()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--limitt", "0"], "Unknown option: --limitt."),
        (["--limit", "0"], "limit=0 leaves nothing to do."),
        (["--where", "tag"], "--where tag: no '=' in it."),
        (["--where", "x=1"], "list.txt, line 1: has no field 'x'"),
        (["--prompt-column", "x"], "list.txt has no columns"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    """It ends with 2, in plain words."""
    assert main(["run", write("list.txt", "a\n"), "--local", "-o", "out", *options]) == 2
    assert says in capsys.readouterr().err


def test_a_run_needs_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Without one it ends with 2."""
    assert main(["run", "--local", "-o", "out"]) == 2
    assert "No list is given." in capsys.readouterr().err


def test_several_lists_become_one_folder() -> None:
    """A folder of text files, a packed table and an array, one after the other."""
    Path("many").mkdir()
    for number in range(3):
        write(f"many/{number}.txt", f"fox {number}\n")
    table = write("b.tsv.gz", gzip.compress(b"Prompt\tx\nhare\t1\n"))
    array = write("c.json", '["owl", {"prompt": "千军万马"}]')
    assert main(["run", "many", table, array, "--local", "-o", "out", *SMALL]) == 0
    assert made() == ["fox 0", "fox 1", "fox 2", "hare", "owl", "千军万马"]


@pytest.mark.parametrize(
    "content", ["a cat\n# no\n一只狐狸\n".encode(), b'"a cat"\n"\\u4e00\\u53ea\\u72d0\\u72f8"']
)
def test_standard_input_is_a_list_and_is_gone_on_with(
    standard_input: Give, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """It is read before anything is sent; packed or not, the same again is done already."""
    for given in (content, gzip.compress(content)):
        standard_input(given)
        assert main(["run", "-", "--local", "-o", "out", *SMALL]) == 0
    assert made() == ["a cat", "一只狐狸"]
    assert "Going on in out: 2 done, 0 to do." in capsys.readouterr().err


def test_standard_input_that_is_no_list_is_said(
    standard_input: Give, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is called by its name, ends with 2 and leaves no folder."""
    standard_input(b"a\n\xff\n")
    assert main(["run", "-", "--local", "-o", "out"]) == 2
    assert "standard input, line 2: is not UTF-8" in capsys.readouterr().err
    standard_input(b"")
    assert main(["run", "-", "--local", "-o", "out"]) == 2
    assert "standard input holds no prompts." in capsys.readouterr().err
    assert not Path("out").exists()


def test_rows_may_be_chosen_and_repeated() -> None:
    """``--where``, ``--limit`` and ``--repeat`` go together; a sample is as large as was said."""
    listed = write("list.csv", "prompt,tag\na,x\nb,y\nc,x\nd,x\n")
    some = ["--where", "tag=x", "--limit", "2", "--repeat", "2"]
    assert main(["run", listed, "--local", "-o", "out", *SMALL, *some]) == 0
    assert made() == ["a", "a", "c", "c"]
    assert len({row["seed"] for row in rows("out/metadata.jsonl")}) == 4
    assert main(["run", listed, "--local", "-o", "drawn", *SMALL, "--sample", "3"]) == 0
    assert len(made("drawn")) == 3


def test_columns_travel_to_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that set no field are in all rows; one named as a field of ours is told apart."""

    async def refuse(received: Received) -> Reply | None:
        return service_error(50412) if received.prompt == "bad" else None

    listed = write(
        "list.jsonl",
        '{"prompt": "good", "tag": ["x", {"n": 1}], "sha256": "theirs", "seed": 7}\n'
        '{"prompt": "bad", "tag": null}\n',
    )
    with provider(monkeypatch, refuse):
        assert main(["run", listed, "-o", "out", *SMALL]) == 1
    ((good,), (bad,)) = rows("out/metadata.jsonl"), rows("out/failed.jsonl")
    assert good["tag"] == ["x", {"n": 1}]
    assert good["list_sha256"] == "theirs" != good["sha256"]
    assert good["seed"] == 7
    assert bad["tag"] is None
    with provider(monkeypatch):
        assert main(["run", "out/failed.jsonl", "-o", "again"]) == 0
    (row,) = rows("again/metadata.jsonl")
    assert row["prompt"] == "bad"
    assert row["request"]["width"] == 256
    assert row["tag"] is None
    assert "list_index" not in row
