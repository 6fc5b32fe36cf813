"""Prompt lists: what is read, what stays as it is, and what is said of a bad row."""

from __future__ import annotations

import gzip
import io
import os
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from volcv_async.errors import InvalidRequestError, VolcvWarning
from volcv_async.job import Listed, read_list, read_prompts
from volcv_async.job.lists import PromptList, in_threads, spooled
from volcv_async.models import GeneralV14, GeneralV20Pro, GeneralV21, LogoInfo, RawRequest, Request

Write = Callable[[str, bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a list and give its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def prompts(path: PromptList, prompt_column: str | None = None) -> list[str | None]:
    requests = read_prompts(path, prompt_column=prompt_column)
    return [getattr(request, "prompt", None) for request in requests]


def complaint(path: PromptList, prompt_column: str | None = None) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        prompts(path, prompt_column)
    return str(caught.value)


def test_a_text_line_keeps_all_but_its_line_end(write: Write) -> None:
    """Edge spaces, a lone number, quotation marks, tabs and odd separators belong to a prompt."""
    listed = [
        '"A cat" said',
        "  led by spaces",
        "ended by one ",
        "42",
        "0",
        "a\tb",
        "a\u2028b\x0bc",
    ]
    assert prompts(write("a.txt", "\n".join(listed) + "\n")) == listed


def test_blank_lines_and_comments_of_a_text_are_skipped(write: Write) -> None:
    """A line of spaces is blank, and a ``#`` counts only at the beginning."""
    content = "# a comment\n\n   \n one #1\n#two\n #three"
    assert prompts(write("a.txt", content)) == [" one #1", " #three"]


def test_windows_line_ends_and_a_mark_are_no_part_of_a_prompt(write: Write) -> None:
    """A byte order mark and carriage returns before line feeds are dropped, others kept."""
    content = b"\xef\xbb\xbf#x\r\n\xef\xbb\xbfcat\r\na\rb\r\n\r\nlast\r"
    assert prompts(write("a.TXT", content)) == ["\ufeffcat", "a\rb", "last\r"]


def test_a_tab_separated_list_knows_no_quoting(write: Write) -> None:
    """A prompt that begins with a quotation mark keeps it, and so does one with an open one."""
    content = 'Prompt\tCategory\n"A" b\tx\n"open\ty\n 42 \t\n\ncat'
    assert prompts(write("a.tsv", content)) == ['"A" b', '"open', " 42 ", "cat"]


def test_a_comma_separated_list_has_the_usual_quoting(write: Write) -> None:
    """Quoted fields hold commas, doubled marks and lines, with the line ends they came with."""
    content = 'id,prompt\r\n1,"a, ""b""\r\nc"\r\n\r\n2, d \r\n'
    assert prompts(write("a.csv", content)) == ['a, "b"\r\nc', " d "]


def test_json_lines_are_texts_or_objects(write: Write) -> None:
    """A bare text, a ``prompt`` among other keys, and the only key of an object are prompts."""
    content = '"a\\n"\n\n{"tag": {"x": [1]}, "PROMPT": "千军万马"}\n{"text": "0"}\n'
    assert prompts(write("a.jsonl", content)) == ["a\n", "千军万马", "0"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "index,prompt_zh\n1,猫\n"),
        ("a.tsv", "prompt\tprompt_zh\ncat\t猫\n"),
        ("a.jsonl", '{"prompt": "cat", "prompt_zh": "猫"}\n'),
    ],
)
def test_the_prompt_column_may_be_named(write: Write, name: str, content: str) -> None:
    """A named column is taken, whatever the others are called."""
    assert prompts(write(name, content), prompt_column="prompt_zh") == ["猫"]


def test_the_only_column_needs_no_name(write: Write) -> None:
    """A table of one column has its prompts there."""
    assert prompts(write("a.csv", "text\ncat\n")) == ["cat"]


def test_all_requests_get_the_fields_and_the_model(write: Write) -> None:
    """The fields that are the same for all go into each request of the model that is asked for."""
    path = write("a.txt", "cat\ndog\n")
    assert list(read_prompts(path, model=GeneralV14, fields={"width": 256})) == [
        GeneralV14(prompt="cat", width=256),
        GeneralV14(prompt="dog", width=256),
    ]


def test_a_list_is_read_as_it_is_asked_for(write: Write) -> None:
    """What stands behind the requests that were taken is not looked at."""
    requests = read_prompts(write("a.txt", b"cat\n\xff\n"))
    assert list(islice(requests, 1)) == [GeneralV21(prompt="cat")]
    with pytest.raises(InvalidRequestError):
        next(requests)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """It is raised when the first request is asked for."""
    requests = read_prompts(tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError):
        next(requests)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"cat\n\xc3(\n", "a.txt, line 2: is not UTF-8 (from its byte 1 on)."),
        ("a.tsv", "prompt\tx\n\ty\n", "a.tsv, line 2: GeneralV21: prompt='' is empty."),
        ("a.csv", "Prompt, Seed\na,1\n", "the column ' Seed' does not set the field 'seed'"),
        ("a.jsonl", '{"prompt": "a", "Model": "x"}', "does not set the field 'model'"),
        ("a.csv", "prompt,x\n  ,1\n", "a.csv, line 2: its prompt is blank: '  '."),
        ("a.jsonl", '"\\u3000\\n"', "a.jsonl, line 1: its prompt is blank: "),
        (
            "a.jsonl",
            '{"prompt": "a", "prompt": "b"}',
            "the key 'prompt' stands twice in one object",
        ),
        ("a.json", '[{"prompt": "a", "x": {"y": 1, "y": 1}}]', "the key 'y' stands twice"),
        ("a.tsv", "x\tprompt\ny\n", "a.tsv, line 2: has no field 'prompt'."),
        ("a.tsv", "prompt\ncat\tdog\n", "a.tsv, line 2: has 2 fields where the header has 1."),
        ("a.csv", 'prompt\na\n"b\n', "a.csv, line 3: is no CSV: unexpected end of data."),
        ("a.csv", 'prompt\na\n"b" c\n', "a.csv, line 3: is no CSV:"),
        ("a.csv", 'x,prompt\n1,"a\nb"\n2\n', "a.csv, line 4: has no field 'prompt'."),
        ("a.jsonl", '"a"\n{"prompt": \n', "a.jsonl, line 2: is no JSON: Expecting value"),
        ("a.jsonl", "[" * 100_000, "a.jsonl, line 1: is no JSON: maximum recursion"),
        ("a.jsonl", "42\n", "a.jsonl, line 1: is neither a text nor an object."),
        ("a.jsonl", '{"prompt": 42}', "line 1: GeneralV21: prompt=42 is no text but int."),
        ("a.jsonl", '{"prompt": "\\ud800"}', "line 1: GeneralV21: prompt='\\ud800' holds half"),
        ("a.jsonl", '{"prompt": "a", "x": NaN}', "a.jsonl, line 1: is no JSON: NaN is no number."),
        ("a.jsonl", '{"prompt": "a", "x": 1e999}', "is no JSON: 1e999 is no number."),
        ("a.json", '{"prompt": "a"}', "a.json, line 1: is no array of JSON."),
        ("a.json", "", "a.json, line 1: is no array of JSON."),
        (
            "a.json",
            '["a"',
            "a.json, line 1: is no JSON: a comma or the end of the array is missing.",
        ),
        ("a.json", '["a",\n]', "a.json, line 2: is no JSON, or holds what is neither a text"),
        ("a.json", '["a",\n42]', "a.json, line 2: is no JSON, or holds what is neither a text"),
        ("a.json", '["a",\n{"prompt":\n}]', "a.json, line 3: is no JSON: Expecting value."),
        ("a.json", '["a",\n{"prompt": NaN}]', "a.json, line 2: is no JSON: NaN is no number."),
        ("a.json", '["a"]\n"b"', "a.json, line 2: goes on after the end of the array."),
        ("a.json", b'["a",\n"\xff"]', "a.json, line 2: is not UTF-8."),
        (
            "a.json",
            b'["' + b"a" * 2**25 + b"\xff",
            "a.json, line 1: is no JSON: Unterminated string",
        ),
        ("a.txt", "a\nb\0c\n", "a.txt, line 2: holds a byte that no text has (0)."),
        ("a.txt", "a\n" + "b" * 2**23 + "c", "a.txt, line 2: is longer than 8,388,608 bytes"),
        ("a.csv", "prompt,x,x\na,b,c\n", "a.csv, line 1: has more than one column 'x'."),
        ("a.csv", "prompt,width\na,wide\n", "a.csv, line 2: width=wide: 'wide' is no whole"),
        ("a.csv", f"prompt,seed\na,{2**63}\n", "line 2: GeneralV21: seed=9223372036854775808 does"),
        ("a.csv", "prompt,model\na,V9\n", "a.csv, line 2: There is no model 'V9'."),
        ("a.jsonl", '{"prompt": "a", "model": 9}', "a.jsonl, line 1: There is no model '9'."),
        ("a.jsonl", '{"prompt": "a", "model": []}', "a.jsonl, line 1: There is no model '[]'."),
        ("a.jsonl", '{"prompt": "a", "width": "9"}', "line 1: GeneralV21: width='9' is no whole"),
        ("a.txt.gz", gzip.compress(b"a\n" * 999)[:-12], "a.txt.gz, line "),
        ("a.txt.gz", gzip.compress(b"a\n")[:12], "line 1: is where its gzip data breaks off."),
        ("a.jsonl", "{}", "line 1: has no column that is the prompt's; there are: none at all."),
    ],
)
def test_a_bad_row_is_said_with_its_place(
    write: Write, name: str, content: bytes | str, says: str
) -> None:
    """The error names file, line and field."""
    assert says in complaint(write(name, content))


@pytest.mark.parametrize(
    ("content", "column", "says"),
    [
        ("id,text\n", None, "has no column that is the prompt's; there are: 'id', 'text'."),
        ("id,prompt\n", "Prompt", "has no column 'Prompt'; there are: 'id', 'prompt'."),
        ("Prompt,prompt\n", None, "has more than one column that is the prompt's; there are:"),
        ("", None, "line 1: has no column that is the prompt's; there are: none at all."),
    ],
)
def test_a_missing_column_is_said_with_those_there_are(
    write: Write, content: str, column: str | None, says: str
) -> None:
    """The error names the columns and the option that chooses one."""
    said = complaint(write("a.csv", content), prompt_column=column)
    assert says in said
    assert "--prompt-column" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fields": {"widht": 1}}, "GeneralV21 has no field 'widht'. Did you mean width?"),
        ({"fields": {"width": "1"}}, "GeneralV21: width='1' is no whole number but str."),
        ({"fields": {"prompt": "x"}}, "The field prompt is what the list gives."),
        ({"model": RawRequest}, "RawRequest has no field 'prompt'."),
    ],
)
def test_fields_that_do_not_fit_are_said_at_once(options: dict[str, Any], says: str) -> None:
    """They are no row's fault, and are refused before the file is touched."""
    with pytest.raises(InvalidRequestError) as caught:
        read_prompts("none.txt", **options)
    assert str(caught.value).startswith(says)


def test_an_unknown_kind_of_list_is_said_at_once() -> None:
    """The error names the kinds there are."""
    with pytest.raises(
        InvalidRequestError, match=r"there are \.txt, \.tsv, \.csv, \.jsonl, \.json"
    ):
        read_prompts("list.xlsx")


def test_requests_are_requests(write: Write) -> None:
    """What a list gives can be streamed as it is."""
    assert all(isinstance(one, Request) for one in read_prompts(write("a.txt", "cat\n")))


def test_a_txt_list_has_no_columns(tmp_path: Path) -> None:
    """A column named for a list of lines is a mistake, and is not passed over."""
    with pytest.raises(InvalidRequestError, match="has no columns"):
        read_prompts(tmp_path / "prompts.txt", prompt_column="Prompt")


def test_a_json_array_holds_texts_and_objects(write: Write) -> None:
    """They are read one after the other, whatever spaces stand between them."""
    content = (
        '\ufeff[ "a\\n",\n\n {"tag": [1, {"x": "]"}], "Prompt": "千军万马"} , {"text": "0"}]\n'
    )
    assert prompts(write("a.json", content)) == ["a\n", "千军万马", "0"]
    assert prompts(write("a.json", " [ ] ")) == []


def test_a_long_json_array_is_read_in_pieces(write: Write) -> None:
    """An element may lie over any number of pieces, its characters too."""
    listed = ["千" * length for length in (1, 30_000, 70_000, 1, 200_000)]
    text = "[" + ",\n".join(f'{{"prompt": "{one}"}}' for one in listed) + "]"
    with pytest.warns(VolcvWarning, match="longer than 800"):
        assert prompts(write("a.json", text)) == listed


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt", "a.GZ", "a"])
def test_gzip_is_seen_through(write: Write, name: str) -> None:
    """The first bytes tell it, whatever the name says."""
    path = write(name, gzip.compress("猫\n#\n dog\n".encode()))
    assert prompts(path) == ["猫", " dog"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a cat, prompt\n[a] dog", ["a cat, prompt", "[a] dog"]),
        ('"A cat" said\n', ['"A cat" said']),
        ("[anime] a\n", ["[anime] a"]),
        ("{a} b\n", ["{a} b"]),
        ("{red|blue} cat\n", ["{red|blue} cat"]),
        ('{"prompt": "a", "x": "' + "x" * 5000 + '"}\n', ["a"]),
        ("\ufeff\n" + " " * 5000 + '\n{"prompt": "a"}', ["a"]),
        ("[" + " " * 2**23 + '"a"]', ["a"]),
        ("\n", []),
        ("x\tPrompt\n1\ta\n", ["a"]),
        ("Prompt,x\na,1\n", ["a"]),
        ('"x","prompt"\n1,"a, b"\n', ["a, b"]),
        ('{"prompt": "a"}\n{"prompt": "b"}\n', ["a", "b"]),
        ('"a"\n"b"\n', ["a", "b"]),
        ('["a"]', ["a"]),
        ('[\n{"prompt": "a"}]', ["a"]),
    ],
)
def test_without_a_suffix_the_first_bytes_tell(
    write: Write, content: str, found: list[str]
) -> None:
    """What speaks for no other format is text."""
    assert prompts(write("list", content)) == found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{\n  "prompt": "a"\n}\n', "list, line 1: is no JSON"),
        ('\n{"prompt": "a",\n"seed": 1}\n', "list, line 2: is no JSON"),
        ('{"prompt": "' + "a" * 2**23, "list, line 1: is longer than"),
        (gzip.compress(b'{"prompt": "a"}' * 9)[:-12], "list, line 1: is where its gzip data"),
    ],
)
def test_json_that_is_broken_becomes_no_prompt(
    write: Write, content: bytes | str, says: str
) -> None:
    """Without a suffix, too, it is refused with its place, and nothing of it is paid for."""
    assert says in complaint(write("list", content))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", '{"prompt": "a"}\n', "a.txt: its first line is that of a .jsonl list."),
        ("a.txt", '\n[\n"a",\n"b"]\n', "a.txt: its first line is that of a .json list."),
        ("a.txt.gz", "prompt,seed\na,1\n", "its first line is that of a .csv list."),
        ("a.txt", "prompt\na\n", "a.txt: its first line is prompt: is that a prompt?"),
        ("list", '"Prompt"\n"a, b"\n', 'list: its first line is "Prompt": is that a prompt?'),
        ("list", "<!DOCTYPE html>\n<title>\n", "list is a page of HTML."),
        ("list", "seed;prompt\n1;a\n", "list, line 1: has one column only, 'seed;prompt'."),
        ("a.csv", "prompt;seed\na;1\n", "line 1: has one column only, 'prompt;seed'."),
        ("a.csv", "prompt\tseed\na\t1\n", "line 1: has one column only, 'prompt\\tseed'."),
        ("a.tsv", "prompt,seed\na,1\n", "line 1: has one column only, 'prompt,seed'."),
    ],
)
def test_what_is_likely_another_format_is_refused(
    write: Write, name: str, content: str, says: str
) -> None:
    """A raw line of it, its marks and all, would be paid for as a prompt."""
    assert says in complaint(write(name, content))


def test_what_looks_like_another_format_may_be_meant(write: Write, tmp_path: Path) -> None:
    """``format`` or the column says so, and a text may have its first prompt in marks."""
    path = write("a.txt", '{"prompt": "a"}\n')
    assert list(read_prompts(path, format="txt")) == [GeneralV21(prompt='{"prompt": "a"}')]
    assert list(read_prompts(tmp_path, format="jsonl")) == [GeneralV21(prompt="a")]
    assert prompts(write("b.csv", "a;b\nc;d\n"), prompt_column="a;b") == ["c;d"]
    assert prompts(write("b.txt", '"a"\nb\n')) == ['"a"', "b"]


def test_the_format_may_be_said(write: Write) -> None:
    """It goes before what the name says."""
    path = write("a.data", '"a"\n')
    assert [one.request for one in read_list(path, format="jsonl")] == [GeneralV21(prompt="a")]
    assert list(read_prompts(path, format="txt")) == [GeneralV21(prompt='"a"')]


def test_several_lists_are_read_one_after_the_other(write: Write) -> None:
    """Each in its own format."""
    paths = [write("a.txt", "a\n"), write("b.jsonl", '"b"\n'), write("c.csv", "prompt\nc\n")]
    assert list(read_prompts(*paths)) == [GeneralV21(prompt=prompt) for prompt in "abc"]


def test_a_folder_is_its_text_files_by_name(write: Write, tmp_path: Path) -> None:
    """Other files in it, and hidden ones, are no lists."""
    for name, content in {"2.txt": "b\n", "1.TXT": "a\n#\n", "x.png": "x", ".0.txt": "x"}.items():
        write(name, content)
    write("3.txt.gz", gzip.compress(b"c"))
    assert prompts(tmp_path) == ["a", "b", "c"]


def test_a_folder_without_text_files_is_no_list(write: Write, tmp_path: Path) -> None:
    """It is said at once."""
    write("a.jsonl", '"a"')
    with pytest.raises(InvalidRequestError, match=r"is a folder without any \.txt file"):
        read_prompts(tmp_path)


def test_columns_set_fields_and_what_is_none_travels(write: Write) -> None:
    """A column named as a field sets it, as its kind says, and goes before what is for all."""
    table = "prompt,width,use_sr,seed,tag,model,\na,512,false,,x y,,z\nb,,,7,,GeneralV14\n"
    listed = list(read_list(write("a.csv", table), fields={"width": 256, "height": 256}))
    assert listed == [
        Listed(GeneralV21(prompt="a", width=512, height=256, use_sr=False), {"tag": "x y"}),
        Listed(GeneralV14(prompt="b", width=256, height=256, seed=7), {"tag": ""}),
    ]


def test_keys_of_json_set_fields_and_what_is_none_travels(write: Write) -> None:
    """Values are taken as they are, and null sets nothing."""
    line = '{"text": "a", "prompt": "b", "width": 512, "seed": null, "logo_info": {}, "x": [null]}'
    listed = list(read_list(write("a.jsonl", line), prompt_column="text"))
    assert listed == [
        Listed(
            GeneralV21(prompt="a", width=512, logo_info=LogoInfo()), {"prompt": "b", "x": [None]}
        )
    ]


def test_the_prompt_column_sets_no_other_field(write: Write) -> None:
    """A column that is the prompt's is that alone, whatever its name."""
    assert prompts(write("a.csv", "model,x\na,\n"), prompt_column="model") == ["a"]


def test_a_row_that_a_run_wrote_is_its_request_once_more(write: Write) -> None:
    """The request is as it went out; the row's other fields of ours do not travel."""
    row = (
        '{"index": 3, "prompt": "a", "model": "GeneralV20Pro", "billed": "no", "tag": "x",'
        ' "request": {"req_key": "high_aes_general_v20_L", "prompt": "a", "seed": 7, "new": 1}}'
    )
    assert list(read_list(write("failed.jsonl", row), fields={"seed": 9})) == [
        Listed(GeneralV20Pro(prompt="a", seed=7, extra={"new": 1}), {"tag": "x"})
    ]


def chosen(
    path: Path,
    where: dict[str, str] | None = None,
    sample: int | None = None,
    limit: int | None = None,
    repeat: int = 1,
) -> list[str | None]:
    listed = read_list(path, where=where, sample=sample, limit=limit, repeat=repeat)
    return [getattr(one.request, "prompt", None) for one in listed]


def test_a_condition_takes_the_rows_that_hold_it(write: Write) -> None:
    """All conditions must hold; a value of JSON is compared as it is written."""
    table = write("a.csv", "prompt,x,y\na,1,2\nb,1,3\nc,2,2\n")
    assert chosen(table, where={"x": "1"}) == ["a", "b"]
    assert chosen(table, where={"x": "1", "y": "3"}) == ["b"]
    keys = '{"prompt": "a", "x": 1}\n{"prompt": "b", "x": "1"}\n{"prompt": "c"}\n'
    assert chosen(write("a.jsonl", keys), where={"x": "1"}) == ["a", "b"]


def test_a_condition_on_a_column_that_is_not_there_is_refused(write: Write) -> None:
    """The error names those there are."""
    with pytest.raises(InvalidRequestError, match=r"line 2: has no field 'z'; there are: 'p"):
        chosen(write("a.csv", "prompt,x\na,1\n"), where={"z": "1"})


def test_a_limit_reads_no_further(write: Write) -> None:
    """What stands behind the rows that are taken is not looked at."""
    assert chosen(write("a.txt", b"a\nb\n\xff\n"), limit=2) == ["a", "b"]


def test_each_row_may_count_several_times(write: Write) -> None:
    """Its images come one after the other."""
    assert chosen(write("a.txt", "a\nb\nc\n"), repeat=2, limit=2) == ["a", "a", "b", "b"]


def test_a_sample_follows_from_the_rows(write: Write) -> None:
    """The same rows give the same one, in their order; more rows give mostly the same."""
    listed = [str(number) for number in range(1000)]
    drawn = chosen(write("a.txt", "\n".join(listed)), sample=100)
    assert len(drawn) == 100
    assert drawn == sorted(drawn, key=lambda one: int(one or 0))
    assert 30 < sum(int(one or 0) < 500 for one in drawn) < 70
    assert set(chosen(write("a.txt", "\n".join(reversed(listed))), sample=100)) == set(drawn)
    more = [*listed, *(str(number) for number in range(1000, 1100))]
    assert len(set(chosen(write("a.txt", "\n".join(more)), sample=100)) & set(drawn)) > 70
    assert chosen(write("a.txt", "a\nb\n"), sample=3) == ["a", "b"]


@pytest.mark.parametrize("name", ["sample", "limit", "repeat"])
def test_a_choice_of_nothing_is_refused(name: str) -> None:
    """None of its numbers may be less than 1; it is said at once."""
    options: dict[str, Any] = {name: 0}
    with pytest.raises(InvalidRequestError, match=f"{name}=0 leaves nothing to do"):
        read_list("none.txt", **options)


async def test_a_list_is_read_in_a_thread() -> None:
    """Nothing is read on the event loop, only some rows ahead, and an error comes in its turn."""
    where: list[int] = []

    def listed() -> Iterator[int]:
        for number in range(40):
            where.append(threading.get_ident())
            yield number
        raise InvalidRequestError("Bad.")

    taken: list[int] = []
    with pytest.raises(InvalidRequestError, match="Bad"):
        async for number in in_threads(listed()):
            taken.append(number)
            assert len(where) <= number + 16
    assert taken == list(range(40))
    assert threading.get_ident() not in where
    assert [one async for one in in_threads("abc")] == ["a", "b", "c"]


def test_standard_input_can_be_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept in a file without a name, and no folder is made for that."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"a\nb\n"))))
    with spooled([Path("-")], tmp_path / "a" / "b" / "out") as (listed,):
        assert prompts(listed) == prompts(listed) == ["a", "b"]
        assert list(tmp_path.iterdir()) == []


def test_standard_input_that_is_closed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell can close it, with ``<&-``."""
    monkeypatch.setattr("sys.stdin", None)
    with (
        pytest.raises(InvalidRequestError, match="Standard input is closed"),
        spooled([Path("-")], tmp_path),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "says"), [("x.csv", "line 1: has no column"), ("x.psub", "line 3: is not UTF-8")]
)
def test_the_name_of_a_pipe_tells_a_format_if_there_is_one(
    tmp_path: Path, name: str, says: str
) -> None:
    """A table is no text because it comes through a pipe; any other name is the shell's."""
    os.mkfifo(tmp_path / name)
    content = b"text,seed\na,1\n\xff"
    writer = threading.Thread(target=(tmp_path / name).write_bytes, args=(content,))
    writer.start()
    with spooled([tmp_path / name], tmp_path) as (listed,):
        assert says in complaint(listed)
    writer.join()


def test_a_pipe_can_be_read_again(tmp_path: Path) -> None:
    """A named one, such as a shell gives for what another command prints; its folder may stay."""
    pipe, out = tmp_path / "pipe.jsonl", tmp_path / "out"
    out.mkdir()
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b'"a"\n"b"\n\xff',))
    writer.start()
    with spooled([pipe, tmp_path / "x.txt", Path(os.devnull)], out) as (listed, other, nothing):
        assert complaint(listed) == complaint(listed)
        assert complaint(listed).startswith(f"{pipe}, line 3: is not UTF-8")
        assert other == tmp_path / "x.txt"
        assert prompts(nothing) == []
    writer.join()
    assert out.exists()
