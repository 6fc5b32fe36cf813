"""The label of origin in a picture's metadata, as Chinese rules ask for it: found and read. Pure.

The rule is GB 45438-2025; what it calls an implicit label is one JSON object of seven fields. The
provider says only that the label sits in a PNG chunk or a JPEG APP11 segment (official). The forms
that are read here are those that other people's code has met (community); no picture of the
provider with a label in it was at hand:

* XMP, with the object in an element ``TC260:AIGC`` or an attribute of that name;
* a PNG text chunk with the key ``AIGC``;
* ``{"AIGC": {…}}`` in EXIF, as its UserComment, or in any other piece of metadata.
"""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

from volcv_async.metadata import Piece, pieces

FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
"""The fields of a label; what has none of them is not taken for one."""

_NAMED = re.compile(r"""AIGC(?:[\0\s"':=>]|<!\[CDATA\[)+(?=\{)""")
_UTF_16 = b"UNICODE\0"
_MOST = 1 << 20  # bytes that a packed text is unpacked to


def read_label(data: bytes) -> Mapping[str, Any] | None:
    """Read the label of origin of a picture, as it stands there; None where none is found.

    Args:
        data: The bytes of the picture.
    """
    found = (label for piece in pieces(data) for text in _texts(piece) for label in _labels(text))
    return next(found, None)


def _texts(piece: Piece) -> Iterator[str]:
    """Give all readings of a piece as text."""
    body = piece.data
    if piece.name in {"zTXt", "iTXt"}:
        body = _unpacked(piece)
    plain = body.decode(errors="replace")
    yield plain
    yield html.unescape(plain)
    if _UTF_16 in body:
        _, _, wide = body.partition(_UTF_16)
        yield wide.decode("utf-16-be", errors="replace")
        yield wide.decode("utf-16-le", errors="replace")


def _unpacked(piece: Piece) -> bytes:
    """Give a text chunk of a PNG with its key, and its text unpacked if it was packed."""
    key, _, rest = piece.data.partition(b"\0")
    packed = rest[1:]
    if piece.name == "iTXt":
        if not rest.startswith(b"\1"):
            return piece.data
        packed = rest[2:].split(b"\0", 2)[-1]
    try:
        return key + b"\0" + zlib.decompressobj().decompress(packed, _MOST)
    except zlib.error:
        return piece.data


def _labels(text: str) -> Iterator[Mapping[str, Any]]:
    for named in _NAMED.finditer(text):
        try:
            value: object = json.JSONDecoder().raw_decode(text, named.end())[0]
        except (ValueError, RecursionError):
            continue
        label = cast("dict[str, Any]", value)
        if any(field in label for field in FIELDS):
            yield label
