"""A request to the bytes of its body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_unstructure_fn

from volcv_async.models import RawRequest, Request

_converter = cattrs.Converter()


@_converter.register_unstructure_hook_factory(attrs.has)
def _without_unset(cls: type[attrs.AttrsInstance]) -> Callable[[Any], dict[str, Any]]:
    """Leave out what is None; keep what has a value, even where it equals a default."""
    whole: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn(
        cls, _converter, _cattrs_include_init_false=True, _cattrs_use_linecache=False
    )
    return lambda value: {name: field for name, field in whole(value).items() if field is not None}


def encode(request: Request) -> bytes:
    """Give the body of a request: compact UTF-8 JSON, ``req_key`` first, unset fields left out."""
    return json.dumps(
        body(request), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def body(request: Request) -> dict[str, Any]:
    """Give the body of a request as plain values."""
    fields: dict[str, Any] = _converter.unstructure(request)
    extra: dict[str, Any] = fields.pop("extra")
    if isinstance(request, RawRequest):
        return {"req_key": request.req_key, **request.body, **extra}
    return {"req_key": fields.pop("req_key"), **fields, **extra}
