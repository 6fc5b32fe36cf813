"""Parquet in: rows as other programs write them, and what is said of values that JSON has not."""

from __future__ import annotations

import errno
import gzip
import io
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job import BadRow, Listed, read_list, read_prompts
from volcv_async.job.arrow import arrow
from volcv_async.job.lists import ListPath, Source, spooled
from volcv_async.job.lists.sources import of_file
from volcv_async.models import GeneralV14, GeneralV21, LogoInfo

pa, pq = arrow(), arrow("pyarrow.parquet")

Write = Callable[[str, Mapping[str, Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write columns as a Parquet file, and give its path."""

    def write(name: str, columns: Mapping[str, Any]) -> Path:
        pq.write_table(pa.table(columns), tmp_path / name)
        return tmp_path / name

    return write


class Unreadable(io.BytesIO):
    """A file on a disk that fails."""

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence:
            raise OSError(errno.EIO, "the disk")
        return super().seek(offset, whence)


def travelled(path: ListPath) -> list[Mapping[str, Any]]:
    return [one.columns for one in read_list(path)]


def complaint(path: ListPath) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        list(read_prompts(path))
    return str(caught.value)


def test_columns_set_fields_and_what_is_none_travels(write: Write) -> None:
    """Null sets nothing, and a struct is an object whose empty members are not there."""
    table: dict[str, Any] = {
        "Prompt": ["a", "b"],
        "width": [512, None],
        "model": [None, "GeneralV14"],
        "logo_info": [{"add_logo": True, "opacity": None}, None],
        "tag": [["x"], None],
    }
    assert list(read_list(write("a.parquet", table), fields={"height": 256})) == [
        Listed(
            GeneralV21(prompt="a", width=512, height=256, logo_info=LogoInfo(add_logo=True)),
            {"tag": ["x"]},
        ),
        Listed(GeneralV14(prompt="b", height=256), {"tag": None}),
    ]


def test_tables_of_pandas_and_polars_are_lists(tmp_path: Path) -> None:
    """Integers that pandas keeps as floats, because some are missing, are integers again."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    table = {"prompt": ["a", "b"], "seed": [7, None], "tag": ["x", "y"]}
    frame = pandas.DataFrame(table).astype({"tag": "category"})
    assert str(frame["seed"].dtype) == "float64"
    frame.to_parquet(tmp_path / "pandas.parquet")
    polars.DataFrame(table).write_parquet(tmp_path / "polars.parquet")
    expected = [
        Listed(GeneralV21(prompt="a", seed=7), {"tag": "x"}),
        Listed(GeneralV21(prompt="b"), {"tag": "y"}),
    ]
    assert list(read_list(tmp_path / "pandas.parquet")) == expected
    assert list(read_list(tmp_path / "polars.parquet")) == expected


def column(kind: str, *values: object) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A column of a type, by its name among those of KINDS."""
    stored = pa.array(list(values), KINDS[kind][0])
    return stored.cast(KINDS[kind][1]) if len(KINDS[kind]) > 1 else stored


KINDS: dict[str, tuple[Any, ...]] = {
    "date": (pa.date32(),),
    "instant": (pa.timestamp("us", "UTC"),),
    "nanoseconds": (pa.timestamp("ns"),),
    "time": (pa.time64("us"),),
    "duration": (pa.duration("ms"),),
    "decimal": (pa.decimal128(38, 19),),
    "bytes": (pa.binary(),),
    "float": (pa.float64(),),
    "map": (pa.map_(pa.string(), pa.int64()),),
    "uuid": (pa.binary(16), pa.uuid()),
    "json": (pa.string(), pa.json_()),
    "day": (pa.int32(), pa.date32()),
}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("date", date(2026, 2, 3), "2026-02-03"),
        ("instant", datetime(2026, 2, 3, 4, 5, tzinfo=UTC), "2026-02-03T04:05:00+00:00"),
        ("nanoseconds", 1_000_000_001, "1970-01-01T00:00:01.000000001"),
        ("time", time(4, 5, 6), "04:05:06"),
        ("duration", timedelta(minutes=1.5), 90.0),
        ("decimal", Decimal("3.50"), 3.5),
        ("decimal", Decimal("3.00"), 3),
        ("decimal", Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        ("bytes", "千军".encode(), "千军"),
        ("float", 1.5, 1.5),
        ("float", float("nan"), None),
        ("map", [("a", 1)], [["a", 1]]),
        ("uuid", UUID(int=1).bytes, "00000000-0000-0000-0000-000000000001"),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", None, None),
    ],
)
def test_a_value_becomes_what_json_can_say(
    write: Write, kind: str, value: object, said: object
) -> None:
    """Times are texts, decimals numbers where that is exact, bytes the text that they are."""
    table = write("a.parquet", {"prompt": ["a"], "x": column(kind, value)})
    assert travelled(table) == [{"x": said}]


@pytest.mark.parametrize(
    ("kind", "good", "bad", "says"),
    [
        ("bytes", b"a", b"\xff", "'x' holds a value of type binary that JSON cannot say."),
        ("float", 1.0, float("inf"), "'x' holds a value of type double"),
        ("json", "{}", "{", "'x' holds a value of type extension<arrow.json>"),
        ("day", 1, 2**31 - 1, "'x' holds a value of type date32[day]"),
    ],
)
def test_a_value_that_json_cannot_say_is_told_by_row_and_column(
    write: Write, kind: str, good: object, bad: object, says: str
) -> None:
    """The rows around it are requests; what is kept of it has null there."""
    path = write("a.parquet", {"prompt": ["a", "b", "c"], "x": column(kind, good, bad, good)})
    assert next(read_prompts(path)) == GeneralV21(prompt="a")
    assert f"a.parquet, row 2: {says}" in complaint(path)
    first, wrong, last = read_list(path, strict=False)
    assert isinstance(first, Listed)
    assert isinstance(last, Listed)
    assert isinstance(wrong, BadRow)
    assert wrong.row["row"] == {"prompt": "b", "x": None}


def test_a_type_that_no_list_holds_is_told(write: Write) -> None:
    """What is neither text, number, time, list nor struct is named by its type."""
    path = write("a.parquet", {"prompt": ["a"], "x": pa.array([[b"\xff"]])})
    assert "row 1: 'x' holds a value of type list<" in complaint(path)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (
            {"text": ["a"], "id": [1]},
            "row 1: has no column that is the prompt's; there are: 'text'",
        ),
        ({"prompt": [1]}, "row 1: GeneralV21: prompt=1 is no text but int."),
        ({"prompt": ["a", ""]}, "row 2: GeneralV21: prompt='' is empty."),
        ({"prompt": ["a"], "seed": [1.5]}, "row 1: GeneralV21: seed=1.5"),
        ({"prompt": ["a"], "seed": ["x"]}, "row 1: GeneralV21: seed='x'"),
    ],
)
def test_a_bad_row_is_told_by_its_number(
    write: Write, columns: Mapping[str, Any], says: str
) -> None:
    """Rows are counted from 1, as there are no lines."""
    assert f"a.parquet, {says}" in complaint(write("a.parquet", columns))


def test_it_is_told_by_its_first_bytes(write: Write, tmp_path: Path) -> None:
    """Without a suffix, packed with gzip, or both; a text with the same letters first is one."""
    plain = write("list", {"prompt": ["a"]})
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    named = packed.rename(tmp_path / "b.parquet.gz")
    packed.write_bytes(named.read_bytes())
    with of_file(named).seeking() as file:
        assert file.read() == plain.read_bytes()
    text = tmp_path / "text"
    text.write_text("PAR1S at dawn\nPAR1\n", encoding="utf-8")
    lists = (plain, packed, named, text)
    assert [one.prompt for one in read_prompts(*lists) if isinstance(one, GeneralV21)] == [
        *"aaa",
        "PAR1S at dawn",
        "PAR1",
    ]
    assert list(read_prompts(plain, format="parquet")) == [GeneralV21(prompt="a")]


def test_standard_input_may_be_parquet(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept in a file, in which there is moving about, as often as it is read."""
    content = write("a.parquet", {"prompt": ["a"]}).read_bytes()
    for given in (content, gzip.compress(content)):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
        with spooled([Path("-")], tmp_path / "out") as (listed,):
            assert list(read_prompts(listed)) == list(read_prompts(listed))


@pytest.mark.parametrize("cut", [0, 3, 100, -5])
def test_a_file_that_is_cut_off_is_no_list(write: Write, cut: int) -> None:
    """It is said of the file, and nothing of it is a request."""
    path = write("a.parquet", {"prompt": ["a"]})
    path.write_bytes(path.read_bytes()[:cut])
    assert "a.parquet is no Parquet file that can be read: " in complaint(path)


def test_a_packed_file_that_is_cut_off_is_no_list(write: Write, tmp_path: Path) -> None:
    """Its gzip data is what breaks off."""
    packed = tmp_path / "b.parquet.gz"
    packed.write_bytes(gzip.compress(write("a.parquet", {"prompt": ["a"]}).read_bytes())[:-20])
    assert f"{packed}: its gzip data breaks off." in complaint(packed)


def test_a_file_that_the_disk_does_not_give_is_the_systems_error(tmp_path: Path) -> None:
    """It is not taken for a broken file, whether it is not there or cannot be read."""
    with pytest.raises(FileNotFoundError):
        next(read_prompts(tmp_path / "none.parquet"))
    with pytest.raises(OSError, match="the disk"):
        next(read_prompts(Source("a", Unreadable), format="parquet"))


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Nobody can tell which of them is meant."""
    twice = pa.Table.from_arrays([pa.array(["a"])] * 2, names=["prompt", "prompt"])
    pq.write_table(twice, tmp_path / "a.parquet")
    assert complaint(tmp_path / "a.parquet").endswith(
        "a.parquet has more than one column 'prompt'. Give each its own name."
    )


def test_a_table_without_rows_holds_no_prompts(write: Write) -> None:
    """It is a list, of nothing."""
    assert list(read_prompts(write("a.parquet", {"prompt": pa.array([], pa.string())}))) == []


def test_without_its_extra_it_says_what_to_install(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pyarrow is not installed, the error has the command."""
    path = write("a.parquet", {"prompt": ["a"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'volcv-async\[parquet\]'"):
        list(read_prompts(path))


def test_a_row_that_a_run_wrote_is_its_request_once_more(write: Write) -> None:
    """Whether the request is JSON by its type, a text that holds some, or a struct."""
    sent = '{"req_key": "high_aes_general_v21_L", "prompt": "a", "seed": 7, "new": 1}'
    struct = [
        {"req_key": "high_aes_general_v21_L", "prompt": "a", "seed": 7, "new": 1, "old": None}
    ]
    for request in (column("json", sent), [sent], struct):
        table = {"prompt": ["a"], "model": ["GeneralV21"], "request": request, "tag": ["x"]}
        assert list(read_list(write("a.parquet", table))) == [
            Listed(GeneralV21(prompt="a", seed=7, extra={"new": 1}), {"tag": "x"})
        ]
    texts = write("b.parquet", {"prompt": ["a", "b"], "request": ["{no", '{"not": "one"}']})
    assert travelled(texts) == [{"request": "{no"}, {"request": '{"not": "one"}'}]
