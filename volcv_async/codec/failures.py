"""A reply that is no success, to one of our errors.

Three layers answer, in three shapes, told apart in this order (see ``volcv_async.codes`` for what
their codes mean):

1. an object with ``ResponseMetadata``: the signature layer of the official endpoint;
2. an object with ``code``: the service, whatever the HTTP status;
3. an object with ``error``: a gateway; a provider's code inside it counts as the service's;
4. anything else: the HTTP status decides.

Messages and types never decide: messages repeat across codes, and gateways re-brand types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

from volcv_async import codes
from volcv_async.codes import Code
from volcv_async.errors import ContentRejectedError, DecodeError, ServerError, VolcvError
from volcv_async.reply import Reply

_EXCERPT = 200
_LONGEST_WORDS = 500
_LONGEST_WAIT = 86_400.0  # seconds; who asks to wait longer is not taken at his word


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a JSON value is an object."""
    return isinstance(value, dict)


def by_signature(metadata: object, reply: Reply) -> VolcvError:
    """Read the signature layer's answer."""
    found: object = metadata.get("Error") if is_object(metadata) else None
    if not is_object(metadata) or not is_object(found):
        return unreadable(reply, "its ResponseMetadata holds no Error")
    name = _text(found.get("Code"))
    number = as_code(found.get("CodeN"))
    code = _signature_code(name, number, reply.status)
    return failure(
        code,
        reply,
        shown=name or number,
        words=_text(found.get("Message")),
        request_id=_text(metadata.get("RequestId")),
    )


def _signature_code(name: str, number: int | None, status: int) -> Code:
    business = as_code(name)
    if business is not None:
        return codes.service(business)
    known = codes.SIGNATURE.get(name.partition(".")[0])
    if known is None and number is not None and number in codes.SIGNATURE_NUMBERS:
        known = codes.SIGNATURE[codes.SIGNATURE_NUMBERS[number]]
    return known or codes.http(status)


def by_service(envelope: Mapping[str, Any], code: int, reply: Reply) -> VolcvError:
    """Read a failure of the service."""
    data: object = envelope.get("data")
    base: object = data.get("algorithm_base_resp") if is_object(data) else None
    algorithm = as_code(base.get("status_code")) if is_object(base) else None
    return failure(
        codes.service(code),
        reply,
        shown=code,
        words=_text(envelope.get("message")),
        request_id=_text(envelope.get("request_id")),
        algorithm=algorithm,
    )


def by_gateway(error: object, reply: Reply) -> VolcvError:
    """Read a gateway's own error, or the provider's inside it."""
    inside: Mapping[str, Any] = error if is_object(error) else {"message": error}
    shown: object = inside.get("code")
    number = as_code(shown)
    if number is not None and number in codes.SERVICE_CODES:
        code = codes.SERVICE_CODES[number]
    elif reply.status < 300:  # noqa: PLR2004 - an HTTP status says more than a name for it
        return unreadable(reply, "a gateway reports an error in it and success beside it")
    else:
        code = codes.gateway("" if shown is None else str(shown), reply.status)
    words = _text(inside.get("message"))
    return failure(code, reply, shown=number or _text(shown) or None, words=words)


def by_status(reply: Reply) -> VolcvError:
    """Judge by the HTTP status alone."""
    error = failure(codes.http(reply.status), reply)
    if 300 <= reply.status < 400:  # noqa: PLR2004 - as above
        target = reply.headers.get("location", "")[:_EXCERPT]
        error.message = (
            f"The URL redirects to {target or 'nowhere'}, and redirects are not followed."
        )
    return error


def failure(
    code: Code,
    reply: Reply,
    *,
    shown: int | str | None = None,
    words: str = "",
    request_id: str = "",
    algorithm: int | None = None,
) -> VolcvError:
    """Make the error that a code stands for."""
    said = f" ({_shortened(words)})" if words else ""
    error = code.error(
        f"{code.meaning[0].upper()}{code.meaning[1:]}{said}.",
        help=code.help,
        code=shown,
        http_status=reply.status,
        request_id=request_id or None,
        provider_message=words or None,
        retry_after=retry_after(reply),
    )
    error.ending, error.repeatable, error.billed = code.ending, code.repeat, code.billed
    error.rerollable, error.slow_down = code.reroll, code.slow_down
    if isinstance(error, ContentRejectedError) and code.stage is not None:
        error.stage, error.media, error.reason = code.stage, code.media, code.reason
    if isinstance(error, ServerError):
        error.algorithm_code = algorithm
    return error


def _shortened(words: str) -> str:
    """Cut long words of others between two of them, so that no half of a key is left over."""
    return words if len(words) <= _LONGEST_WORDS else words[:_LONGEST_WORDS].rpartition(" ")[0]


def unreadable(reply: Reply, why: str, *, request_id: str = "") -> DecodeError:
    """Make the error for a reply that cannot be read."""
    error = DecodeError(
        f"A reply came that cannot be read: {why}.",
        help="The image may have been made and billed, so it is not sent again unasked.",
        http_status=reply.status,
        request_id=request_id or None,
    )
    error.excerpt = excerpt(reply)
    return error


def excerpt(reply: Reply, clean: Callable[[str], str] = str) -> str:
    """Give the beginning of a body, cleaned before it is cut."""
    return clean(reply.body[: 16 * _EXCERPT].decode(errors="replace"))[:_EXCERPT]


def retry_after(reply: Reply) -> float | None:
    """Read ``Retry-After``, seconds or a date, into seconds; None where it says nothing usable."""
    value = reply.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        after = float(value) if value.isdecimal() else _until(value) - reply.received
    except (ValueError, OverflowError):
        return None
    return after if 0 <= after <= _LONGEST_WAIT else None


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()


def as_code(value: object) -> int | None:
    """Read a code given as a number or as a text of digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004
        return int(value)
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
