"""The options that commands share, and what is typed for a field of a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from volcv_async.config import Limits, SharedConcurrency, SharedRate, StoreUrl
from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.models import FieldInfo, Request, info

Model = Annotated[str, Parameter(name="--model", help="The model; see `volcv models`.")]
Fields = Annotated[
    tuple[str, ...],
    Parameter(
        name="-p",
        help="A field of every request, as field=value; may be given again.",
        negative=(),
        show_default=False,
    ),
]
Rate = Annotated[
    float | None,
    Parameter(name="--rate", help="Calls a second that the account allows; default: learned."),
]
Concurrency = Annotated[
    int | None,
    Parameter(
        name="--concurrency", help="Calls in flight that the account allows; default: learned."
    ),
]
Shared = Annotated[
    str | None,
    Parameter(
        name="--shared",
        help="A store that makes these the limits of all who name it.",
    ),
]
Local = Annotated[
    bool,
    Parameter(
        name="--local",
        help="Send to a local gateway, started for it: no key, and no model draws.",
        negative=(),
        show_default=False,
    ),
]


def stated_limits(
    rate: float | None, concurrency: int | None, shared: str | None, *, local: bool = False
) -> Limits:
    """Give the limits that were typed, shared with other processes where a store was named.

    Raises:
        ConfigurationError: A number or the store makes no sense, or there is nothing to share, or
            nobody to share with; or the store's URL holds a password, which does not belong on a
            command line.
    """
    if shared is None:
        return Limits(rate=rate, concurrency=concurrency)
    if local:
        raise ConfigurationError(
            "--shared and --local: each --local is a gateway, and so an account, of its own.",
            help="To try sharing, let all send to one gateway: see `volcv serve`.",
        )
    if rate is None and concurrency is None:
        raise ConfigurationError(
            f"--shared {StoreUrl(shared)!r}: nothing is stated that could be shared.",
            help="Give --rate, --concurrency or both: what the account allows all together.",
        )
    limits = Limits(
        rate=None if rate is None else SharedRate(shared, rate),
        concurrency=None if concurrency is None else SharedConcurrency(shared, concurrency),
    )
    if StoreUrl(shared).guarded:
        raise ConfigurationError(
            f"--shared {StoreUrl(shared)!r}: a password does not belong on a command line.",
            help="Name a store without one, such as unix:///run/redis.sock, or use the library.",
        )
    return limits


def parse_fields(model: type[Request], pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``field=value`` pairs, each value as its field's kind says.

    A field that the model does not have keeps its text, for the model to refuse it.

    Raises:
        InvalidRequestError: A pair has no ``=``, or a value is not of its field's kind.
    """
    kinds = {field.name: info(field) for field in attrs.fields(model)}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign:
            raise InvalidRequestError(f"-p {pair}: no '=' in it.", help="Write -p field=value.")
        values[name] = _value(name, text, kinds[name]) if name in kinds else text
    return values


def _value(name: str, text: str, declared: FieldInfo | None) -> Any:  # noqa: ANN401 - by its kind
    kind = declared.kind if declared else "object"
    try:
        return _PARSERS[kind](text)
    except ValueError:
        message = f"-p {name}={text}: {text!r} is no {_WANTED[kind]}."
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
