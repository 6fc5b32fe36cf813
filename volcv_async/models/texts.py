"""A field's value from a text, such as a cell of a table or an option holds: as its kind says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.models.fields import info
from volcv_async.models.request import Request


def from_text(model: type[Request], name: str, text: str) -> Any:  # noqa: ANN401 - by its kind
    """Read the text of a field of a model.

    A field that the model does not have keeps its text, for the model to refuse it.

    Raises:
        InvalidRequestError: The text is not of the field's kind.
    """
    field = attrs.fields_dict(model).get(name)
    if field is None:
        return text
    declared = info(field)
    kind = declared.kind if declared else "object"
    try:
        return _PARSERS[kind](text)
    except ValueError:
        message = f"{name}={text}: {text!r} is no {_WANTED[kind]}."
    raise InvalidRequestError(message)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _object(text: str) -> Any:  # noqa: ANN401 - what JSON gives
    return json.loads(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "bool": _flag,
    "int": int,
    "float": float,
    "str": str,
    "object": _object,
}
_WANTED = {
    "bool": "true or false",
    "int": "whole number",
    "float": "number",
    "object": "object in JSON",
}
