"""What can be said to a request: the failure bodies of the three layers, and scripted answers.

A reply is one of two values. `Canned` is sent as it is; `Drop` closes the connection without a
word. A test scripts the provider by giving the gateway an `Answer`, which sees each request that
was accepted and may return either, or `None` to let the gateway go on as usual.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import attrs

from volcv_async.gateway.ledger import Received, new_request_id

JSON_HEADERS: Mapping[str, str] = {"Content-Type": "application/json; charset=utf-8"}


@attrs.frozen(kw_only=True)
class Canned:
    """A reply that is sent as it is.

    Attributes:
        status: the HTTP status.
        body: the body, bytes as they go out.
        headers: the headers; those of the framing are added.
        paid: whether the ledger counts this request as paid.
        code: what the ledger notes as the code of this reply, if it has one.
        request_id: the id that the body names, if it names one; the ledger takes it over.
        why: for the reader of the ledger, what was wrong; it is not sent.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    paid: bool = False
    code: int | str | None = None
    request_id: str | None = None
    why: str = ""


@attrs.frozen(kw_only=True)
class Drop:
    """The connection is closed without a byte of reply.

    Attributes:
        paid: whether the ledger counts this request as paid; it does unless told otherwise,
            that being the case a client has to fear.
    """

    paid: bool = True


Reply: TypeAlias = Canned | Drop
Answer: TypeAlias = Callable[[Received], Awaitable[Reply | None]]

_SERVICE: Mapping[int, tuple[int, str]] = {
    50200: (400, "General Error"),
    50204: (400, "Req Key Not Supported"),
    50215: (400, "Input invalid for this service."),
    50218: (400, "Resource exists risk"),
    50400: (401, "Access Denied: Internal Error"),
    50411: (400, "Pre Img Risk Not Pass"),
    50412: (400, "Text Risk Not Pass"),
    50413: (400, "Post Text Risk Not Pass"),
    50429: (429, "Request Has Reached API Limit, Please Try Later"),
    50430: (429, "Request Has Reached API Concurrent Limit, Please Try Later"),
    50500: (500, "Internal Error"),
    50501: (500, "Internal RPC Error"),
    50511: (400, "Post Img Risk Not Pass"),
    50512: (400, "Post Text Risk Not Pass"),
    50513: (400, "Pre Video Risk Not Pass"),
    50514: (400, "Pre Audio Risk Not Pass"),
    50516: (400, "Post Video Risk Not Pass"),
    50517: (400, "Post Audio Risk Not Pass"),
    50518: (400, "Pre Img Risk Not Pass: Copyright"),
    50519: (400, "Post Img Risk Not Pass: Copyright"),
    50520: (400, "Risk Internal Error"),
    50521: (400, "Antidirt Internal Error"),
    50522: (400, "Image Copyright Internal Error"),
}
"""Code to HTTP status and message. 50200, 50204 and 50218 are known to the community only, and
their status and the first two messages are guesses; 50215 and 50400 have their status from the
community; the rest is official."""

_UNKNOWN = (500, "Unknown Error")


def service_error(
    code: int,
    *,
    http_status: int | None = None,
    message: str | None = None,
    data: Mapping[str, Any] | None = None,
    request_id: str | None = None,
    why: str = "",
) -> Canned:
    """A failure in the service's envelope, as the CV service words it.

    Args:
        code: the service's code. One that is not known gets HTTP 500 and "Unknown Error".
        http_status: another HTTP status than the documented one: 200 makes a failure under
            HTTP 200.
        message: another message than the documented one.
        data: what stands in `data`; `null` unless given.
        request_id: the id in the envelope; a new one unless given.
        why: for the reader of the ledger, what was wrong; it is not sent.
    """
    known_status, known_message = _SERVICE.get(code, _UNKNOWN)
    request_id = request_id or new_request_id()
    envelope = {
        "code": code,
        "data": data,
        "message": message or known_message,
        "request_id": request_id,
        "status": code,
        "time_elapsed": "36.799829ms",
    }
    return Canned(
        status=http_status or known_status,
        body=to_json(envelope),
        headers=JSON_HEADERS,
        code=code,
        request_id=request_id,
        why=why,
    )


def gateway_error(status: int, message: str, *, code: str | None, request_id: str) -> Canned:
    """A failure in the shape of the gateway before the service: `{"error": …}`.

    `code` may be empty, as it is for a bad key, or `None`, which leaves it and the type out, as
    they are for a wrong path (community).
    """
    error = {"message": message}
    if code is not None:
        error["message"] += f" (request id: {request_id})"
        error |= {"type": "new_api_error", "code": code}
    return Canned(
        status=status,
        body=to_json({"error": error}),
        headers=JSON_HEADERS,
        code=code,
        request_id=request_id,
        why=message,
    )


def unknown_action(action: str, version: str, *, request_id: str) -> Canned:
    """The signature layer's answer to an `Action` or `Version` that it does not serve."""
    message = f"Could not find operation {action} for version {version}."
    metadata = {
        "RequestId": request_id,
        "Action": action,
        "Version": version,
        "Service": "cv",
        "Region": "cn-north-1",
        "Error": {"CodeN": 100008, "Code": "InvalidActionOrVersion", "Message": message},
    }
    return Canned(
        status=404,
        body=to_json({"ResponseMetadata": metadata}),
        headers=JSON_HEADERS,
        code=100008,
        request_id=request_id,
        why=message,
    )


def to_json(value: Mapping[str, Any]) -> bytes:
    r"""Compact UTF-8 JSON the way the service writes it: `&`, `<` and `>` as `\u0026` and so on."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
