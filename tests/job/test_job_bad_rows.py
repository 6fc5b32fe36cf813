"""Rows of a list that are no requests: the others run on, and failed.jsonl keeps these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from volcv_async.client import Client
from volcv_async.config import Limits
from volcv_async.errors import InvalidRequestError
from volcv_async.gateway import LocalGateway
from volcv_async.job import BadRow, Item, JobReport, Listed, Wishes, read_list, run, survey
from volcv_async.job.lists import spooled
from volcv_async.models import GeneralV14, GeneralV21
from volcv_async.results import Outcome

LINES = {
    1: '"a fox"',
    2: '{"prompt": "an owl", "width": "wide"}',
    3: '{"prompt": "cut o',
    4: "42",
    5: '{"text": "a hare", "tag": "x"}',
    6: '{"prompt": "a moth", "model": "V9"}',
    7: '{"prompt": "a tree", "tag": "x"}',
}
BAD = [2, 3, 4, 5, 6]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def failed(out: Path) -> list[dict[str, Any]]:
    path = out / "failed.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def correct(out: Path, **cells: object) -> Path:
    """Correct the first row of ``failed.jsonl``, as an editor would."""
    first, *others = failed(out)
    first["row"] = cells
    return write(out / "failed.jsonl", *map(json.dumps, [first, *others]))


def lenient(path: Path, **options: Any) -> list[Listed | BadRow]:  # noqa: ANN401 - those of read_list
    return list(read_list(path, strict=False, **options))


def kinds(listed: Sequence[Listed | BadRow]) -> list[int | str | None]:
    """Give the prompt of each request, and the line of each row that is none."""
    return [
        one.line if isinstance(one, BadRow) else getattr(one.request, "prompt", None)
        for one in listed
    ]


def ahead(out: Path, listed: Sequence[Item]) -> str:
    return survey(out, listed, wishes=Wishes()).line()


async def go(out: Path, listed: Sequence[Item], concurrency: int = 4) -> JobReport:
    limits = Limits(concurrency=concurrency, adaptive=False)
    async with (
        LocalGateway(latency=0.0) as gateway,
        Client(gateway.account(limits=limits)) as client,
    ):
        return await run(client, listed, out=out)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A list in which most rows are bad, each in its own way."""
    return write(tmp_path / "list.jsonl", *LINES.values())


def test_a_bad_row_comes_in_its_place(table: Path) -> None:
    """It has its list, its line and what is wrong; the rows after it are read."""
    listed = lenient(table)
    assert kinds(listed) == ["a fox", *BAD, "a tree"]
    bad = listed[1]
    assert isinstance(bad, BadRow)
    assert bad.source == str(table)
    assert str(bad.error).startswith(f"{table}, line 2: GeneralV21: width='wide' is no whole num")
    assert bad.row == {
        "list": str(table),
        "line": 2,
        "row": {"prompt": "an owl", "width": "wide"},
        "error": "InvalidRequestError",
        "message": bad.error.message,
        "help": bad.error.help,
        "billed": "no",
    }


def test_what_is_wrong_is_one_line_whatever_the_row_holds(tmp_path: Path) -> None:
    """A line end or a command for a terminal is no part of it; a long cell loses its middle."""
    cells = '"9\n\x1b[2J9"', "9" * 100_000 + "x"
    path = write(tmp_path / "list.csv", "prompt,seed", *(f"a,{cell}" for cell in cells))
    odd, long = [one for one in lenient(path) if isinstance(one, BadRow)]
    assert odd.error.message.endswith(r"seed=9  [2J9: '9\n\x1b[2J9' is no whole number.")
    assert long.error.message.endswith("9x' is no whole number.")
    assert len(long.error.message) < 1000
    assert len(long.row["row"]["seed"]) == 100_001


def test_a_strict_reader_raises_it(table: Path) -> None:
    """That is how a list is read unless something else is asked for."""
    with pytest.raises(InvalidRequestError, match="line 2: GeneralV21: width='wide'"):
        list(read_list(table))


@pytest.mark.parametrize("name", ["list.csv", "list.tsv"])
def test_a_table_has_bad_rows_too(tmp_path: Path, name: str) -> None:
    """Too many fields, none for the prompt, and a text that is no value of its column."""
    lines = ["x,prompt,width", "1,a fox,512", "1,a,b,c", "1", "1,a hare,wide", "1,an owl"]
    mark = "\t" if name.endswith("tsv") else ","
    listed = lenient(write(tmp_path / name, *(line.replace(",", mark) for line in lines)))
    assert kinds(listed) == ["a fox", 3, 4, 5, "an owl"]
    rows = [one.row for one in listed if isinstance(one, BadRow)]
    assert [row["row"] for row in rows] == [
        ["1", "a", "b", "c"],
        {"x": "1", "prompt": "", "width": ""},
        {"x": "1", "prompt": "a hare", "width": "wide"},
    ]
    assert {row["typed"] for row in rows} == {False}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b'prompt\na\n"b'),
        ("a.csv", b"prompt,x,x\na,1,2\n"),
        ("a.csv", b"text,id\na,1\n"),
        ("a.json", b'["a", {"prompt": "b"}'),
        ("a.jsonl", b'"a"\n"\xff"\n'),
        ("a.txt", b"a\n\0\n"),
    ],
)
def test_a_list_that_is_wrong_as_a_whole_is_raised(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """Nobody can tell its rows, so it is no matter of one of them."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidRequestError):
        lenient(path)


def test_a_bad_row_is_a_row_to_choose_from(table: Path) -> None:
    """It counts for a limit and a sample, and once where others count several times."""
    assert kinds(lenient(table, limit=2, repeat=2)) == ["a fox", "a fox", 2]
    assert kinds(lenient(table, sample=7)) == ["a fox", *BAD, "a tree"]
    assert len(kinds(lenient(table, sample=3))) == 3


def test_a_condition_passes_over_bad_rows_that_do_not_hold_it(table: Path, tmp_path: Path) -> None:
    """Of those without cells nobody can tell, so they are said."""
    assert kinds(lenient(table, where={"tag": "x"})) == [3, 4, 5, "a tree"]
    short = write(tmp_path / "short.csv", "prompt,tag", "a", "b,x", "c,x,y", "d,y,y")
    listed = lenient(short, where={"tag": "x"})
    assert kinds(listed) == ["b", 4]
    bad = [json.dumps(one.row) for one in listed if isinstance(one, BadRow)]
    others = '{"prompt": "e", "x": "1"}'
    texts = json.dumps({"row": {"prompt": ""}, "typed": False, "error": "", "billed": "no"})
    path = write(tmp_path / "failed.jsonl", *bad, others, texts)
    assert kinds(lenient(path, where={"x": "1"})) == [4, "e"]


def test_what_failed_jsonl_keeps_is_read_as_it_stood(table: Path, tmp_path: Path) -> None:
    """It stays bad until it is corrected, however often it is written down and read again."""
    bad = [one for one in lenient(table) if isinstance(one, BadRow)]
    path = tmp_path / "failed.jsonl"
    for _ in range(2):
        write(path, *(json.dumps(one.row) for one in bad))
        bad = [one for one in lenient(path) if isinstance(one, BadRow)]
        assert [one.line for one in bad] == BAD
        assert [one.row["list"] for one in bad] == [str(table)] * 5
    assert str(bad[0].error).startswith(f"{path}, line 1 ({table}:2): GeneralV21: width='wide'")
    assert bad[0].row["message"].startswith(f"{table}:2: GeneralV21: width='wide'")


def test_a_corrected_row_is_its_request(table: Path, tmp_path: Path) -> None:
    """It is read as its list would have been, with what stands beside the request."""
    _, _, _, _, bad, *_ = lenient(table)
    assert isinstance(bad, BadRow)
    row = {**bad.row, "row": {"prompt": "a hare", "tag": "x"}}
    (listed,) = read_list(write(tmp_path / "failed.jsonl", json.dumps(row)))
    assert listed.request == GeneralV21(prompt="a hare")
    assert listed.columns == {"tag": "x"}
    assert listed.corrected == {
        **row,
        "message": "It was corrected, and is not sent yet.",
        "help": "Run this list again, and it is.",
    }


def test_a_corrected_row_of_a_table_holds_texts(tmp_path: Path) -> None:
    """Its cells are read as one types them, numbers are taken, and its prompt is where it was."""
    listed = write(tmp_path / "list.csv", "text,model,width", "a,V9,256", "b,,wide", "c,,wide")
    bad = [one.row for one in lenient(listed, prompt_column="text") if isinstance(one, BadRow)]
    bad[0]["row"]["model"] = "GeneralV14"
    bad[1]["row"]["width"] = 512
    bad[2]["row"] = {"prompt": "d"}
    path = write(tmp_path / "failed.jsonl", *map(json.dumps, bad))
    assert [one.request for one in read_list(path)] == [
        GeneralV14(prompt="a", width=256),
        GeneralV21(prompt="b", width=512),
        GeneralV21(prompt="d"),
    ]


def test_a_prompt_stays_where_its_table_had_it(tmp_path: Path) -> None:
    """Even of a row with too many fields, after it was written down twice."""
    listed = write(tmp_path / "list.csv", "text,x", "a,b,c")
    path = tmp_path / "failed.jsonl"
    row: dict[str, Any] = {}
    for column in ("text", None):
        (bad,) = lenient(listed, prompt_column=column)
        assert isinstance(bad, BadRow)
        row = bad.row
        assert row["row"] == ["a", "b", "c"]
        listed = write(path, json.dumps(row))
    write(path, json.dumps({**row, "row": {"text": "a, b", "x": "c"}}))
    (one,) = read_list(path)
    assert (one.request, one.columns) == (GeneralV21(prompt="a, b"), {"x": "c"})


def test_whoever_corrects_may_take_more_away(tmp_path: Path) -> None:
    """Without its place a row has that in which it stands; a text is still no prompt."""
    row = {"row": "a fox", "error": "", "billed": "no", "line": "x", "list": None}
    path = write(tmp_path / "failed.jsonl", json.dumps(row))
    (bad,) = lenient(path)
    assert isinstance(bad, BadRow)
    assert (bad.source, bad.line) == (str(path), 1)
    assert "is no JSON" in bad.error.message


def test_columns_of_those_names_are_a_lists_own(tmp_path: Path) -> None:
    """A list may have a column ``row`` and another ``error``."""
    row = {"prompt": "a", "row": 3, "error": "x", "billed": "no"}
    (listed,) = read_list(write(tmp_path / "list.jsonl", json.dumps(row)))
    assert listed == Listed(GeneralV21(prompt="a"), {"row": 3, "error": "x", "billed": "no"})


async def test_the_others_run_on(table: Path, tmp_path: Path) -> None:
    """Bad rows count as failed, are told in their turn, and are in the file once, in order."""
    told: list[BadRow] = []
    out = tmp_path / "out"
    async with LocalGateway(latency=0.0) as gateway, Client(gateway.account()) as client:
        for made, before in ((2, 0), (0, 2)):
            report = await run(client, lenient(table), out=out, on_bad_row=told.append)
            assert (report.completed, report.before) == (made, before)
            assert (report.failed, report.bad_rows, report.some_failed) == (5, 5, True)
            assert [row["line"] for row in failed(out)] == BAD
        assert gateway.paid == 2
    assert [one.line for one in told] == BAD * 2
    assert report.reasons[0].startswith("InvalidRequestError, 5 in all. One of them: ")
    figures = json.loads((out / "run.json").read_text(encoding="utf-8"))["figures"]
    assert (figures["failed"], figures["bad_rows"]) == (5, 5)


async def test_what_is_corrected_in_its_list_is_gone(tmp_path: Path) -> None:
    """It is another request then, and nothing is left of the row that it was."""
    out, listed = tmp_path / "out", write(tmp_path / "list.jsonl", '"a"', "{", "42")
    await go(out, lenient(listed))
    assert [row["row"] for row in failed(out)] == ["{", 42]
    report = await go(out, lenient(write(listed, '"a"', '"b"', "42")))
    assert (report.completed, report.before, report.failed) == (1, 1, 1)
    assert [row["row"] for row in failed(out)] == [42]
    await go(out, lenient(write(listed, '"a"')))
    assert failed(out) == []


async def test_what_is_corrected_in_failed_jsonl_is_gone_once_sent(tmp_path: Path) -> None:
    """The rest of that list stays in it, and so it can be corrected and run again."""
    out, listed = tmp_path / "out", write(tmp_path / "list.jsonl", '"a"', "{", "42")
    await go(out, lenient(listed))
    report = await go(out, lenient(correct(out, prompt="b")))
    assert (report.completed, report.failed) == (1, 1)
    assert [row["row"] for row in failed(out)] == [42]
    report = await go(out, lenient(correct(out, prompt="c")))
    assert (report.completed, report.failed) == (1, 0)
    assert failed(out) == []


async def test_a_correction_outlives_a_run_that_did_not_send_it(tmp_path: Path) -> None:
    """Whatever ended it, the row is still in the file, as it was corrected, and the file a list."""
    out = tmp_path / "out"
    await go(out, lenient(write(tmp_path / "list.jsonl", '"a"', "{", "42")))
    corrected = lenient(correct(out, prompt="b"), repeat=2)
    assert ahead(out, corrected) == "1 bad, 2 to do"  # as a run that is killed before it sends
    assert [row["row"] for row in failed(out)] == [{"prompt": "b"}, 42]
    assert failed(out)[0]["message"] == "It was corrected, and is not sent yet."
    assert ahead(out, [GeneralV21(prompt="a")]) == "1 done, 0 to do"  # and another list meanwhile
    assert [row["row"] for row in failed(out)] == [{"prompt": "b"}]
    report = await go(out, lenient(out / "failed.jsonl", repeat=2))
    assert (report.completed, report.failed) == (2, 0)
    assert failed(out) == []


def test_a_list_is_entered_before_its_file_is_written_anew(tmp_path: Path) -> None:
    """A survey that breaks off leaves corrections as they are."""
    out = tmp_path / "out"
    ahead(out, lenient(write(tmp_path / "list.jsonl", '"a"', "{")))
    listed = lenient(correct(out, prompt="b"))

    def broken() -> Iterator[Item]:
        yield from listed
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - it has no words
        survey(out, broken(), wishes=Wishes())
    assert [row["row"] for row in failed(out)] == [{"prompt": "b"}]


async def test_an_interrupted_run_keeps_the_bad_rows_that_it_did_not_reach(tmp_path: Path) -> None:
    """Those that the run before found are still in the list, as far as anybody knows."""
    out, listed = tmp_path / "out", write(tmp_path / "list.jsonl", "{", '"a"', '"b"', "42")
    ahead(out, lenient(listed))
    one = Limits(concurrency=1, adaptive=False)
    async with LocalGateway(latency=0.0) as gateway, Client(gateway.account(limits=one)) as client:

        def stop(_: Outcome) -> None:
            raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            await run(client, lenient(listed), out=out, on_outcome=stop)
    assert [row["row"] for row in failed(out)] == ["{", 42]


async def test_a_budget_leaves_bad_rows_alone(tmp_path: Path) -> None:
    """They cost nothing, and what comes after the end of the budget is not told of."""
    out, listed = tmp_path / "out", write(tmp_path / "list.jsonl", "{", '"a"', '"b"', "42")
    async with LocalGateway(latency=0.0) as gateway, Client(gateway.account()) as client:
        report = await run(client, lenient(listed), out=out, budget=1)
    assert (report.completed, report.failed, report.budget_reached) == (1, 1, True)


def test_a_copy_is_read_of_a_list_in_the_folder(tmp_path: Path) -> None:
    """A run writes its failed.jsonl anew while that is its list."""
    path = write(tmp_path / "failed.jsonl", '"a"')
    with spooled([path], tmp_path) as (listed,):
        path.unlink()
        assert [one.request for one in read_list(listed)] == [GeneralV21(prompt="a")]
    text = write(tmp_path / "list.txt", '"a"')
    with spooled([text], tmp_path) as (listed,):
        assert [one.request for one in read_list(listed)] == [GeneralV21(prompt='"a"')]
