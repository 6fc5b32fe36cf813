"""A request to the bytes of its body."""

from __future__ import annotations

import json
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import attrs
import cattrs

from volcv_async.models import RawRequest, Request

_PLAIN = frozenset({str, int, float, bool, dict})  # what is in a mapping was looked at before
_converter = cattrs.Converter()
_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@_converter.register_unstructure_hook_factory(attrs.has)
def _without_unset(cls: type[attrs.AttrsInstance]) -> Callable[[Any], dict[str, Any]]:
    """Leave out what is None; keep what has a value, even where it equals a default."""
    names = [field.name for field in attrs.fields(cls)]
    given = attrgetter(*names)

    def fields(value: object) -> dict[str, Any]:
        return {
            name: field if type(field) in _PLAIN else _converter.unstructure(field)
            for name, field in zip(names, given(value), strict=True)
            if field is not None
        }

    return fields


def encode(request: Request) -> bytes:
    """Give the body of a request: compact UTF-8 JSON, ``req_key`` first, unset fields left out."""
    return _json.encode(body(request)).encode()


def body(request: Request) -> dict[str, Any]:
    """Give the body of a request as plain values."""
    fields: dict[str, Any] = _converter.unstructure(request)
    extra: dict[str, Any] = fields.pop("extra")
    if isinstance(request, RawRequest):
        return {"req_key": request.req_key, **request.body, **extra}
    return {"req_key": fields.pop("req_key"), **fields, **extra}
