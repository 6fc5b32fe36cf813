"""What a picture was made of, put into its own metadata in the way AUTOMATIC1111 does. Pure.

One piece is added, and every byte that came stays, in its order: a PNG gets a text chunk
``parameters``, a JPEG the UserComment of EXIF, or a comment where it has EXIF of its own. A WebP
stays as it came, and so does a JPEG whose text does not fit into a segment.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import attrs

from volcv_async.metadata import pieces
from volcv_async.results import Image

_NAMES = {"ddim_steps": "Steps", "scale": "CFG scale", "seed": "Seed"}
"""What AUTOMATIC1111 calls a field; the others keep their names."""

_ELSEWHERE = {"prompt", "negative_prompt", "width", "height", "req_key"}
"""Fields that have a place of their own in the text."""


def embed(image: Image, sent: Mapping[str, Any], request_id: str) -> Image:
    """Give an image whose bytes say what it was made of, where its kind has a place for that.

    Args:
        image: As it came; whole.
        sent: The request as it went out.
        request_id: The provider's id of the call.
    """
    text = parameters(image, sent, request_id)
    match image.media_type:
        case "image/png":
            return attrs.evolve(image, data=_in_png(image.data or b"", text))
        case "image/jpeg":
            return attrs.evolve(image, data=_in_jpeg(image.data or b"", text))
        case _:
            return image


def parameters(image: Image, sent: Mapping[str, Any], request_id: str) -> str:
    """Say what a picture was made of: the prompt, and the fields in one last line."""
    lines = [str(sent.get("prompt", ""))]
    if sent.get("negative_prompt"):
        lines.append(f"Negative prompt: {sent['negative_prompt']}")
    fields = _fields(image, sent, request_id)
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in fields))
    # Half a surrogate pair in a provider's id fits into no picture; its escape does.
    return "\n".join(lines).encode(errors="backslashreplace").decode()


def _fields(image: Image, sent: Mapping[str, Any], request_id: str) -> Iterator[tuple[str, object]]:
    for name, known_as in _NAMES.items():
        if name in sent:
            yield known_as, sent[name]
    yield "Size", f"{image.width}x{image.height}"
    yield "Model", sent.get("req_key")
    for name, value in sent.items():
        if name not in _NAMES and name not in _ELSEWHERE:
            yield name, value
    yield "Request ID", request_id
    yield "Version", f"volcv-async {_own_version()}"


@cache
def _own_version() -> str:
    return version("volcv-async")  # it reads a file


def _quoted(value: object) -> str:
    """Put quotes around what a reader would part at a comma, a colon or a line's end."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    parted = not text or any(mark in text for mark in ',:\n"')
    return json.dumps(text, ensure_ascii=False) if parted else text


_SIGNATURE = 8


def _in_png(data: bytes, text: str) -> bytes:
    """Add a text chunk behind the first chunk, which is the header."""
    (length,) = struct.unpack_from(">I", data, _SIGNATURE)
    return _inserted(data, _SIGNATURE + 12 + length, _chunk(text))


def _chunk(text: str) -> bytes:
    try:
        body = b"tEXtparameters\0" + text.encode("latin-1")
    except UnicodeEncodeError:
        body = b"iTXtparameters\0\0\0\0\0" + text.encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


_EXIF, _COMMENT, _JFIF = 0xE1, 0xFE, b"\xff\xe0"
_LONGEST = 0xFFFF - 2  # bytes in a segment


def _in_jpeg(data: bytes, text: str) -> bytes:
    """Add a segment behind the start, and behind the header of JFIF where there is one."""
    segment = _segment(text, has_exif=any(p.data.startswith(b"Exif\0") for p in pieces(data)))
    at = 2
    if data[at : at + 2] == _JFIF:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return _inserted(data, at, segment)


def _segment(text: str, *, has_exif: bool) -> bytes:
    """Make the segment that the text fits into; none if it is too long for any."""
    comment = (_COMMENT, text.encode())
    forms = [comment] if has_exif else [(_EXIF, _exif(text)), comment]
    fitting = (
        struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
        for marker, body in forms
        if len(body) <= _LONGEST
    )
    return next(fitting, b"")


def _exif(text: str) -> bytes:
    """Make EXIF of nothing but a UserComment, in the order of Motorola as AUTOMATIC1111 has it."""
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    # A directory of one entry takes 18 bytes: the first at 8, the one it points to at 26.
    header = b"MM\0*" + struct.pack(">I", 8)
    first = struct.pack(">HHHIII", 1, 0x8769, 4, 1, 26, 0)
    second = struct.pack(">HHHIII", 1, 0x9286, 7, len(comment), 44, 0)
    return b"Exif\0\0" + header + first + second + comment


def _inserted(data: bytes, at: int, piece: bytes) -> bytes:
    view = memoryview(data)  # some megabytes, to be copied once
    return b"".join([view[:at], piece, view[at:]])
