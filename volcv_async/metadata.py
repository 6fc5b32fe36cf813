"""What a picture carries beside its pixels: its pieces of metadata, byte for byte. Pure.

Nothing is checked that ``images`` checks: of a picture that is cut short or damaged, the pieces
before that are given.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import attrs

from volcv_async.images import JPEG, PNG


@attrs.frozen
class Piece:
    """One piece of metadata.

    Attributes:
        name: Of its chunk, as ``tEXt`` or ``XMP ``; in a JPEG ``APP0`` to ``APP15``, or ``COM``.
        data: What is in it.
    """

    name: str
    data: bytes


def pieces(data: bytes) -> Iterator[Piece]:
    """Give the pieces of metadata of a picture, in their order; none of what is no picture."""
    try:
        if data.startswith(PNG):
            yield from _png(data)
        elif data.startswith(JPEG):
            yield from _jpeg(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            yield from _webp(data)
    except struct.error:
        return


_SMALL = 0x20
"""The bit of a letter that makes it a small one: a chunk whose name begins so is metadata."""


def _png(data: bytes) -> Iterator[Piece]:
    at = len(PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind[0] & _SMALL:
            yield Piece(kind.decode("latin-1"), data[at + 8 : at + 8 + length])
        at += 12 + length


_NAMES = {0xE0 + number: f"APP{number}" for number in range(16)} | {0xFE: "COM"}
_PIXELS = 0xDA


def _jpeg(data: bytes) -> Iterator[Piece]:
    at = 2
    while True:
        fill, marker, length = struct.unpack_from(">BBH", data, at)
        if fill != 0xFF or marker == _PIXELS:  # noqa: PLR2004 - what a marker begins with
            return
        if marker == 0xFF:  # noqa: PLR2004 - padding before a marker
            at += 1
            continue
        if marker in _NAMES:
            yield Piece(_NAMES[marker], data[at + 4 : at + 2 + length])
        at += 2 + length


def _webp(data: bytes) -> Iterator[Piece]:
    at = 12
    while True:
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in {b"EXIF", b"XMP "}:
            yield Piece(kind.decode(), data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
