"""What the docstrings of the request variants say, held against what their fields declare."""

from __future__ import annotations

import inspect
import re
from typing import Any

import attrs
import pytest

from volcv_async.models import VARIANTS, FieldInfo, LogoInfo, info

CLASSES: tuple[type[Any], ...] = (*VARIANTS, LogoInfo)
FIELDS = [
    pytest.param(model, field.name, declared, id=f"{model.__name__}.{field.name}")
    for model in CLASSES
    for field in attrs.fields(model)
    if (declared := info(field)) is not None
]


def entries(model: type[Any]) -> dict[str, str]:
    """The entries of a docstring's Attributes, by name, each on one line."""
    described = inspect.cleandoc(model.__doc__ or "")  # as Python 3.13 keeps it anyway
    section = re.search(r"Attributes:\n(.*?)(?:\n\s*\n|\Z)", described, re.DOTALL)
    assert section is not None
    joined = re.sub(r"\n {5,}", " ", section[1])
    return dict(re.findall(r"^ {4}(\w+): (.*)$", joined, re.MULTILINE))


def said(value: object) -> str:
    """A value as docstrings write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def defaults(declared: FieldInfo) -> set[str]:
    """How a docstring may name the default."""
    if declared.default is None:
        return {""}
    first = declared.choices[:1] == (declared.default,) and len(declared.choices) > 1
    return {f"default {said(declared.default)}".lower(), *(["default the first"] if first else [])}


@pytest.mark.parametrize("model", CLASSES, ids=lambda model: model.__name__)
def test_a_docstring_describes_every_field_in_order(model: type[Any]) -> None:
    """The fields that a class has are the fields that its docstring describes."""
    names = [field.name for field in attrs.fields(model) if field.init]
    if "extra" in names:  # inherited, described last
        names = [*(name for name in names if name != "extra"), "extra"]
    assert list(entries(model)) == names


@pytest.mark.parametrize(("model", "name", "declared"), FIELDS)
def test_a_docstring_names_default_and_bounds(
    model: type[Any], name: str, declared: FieldInfo
) -> None:
    """Default, bounds, unit and choices of a field stand in the docstring of its class."""
    text = entries(model)[name]
    if declared.required and declared.default is not None:
        assert said(declared.default) in text
    else:
        assert any(default in text.lower() for default in defaults(declared)), (
            f"no default in: {text}"
        )
    bounds = [said(bound) for bound in (declared.low, declared.high) if bound is not None]
    for expected in (*bounds, declared.unit, *declared.choices):
        assert re.search(rf"(?<![\d.]){re.escape(expected)}(?![\d])", text), f"{expected!r}: {text}"
