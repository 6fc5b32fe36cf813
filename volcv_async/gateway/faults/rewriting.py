"""Faults of a reply that HTTP does not mind: another head, another body, correctly framed."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from functools import cache

import attrs

from volcv_async.gateway.answers import Canned, service_error
from volcv_async.gateway.faults.refusals import nginx

_FIELDS = 500
_LONG = 64 * 1024
_DEPTH = 100_000
_DIGITS = 5_000
_MEBIBYTE = 1024 * 1024
_BOMB = 72
"""Mebibytes that a bomb unpacks to."""


def rewrite(name: str, reply: Canned) -> Canned | None:
    """The reply as this fault leaves it; `None` where it is not one of these, or cannot strike.

    What stands in the place of an answer that was generated strikes only such an answer.
    """
    if name in _INSTEAD:
        return _in_place_of(reply, _INSTEAD[name]()) if reply.paid else None
    change = _CHANGES.get(name)
    return None if change is None else change(reply)


def _in_place_of(reply: Canned, other: Canned) -> Canned:
    return attrs.evolve(other, paid=reply.paid, request_id=other.request_id or reply.request_id)


def _more_fields(reply: Canned, fields: Mapping[str, str]) -> Canned:
    return attrs.evolve(reply, headers={**reply.headers, **fields})


def _with_member(member: bytes) -> Callable[[Canned], Canned]:
    """Put a member at the beginning of the object that the body is."""

    def change(reply: Canned) -> Canned:
        return attrs.evolve(reply, body=b"{" + member + b"," + reply.body[1:])

    return change


def _gzipped(reply: Canned, body: bytes) -> Canned:
    return attrs.evolve(_more_fields(reply, {"Content-Encoding": "gzip"}), body=body)


def _gzip_cut(reply: Canned) -> Canned:
    packed = gzip.compress(reply.body)
    return _gzipped(reply, packed[: len(packed) // 2])


@cache
def bomb() -> bytes:
    """Spaces by the mebibyte, packed once and repeated: deflate forgets at a full flush."""
    spaces = b" " * _MEBIBYTE
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(_BOMB):
        checksum = zlib.crc32(spaces, checksum)
    trailer = checksum.to_bytes(4, "little") + (_BOMB * _MEBIBYTE).to_bytes(4, "little")
    return gzip.compress(b"")[:10] + block * _BOMB + packer.flush() + trailer


_CHANGES: Mapping[str, Callable[[Canned], Canned]] = {
    "header_of_64_kb": lambda reply: _more_fields(reply, {"X-Long": "a" * _LONG}),
    "headers_500": lambda reply: _more_fields(
        reply, {f"X-Field-{number}": "a" for number in range(_FIELDS)}
    ),
    "gzip_bomb": lambda reply: _gzipped(reply, bomb()),
    "gzip_cut": _gzip_cut,
    "not_utf8": _with_member(b'"note":"\xff\xfe\xc0"'),
    "duplicate_keys": _with_member(b'"code":50412'),
    "nan": _with_member(b'"score":NaN'),
    "deep_nesting": _with_member(b'"deep":' + b"[" * _DEPTH + b"]" * _DEPTH),
    "number_of_5000_digits": _with_member(b'"score":' + b"7" * _DIGITS),
}
_INSTEAD: Mapping[str, Callable[[], Canned]] = {
    "html_504_paid": lambda: nginx(504, "Gateway Time-out"),
    "code_50500": lambda: service_error(50500),
    "code_50511": lambda: service_error(50511),
}

NAMES = frozenset({*_CHANGES, *_INSTEAD})
"""The faults of this room."""
