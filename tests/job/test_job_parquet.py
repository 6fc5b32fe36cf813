"""Parquet out: every row and column, in a file that is whole or not there."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk_of_tests import files_no_larger_than
from pictures_of_tests import completed, picture

from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job import Listed, read_list
from volcv_async.job.arrow import arrow
from volcv_async.job.parquet import check_table, write_table
from volcv_async.job.sink import Sink
from volcv_async.models import GeneralV21
from volcv_async.results import Image

pa, pq = arrow(), arrow("pyarrow.parquet")

Leave = Callable[..., Path]


@pytest.fixture
def leave(tmp_path: Path) -> Leave:
    """Leave a folder with rows that hold these values in the column x; give that."""

    def leave(*values: object) -> Path:
        out = tmp_path / "out"
        out.mkdir()
        rows = [{"file_name": f"{number}.png", "x": value} for number, value in enumerate(values)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (out / "metadata.jsonl").write_text(lines, encoding="utf-8")
        return out

    return leave


def table(out: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    target = out.parent / "table.parquet"
    write_table(out, target)
    return pq.read_table(target)


def test_a_table_has_the_rows_of_the_folder(tmp_path: Path) -> None:
    """In their order, with all columns; the request is JSON as text, and other lists are lists."""
    out, target = tmp_path / "out", tmp_path / "new" / "table.parquet"
    with Sink(out, fsync=False) as sink:
        for number in (3, 0, 1):
            sink.keep(completed(number, prompt=f"千军 {number}\n"))
        sink.keep(completed(2, Image.of(picture()), Image.of(picture(16, 8, "JPEG")), prompt="two"))
    assert write_table(out, target) == 5
    written = [json.loads(line) for line in (out / "metadata.jsonl").read_bytes().splitlines()]
    found = pq.read_table(target).to_pylist()
    for row in found:
        row["request"] = json.loads(row["request"])
    names = list({name: None for row in written for name in row})
    assert found == [{name: row.get(name) for name in names} for row in written]
    assert list(found[0]) == names


TYPED: list[tuple[list[Any], str]] = [
    ([True, None], "bool"),
    ([1, None], "int64"),
    ([2**63 - 1, -(2**63)], "int64"),
    ([1, 2.5], "double"),
    (["a", "\U0001f98a"], "string"),
    ([None, None], "string"),
    ([[1, None], [], None], "list<element: int64>"),
    ([["a"], ["b", "c"]], "list<element: string>"),
    ([[1, 2.5]], "list<element: double>"),
    ([[], None], "list<element: string>"),
]


@pytest.mark.parametrize(("values", "kind"), TYPED)
def test_a_column_has_the_type_that_all_its_values_have(
    leave: Leave, values: list[object], kind: str
) -> None:
    """Null is of any type, and a column that holds nothing is one of texts."""
    read = table(leave(*values))
    assert str(read.schema.field("x").type) == kind
    assert read.column("x").to_pylist() == values


@pytest.mark.parametrize(
    "values",
    [
        [1, "a", None],
        [True, 1],
        [2**53 + 1, 0.5],
        [2**63],
        [{"a": 1}, {"b": "千"}],
        [[1], "a"],
        [[1, "a"]],
        [[[1]], [{"a": None}]],
    ],
)
def test_a_column_of_several_types_is_json(leave: Leave, values: list[object]) -> None:
    """Nothing is rounded and nothing left out: each text is the value as the row has it."""
    read = table(leave(*values))
    assert str(read.schema.field("x").type) == "string"
    texts = read.column("x").to_pylist()
    assert [None if text is None else json.loads(text) for text in texts] == values


@pytest.mark.parametrize(("name", "kind"), [("seed", "int64"), ("seconds", "double")])
def test_a_column_of_ours_that_holds_nothing_keeps_its_type(
    leave: Leave, name: str, kind: str
) -> None:
    """So tables of several runs go together."""
    row = json.dumps({"file_name": "0.png", name: None})
    out = leave()
    (out / "metadata.jsonl").write_text(row, encoding="utf-8")
    assert str(table(out).schema.field(name).type) == kind


def test_a_column_may_come_late(leave: Leave) -> None:
    """Rows that were written before it have null there, over as many batches as there are."""
    out = leave(*range(9000))
    with (out / "metadata.jsonl").open("a", encoding="utf-8") as rows:
        rows.write('{"file_name": "last.png", "late": true, "x": "a text"}\n')
    read = table(out)
    assert read.num_rows == 9001
    assert read.column("late").to_pylist() == [None] * 9000 + [True]
    assert read.column("x").to_pylist()[-2:] == ["8999", '"a text"']
    assert pq.ParquetFile(out.parent / "table.parquet").num_row_groups == 3


def test_half_a_character_is_written_as_its_escape(leave: Leave) -> None:
    """What no encoding can say is no reason to write nothing."""
    assert table(leave("\ud83e")).column("x").to_pylist() == ["\\ud83e"]


def test_pandas_polars_and_datasets_read_it(leave: Leave, tmp_path: Path) -> None:
    """Texts of JSON are texts to all of them."""
    out = leave({"a": 1}, {"b": [2]})
    texts = table(out).column("x").to_pylist()
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    assert pandas.read_parquet(tmp_path / "table.parquet")["x"].tolist() == texts
    assert polars.read_parquet(tmp_path / "table.parquet")["x"].to_list() == texts
    datasets = pytest.importorskip("datasets")
    read = datasets.Dataset.from_parquet(
        str(tmp_path / "table.parquet"), cache_dir=str(tmp_path / "hf")
    )
    assert read["x"][:] == texts


def test_a_table_is_a_list(tmp_path: Path) -> None:
    """Each row is its request once more, and its columns are what they were, objects too."""
    out = tmp_path / "out"
    with Sink(out, fsync=False) as sink:
        sink.keep(completed(0, prompt="a"), columns={"tag": {"n": [1, None]}, "seed": "theirs"})
    write_table(out, tmp_path / "table.parquet")
    (again,) = read_list(tmp_path / "table.parquet")
    (row,) = read_list(out / "metadata.jsonl")
    assert again == row
    assert isinstance(again, Listed)
    assert isinstance(again.request, GeneralV21)
    assert again.columns["tag"] == {"n": [1, None]}


@pytest.mark.parametrize("line", ["{", '{"file_name": 1}'])
def test_a_row_that_is_none_leaves_no_file(leave: Leave, line: str) -> None:
    """The file and the line are said."""
    out = leave(1, 2)
    with (out / "metadata.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(f"{line}\n")
    with pytest.raises(InvalidRequestError, match=r"metadata\.jsonl, line 3: is no row"):
        write_table(out, out.parent / "table.parquet")
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_row_that_is_being_written_is_left_out(leave: Leave) -> None:
    """A table can be written while a run is on, whose last line is not whole yet."""
    out = leave(1, 2)
    with (out / "metadata.jsonl").open("a", encoding="utf-8") as rows:
        rows.write('{"file_name": "2.png", "late')
    assert table(out).column("x").to_pylist() == [1, 2]


def test_what_cannot_be_written_is_said(leave: Leave, tmp_path: Path) -> None:
    """A file that is there, a folder of something else, one without pictures, a place in it."""
    out = leave()
    with pytest.raises(ConfigurationError, match="has no rows, so there is nothing to write"):
        write_table(out, tmp_path / "table.parquet")
    with pytest.raises(ConfigurationError, match=r"metadata\.jsonl is there already"):
        check_table(out, out / "metadata.jsonl")
    with pytest.raises(ConfigurationError, match="taken for a part of it"):
        check_table(out, out / "new" / ".." / "metadata.parquet")
    with pytest.raises(ConfigurationError, match=r"holds no metadata\.jsonl"):
        check_table(tmp_path / "none", tmp_path / "table.parquet")


def test_a_table_that_cannot_be_finished_is_not_there(leave: Leave, tmp_path: Path) -> None:
    """A full disk, or a folder that cannot be made, is said, and nothing lies about."""
    out, file = leave(1), tmp_path / "file"
    file.touch()
    with files_no_larger_than(100), pytest.raises(OSError, match="too large"):
        write_table(out, tmp_path / "table.parquet")
    with pytest.raises(OSError, match="File exists"):
        write_table(out, file / "table.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out"]


def test_without_its_extra_it_says_what_to_install(
    leave: Leave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pyarrow is not installed, the error has the command."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'volcv-async\[parquet\]'"):
        check_table(leave(1), "table.parquet")
