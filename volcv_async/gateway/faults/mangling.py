"""Faults of a reply on the wire: the true reply in, a script of what the socket does out. Pure."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from http.client import responses
from typing import TypeAlias

import attrs

from volcv_async.gateway.answers import Canned

_EXTRA = b"\x00" * 16


@attrs.frozen
class Send:
    """Send these bytes, and wait until the system has them."""

    data: bytes


@attrs.frozen
class Drip:
    """Send these bytes one by one, with a pause before each."""

    data: bytes


class End(Enum):
    """How a script ends."""

    CLOSE = auto()
    """Close in good order."""
    RESET = auto()
    """Close with a reset (RST)."""
    HOLD = auto()
    """Stay until the client goes."""


Step: TypeAlias = Send | Drip | End
Script: TypeAlias = tuple[Step, ...]


def head(reply: Canned, *framing: str) -> bytes:
    """The reply's head, with these fields for the framing of its body."""
    fields = [f"{name}: {value}" for name, value in reply.headers.items()]
    status = f"HTTP/1.1 {reply.status} {responses.get(reply.status, '')}"
    return "\r\n".join([status, *fields, *framing, "", ""]).encode()


def plain(reply: Canned) -> bytes:
    """The whole reply, as it is without a fault."""
    return head(reply, _length(len(reply.body))) + reply.body


def _length(announced: int) -> str:
    return f"Content-Length: {announced}"


_CHUNKED = "Transfer-Encoding: chunked"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _halves(data: bytes) -> tuple[bytes, bytes]:
    middle = len(data) // 2
    return data[:middle], data[middle:]


def _sent(data: bytes, end: End = End.CLOSE) -> Script:
    return Send(data), end


def _half_a_header(reply: Canned) -> Script:
    return _sent(_halves(head(reply, _length(len(reply.body))))[0])


def _two_content_lengths(reply: Canned) -> Script:
    size = len(reply.body)
    return _sent(head(reply, _length(size), _length(size // 2)) + reply.body)


def _length_and_chunked(reply: Canned) -> Script:
    body = _chunk(reply.body) + _chunk(b"")
    return _sent(head(reply, _length(len(reply.body)), _CHUNKED) + body)


def _reset_in_body(reply: Canned) -> Script:
    return _sent(
        head(reply, _length(len(reply.body))) + _halves(reply.body)[0],
        End.RESET,
    )


def _body_too_short(reply: Canned) -> Script:
    return _sent(head(reply, _length(len(reply.body) + len(_EXTRA))) + reply.body)


def _body_too_long(reply: Canned) -> Script:
    return _sent(plain(reply) + _EXTRA)


def _chunk_cut_off(reply: Canned) -> Script:
    size = b"%x\r\n" % len(reply.body)
    return _sent(head(reply, _CHUNKED) + size + _halves(reply.body)[0])


def _bad_chunk_size(reply: Canned) -> Script:
    first, second = _halves(reply.body)
    return _sent(head(reply, _CHUNKED) + _chunk(first) + b"size\r\n" + second + b"\r\n")


def _body_until_close_cut(reply: Canned) -> Script:
    return _sent(head(reply, "Connection: close") + _halves(reply.body)[0])


def _slow_drip(reply: Canned) -> Script:
    return Send(head(reply, _length(len(reply.body)))), Drip(reply.body), End.CLOSE


SCRIPTS: Mapping[str, Callable[[Canned], Script]] = {
    "reset_at_accept": lambda _: (End.RESET,),
    "reset_after_request": lambda _: (End.RESET,),
    "close_after_request": lambda _: (End.CLOSE,),
    "silence": lambda _: (End.HOLD,),
    "half_a_header": _half_a_header,
    "two_content_lengths": _two_content_lengths,
    "length_and_chunked": _length_and_chunked,
    "reset_in_body": _reset_in_body,
    "body_too_short": _body_too_short,
    "body_too_long": _body_too_long,
    "chunk_cut_off": _chunk_cut_off,
    "bad_chunk_size": _bad_chunk_size,
    "body_until_close_cut": _body_until_close_cut,
    "slow_drip": _slow_drip,
}
"""By name: the true reply to a script. It is never followed by another reply."""
