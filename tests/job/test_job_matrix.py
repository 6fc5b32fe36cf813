"""A matrix: the product of its axes, row by row, and what is said of one that is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import pytest

from volcv_async.errors import InvalidRequestError
from volcv_async.job import Listed, Matrix, read_list, read_prompts
from volcv_async.job.lists import name_of, spooled
from volcv_async.models import GeneralV14, GeneralV21


def test_each_combination_is_a_prompt() -> None:
    """The last axis changes first, and what is no field travels."""
    matrix = Matrix("a {animal} in {style}", {"animal": ["cat", "fox"], "style": ["oil", "ink"]})
    assert list(read_list(matrix)) == [
        Listed(GeneralV21(prompt=f"a {animal} in {style}"), {"animal": animal, "style": style})
        for animal in ("cat", "fox")
        for style in ("oil", "ink")
    ]


def test_an_axis_named_as_a_field_sets_it() -> None:
    """In the template or not, as text or as a value; an empty text sets nothing."""
    matrix = Matrix("{width} wide", {"width": ["512", 768], "seed": ["", 7]})
    assert list(read_list(matrix, fields={"height": 256})) == [
        Listed(GeneralV21(prompt="512 wide", width=512, height=256)),
        Listed(GeneralV21(prompt="512 wide", width=512, height=256, seed=7)),
        Listed(GeneralV21(prompt="768 wide", width=768, height=256)),
        Listed(GeneralV21(prompt="768 wide", width=768, height=256, seed=7)),
    ]


def test_an_axis_may_be_the_models() -> None:
    """Each model draws each prompt."""
    requests = read_prompts(Matrix("a fox", {"model": ["GeneralV14", "GeneralV21"]}))
    assert list(requests) == [GeneralV14(prompt="a fox"), GeneralV21(prompt="a fox")]


def test_double_braces_are_braces() -> None:
    """A name may stand twice, and within them."""
    matrix = Matrix("{{{a}}} {a}{{", {"a": ["x"]})
    assert list(read_prompts(matrix)) == [GeneralV21(prompt="{x} x{")]


def test_a_matrix_is_a_list_among_lists_and_is_chosen_from() -> None:
    """What chooses among rows takes its rows; a template without names is one row."""
    matrix = Matrix("{a}", {"a": ["x", "y", "z"]})
    listed = read_list(matrix, Matrix("only", {}), where={"prompt": "y"}, repeat=2)
    assert [one.columns for one in listed] == [{"a": "y"}] * 2
    assert [one.request for one in read_list(matrix, Matrix("only", {}), limit=9)][3:] == [
        GeneralV21(prompt="only")
    ]


def test_rows_are_made_as_they_are_asked_for() -> None:
    """A product that nobody could hold begins at once."""
    axes = {f"a{number}": range(1000) for number in range(20)}
    requests = read_prompts(Matrix("".join(f"{{{name}}}" for name in axes), axes))
    assert list(islice(requests, 1)) == [GeneralV21(prompt="0" * 20)]


@pytest.mark.parametrize(
    ("template", "axes", "says"),
    [
        ("a {x}", {"y": ["1"]}, r"the matrix: {x} has no axis; there are: 'y'"),
        ("a {x}", {}, r"{x} has no axis; there are: none"),
        ("a {x}", {"x": []}, r"the axis 'x' has no values"),
        ("a {x}", {"x": "cat"}, r"the axis 'x' is a text"),
        ("a {x}", {"x": ["1"], "widht": ["1"]}, r"the axis 'widht' changes nothing"),
        ("a {prompt}", {"prompt": ["1"]}, r"an axis 'prompt' is none"),
        ("a {x.y}", {"x": ["1"]}, r"{x\.y} is no name"),
        ("a {x[0]}", {"x": ["1"]}, r"{x\[0\]} is no name"),
        ("a {x!r}", {"x": ["1"]}, r"{x!r} is no name"),
        ("a {x:>3}", {"x": ["1"]}, r"{x:>3} is no name"),
        ("a {}", {"x": ["1"]}, r"{} is no name"),
        ("a {x", {"x": ["1"]}, r"a brace stands alone in 'a {x'"),
        ("a x}", {"x": ["1"]}, r"a brace stands alone in 'a x}'"),
    ],
)
def test_a_matrix_that_is_none_is_refused(
    template: str, axes: Mapping[str, Sequence[str]], says: str
) -> None:
    """It is said when it is made, with the name."""
    with pytest.raises(InvalidRequestError, match=says):
        Matrix(template, axes)


def test_a_row_that_makes_no_request_is_said_by_its_number() -> None:
    """The combinations before it are requests."""
    requests = read_prompts(Matrix("a fox", {"seed": ["1", "x"]}))
    assert next(requests) == GeneralV21(prompt="a fox", seed=1)
    with pytest.raises(InvalidRequestError, match="the matrix, row 2: seed=x"):
        next(requests)


def test_a_matrix_has_a_name_and_is_not_copied(tmp_path: Path) -> None:
    """Among lists that can be read only once it is left as it is."""
    matrix = Matrix("a", {})
    with spooled([matrix], tmp_path / "out") as (same,):
        assert same is matrix
        assert name_of(same) == "the matrix"


def test_what_is_said_of_files_is_refused_for_a_matrix() -> None:
    """It has no format, and the template is the prompt."""
    with pytest.raises(InvalidRequestError, match="neither a format"):
        read_prompts(Matrix("a", {}), format="txt")
    with pytest.raises(InvalidRequestError, match="nor a column"):
        read_prompts(Matrix("a", {}), prompt_column="prompt")
