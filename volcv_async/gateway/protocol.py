"""Reading a request as the provider would: an order to draw, or the provider's own refusal.

The checks stand in the order in which the layers of a real gateway make them: path, key, body,
`Action` and `Version`, model, fields. Limits come after these, in the server.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

import attrs

from volcv_async.gateway.answers import Canned, gateway_error, service_error, unknown_action
from volcv_async.gateway.variants import VARIANTS, Variant, find_fault

PATH = "/volcv/v1"
ACTION = "CVProcess"
VERSION = "2022-08-31"


@attrs.frozen(kw_only=True)
class Asked:
    """What stands in a request, as far as the gateway looks at it.

    Attributes:
        method: the HTTP method.
        path: the path without its query.
        query: the query's pairs.
        authorization: that header, or an empty string.
        content_type: that header without its parameters, or an empty string.
        body: the JSON object, or `None` if the body is none.
        request_id: the id that a refusal names.
    """

    method: str
    path: str
    query: Mapping[str, str]
    authorization: str = attrs.field(repr=False)
    content_type: str
    body: Mapping[str, Any] | None
    request_id: str


@attrs.frozen(kw_only=True)
class Order:
    """What is to be generated, with every default filled in.

    Attributes:
        variant: the model.
        body: the request's JSON object, as it came.
        prompt: the prompt, as it came.
        seed: the seed to draw with; -1 asks the gateway to choose.
        width: of the picture, in pixels, after doubling.
        height: likewise.
        return_url: whether the reply holds an address instead of the picture.
    """

    variant: Variant
    body: Mapping[str, Any] = attrs.field(repr=False)
    prompt: str
    seed: int
    width: int
    height: int
    return_url: bool


def parse_body(raw: bytes) -> Mapping[str, Any] | None:
    """The JSON object in these bytes, `None` if there is none: no NaN, no lone surrogates."""
    try:
        value: object = json.loads(raw.decode(), parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def examine(asked: Asked, key: str) -> Order | Canned:
    """Check a request against the protocol; a `Canned` is the refusal to send."""
    if refusal := _refuse_by_gateway(asked, key):
        return refusal
    if refusal := _refuse_by_action(asked):
        return refusal
    return _take_order(asked.body or {}, asked.request_id)


def wrong_path(method: str, path: str, request_id: str) -> Canned:
    """The gateway's answer on any path but the paid one."""
    message = f"Invalid URL ({method} {path}), you may need [POST {PATH}]"
    return gateway_error(404, message, code=None, request_id=request_id)


def _refuse_by_gateway(asked: Asked, key: str) -> Canned | None:
    if asked.path != PATH or asked.method != "POST":
        return wrong_path(asked.method, asked.path, asked.request_id)
    if asked.authorization != f"Bearer {key}":
        return gateway_error(401, "Invalid token", code="", request_id=asked.request_id)
    if asked.content_type != "application/json" or asked.body is None:
        message = "the body must be a JSON object, sent as application/json"
        return gateway_error(400, message, code="bad_request_body", request_id=asked.request_id)
    return None


def _refuse_by_action(asked: Asked) -> Canned | None:
    action, version = asked.query.get("Action", ""), asked.query.get("Version", "")
    if (action, version) == (ACTION, VERSION):
        return None
    return unknown_action(action, version, request_id=asked.request_id)


def _take_order(body: Mapping[str, Any], request_id: str) -> Order | Canned:
    req_key = body.get("req_key")
    variant = VARIANTS.get(req_key) if isinstance(req_key, str) else None
    if variant is None:
        return service_error(50400, request_id=request_id, why=f"unknown req_key: {req_key!r}")
    if fault := find_fault(body, variant.fields):
        return service_error(50215, request_id=request_id, why=fault)
    return _fill_in(variant, body)


def _fill_in(variant: Variant, body: Mapping[str, Any]) -> Order:
    factor = 2 if variant.value(body, "use_sr") else 1
    return Order(
        variant=variant,
        body=body,
        prompt=body["prompt"],
        seed=variant.value(body, "seed"),
        width=factor * variant.value(body, "width"),
        height=factor * variant.value(body, "height"),
        return_url=variant.value(body, "return_url"),
    )
