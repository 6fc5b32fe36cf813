"""The variants by name, and a request made from a name and plain values."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, cast

import attrs

from volcv_async.errors import InvalidRequestError
from volcv_async.models.general import GeneralV14, GeneralV20Pro, GeneralV21
from volcv_async.models.marks import AigcMeta, LogoInfo
from volcv_async.models.request import Request

VARIANTS: tuple[type[Request], ...] = (GeneralV14, GeneralV20Pro, GeneralV21)
"""The request variants that have a class, oldest first."""

_NESTED: Mapping[str, type] = {"logo_info": LogoInfo, "aigc_meta": AigcMeta}


def variant(name: str) -> type[Request]:
    """Find a variant by the name of its class or by its ``req_key``, in any case of letters.

    Raises:
        InvalidRequestError: There is none; its text names those there are.
    """
    for known in VARIANTS:
        if name.casefold() in {known.__name__.casefold(), key_of(known).casefold()}:
            return known
    names = ", ".join(known.__name__ for known in VARIANTS)
    raise InvalidRequestError(f"There is no model {name!r}.", help=f"There are {names}.")


def key_of(model: type[Request]) -> str:
    """Give the ``req_key`` of a variant."""
    return str(attrs.fields_dict(model)["req_key"].default)


def build(model: type[Request], values: Mapping[str, Any]) -> Request:
    """Make a request of plain values, such as a row of a list gives; nested objects as mappings.

    Raises:
        InvalidRequestError: A field is unknown or missing, or a value is not allowed for it.
    """
    names = [field.name for field in attrs.fields(model) if field.init]
    for name in values:
        if name not in names:
            raise _unknown(model, name, names)
    given: dict[str, Any] = {name: _nested(model, name, value) for name, value in values.items()}
    if "prompt" in names and "prompt" not in given:
        raise InvalidRequestError(f"{model.__name__}: the prompt is missing.")
    return model(**given)


def _nested(model: type[Request], name: str, value: object) -> object:
    if name not in _NESTED or not isinstance(value, Mapping):
        return value
    of = _NESTED[name]
    names = [field.name for field in attrs.fields(of)]
    inner = cast("Mapping[str, Any]", value)
    for key in inner:
        if key not in names:
            raise _unknown(model, f"{name}.{key}", [f"{name}.{known}" for known in names])
    required = [field.name for field in attrs.fields(of) if field.default is attrs.NOTHING]
    return of(**{**dict.fromkeys(required), **inner})


def _unknown(model: type[Request], name: str, names: list[str]) -> InvalidRequestError:
    near = difflib.get_close_matches(name, names, n=1)
    cure = f"Did you mean {near[0]}? " if near else ""
    return InvalidRequestError(
        f"{model.__name__} has no field {name!r}.",
        help=f"{cure}`volcv models NAME` lists the fields of a model; one that this library does "
        "not know yet goes into extra={...}.",
    )
