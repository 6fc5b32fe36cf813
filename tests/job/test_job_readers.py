"""Prompt lists: what is read, what stays as it is, and what is said of a bad row."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from volcv_async.errors import InvalidRequestError
from volcv_async.job import read_prompts
from volcv_async.models import GeneralV14, GeneralV21, RawRequest, Request

Write = Callable[[str, bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a list and give its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def prompts(path: Path, prompt_column: str | None = None) -> list[str | None]:
    requests = read_prompts(path, prompt_column=prompt_column)
    return [getattr(request, "prompt", None) for request in requests]


def complaint(path: Path, prompt_column: str | None = None) -> str:
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
    with pytest.raises(InvalidRequestError, match=r"there are \.txt, \.tsv, \.csv, \.jsonl"):
        read_prompts("list.xlsx")


def test_requests_are_requests(write: Write) -> None:
    """What a list gives can be streamed as it is."""
    assert all(isinstance(one, Request) for one in read_prompts(write("a.txt", "cat\n")))


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    """A folder in place of a list is said to be one, at once."""
    with pytest.raises(InvalidRequestError, match="is a folder, not a list"):
        read_prompts(tmp_path)


def test_a_txt_list_has_no_columns(tmp_path: Path) -> None:
    """A column named for a list of lines is a mistake, and is not passed over."""
    with pytest.raises(InvalidRequestError, match="has no columns"):
        read_prompts(tmp_path / "prompts.txt", prompt_column="Prompt")
