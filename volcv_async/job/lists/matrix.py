"""A list that is a product: a template, and words for each of its places. Pure.

Its rows are made one after the other, as those of a file are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import product
from string import Formatter
from typing import Any

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.job.lists.formats import Row
from volcv_async.job.lists.sources import Source
from volcv_async.models import VARIANTS

_SOURCE = Source("the matrix", BytesIO, counts="row")  # of no bytes: it is what errors name
_FIELDS = {field.name for model in VARIANTS for field in attrs.fields(model) if field.init}

_Parts = tuple[tuple[str, str | None], ...]


def _as_tuples(axes: Mapping[str, Iterable[Any]]) -> dict[str, tuple[Any, ...]]:
    for name, values in axes.items():
        if isinstance(values, str):
            raise _wrong(f"the axis {name!r} is a text.", f"Give its values: {{{name!r}: [...]}}.")
    return {name: tuple(values) for name, values in axes.items()}


@attrs.frozen
class Matrix:
    """A prompt list that is the product of its axes; ``read_list`` and ``read_prompts`` take it.

    The last axis changes first. Nothing but the values is in memory.

    Args:
        template: The prompt, with the names of axes in braces; ``{{`` and ``}}`` are braces.
        axes: The values of each axis, by its name. One that is named as a field of the request, or
            ``model``, sets that, in the template or not; any other must be in the template, and
            its value travels to the rows of the images.

    Raises:
        InvalidRequestError: The template is none, it names no such axis, or an axis has no values
            or would change nothing.
    """

    template: str
    axes: Mapping[str, tuple[Any, ...]] = attrs.field(converter=_as_tuples)

    def __attrs_post_init__(self) -> None:
        named = {name for _, name in _parts(self.template) if name is not None}
        for name in sorted(named - self.axes.keys()):
            there = ", ".join(map(repr, self.axes)) or "none"
            raise _wrong(f"{{{name}}} has no axis; there are: {there}.", "Braces are {{ and }}.")
        for name, values in self.axes.items():
            _check(name, values, in_template=name in named)

    @property
    def name(self) -> str:
        """What errors call it."""
        return _SOURCE.name

    def rows(self) -> Iterator[Row]:
        """Give the rows, with their numbers from 1."""
        parts = _parts(self.template)
        for number, values in enumerate(product(*self.axes.values()), start=1):
            cells = dict(zip(self.axes, values, strict=True))
            yield Row(_SOURCE, number, "prompt", {"prompt": _filled(parts, cells), **cells})


def _check(name: str, values: tuple[Any, ...], *, in_template: bool) -> None:
    if not values:
        raise _wrong(f"the axis {name!r} has no values.")
    if name == "prompt":
        raise _wrong("an axis 'prompt' is none: the template is the prompt.")
    if not in_template and name not in {"model", *_FIELDS}:
        raise _wrong(
            f"the axis {name!r} changes nothing: it is neither in the template nor a field.",
            "Write it in braces there. For more images of each prompt, repeat them (--repeat).",
        )


def _parts(template: str) -> _Parts:
    """Part a template into texts, each with the name of the axis that follows it."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError:
        why = f"a brace stands alone in {template!r}."
        raise _wrong(why, "A name stands in { and }; braces are {{ and }}.") from None
    return tuple((text, _name(name, spec, how)) for text, name, spec, how in parsed)


def _name(name: str | None, spec: str | None, conversion: str | None) -> str | None:
    if name is None:
        return None
    if not name or spec or conversion or set(name) & set(".["):
        written = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
        raise _wrong(f"{{{written}}} is no name.", "Only the name of an axis stands in braces.")
    return name


def _filled(parts: _Parts, cells: Mapping[str, object]) -> str:
    return "".join(text + ("" if name is None else str(cells[name])) for text, name in parts)


def _wrong(why: str, cure: str = "") -> InvalidRequestError:
    return InvalidRequestError(f"{_SOURCE.name}: {why}", help=cure)
