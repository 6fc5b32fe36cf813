"""What is served: replies of three sizes, in the provider's shape and in OpenAI's.

The pictures are PNGs of noise, whole and with true checksums, cut into pieces as Pillow cuts them.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from random import Random
from typing import Literal, TypeAlias

Size: TypeAlias = Literal["small", "medium", "large"]
Dialect: TypeAlias = Literal["provider", "openai"]

SIDES: Mapping[Size, tuple[int, int]] = {"medium": (320, 312), "large": (1152, 1150)}
"""Width and height of the picture in a reply, in pixels; a small reply holds a URL instead."""

SIZES: tuple[Size, ...] = ("small", "medium", "large")

_PIECE = 64 * 1024
_URL = (
    "https://p9-aiop-sign.byteimg.com/tos-cn-i-vuqhorh59i/20250403151503DD53B34623F59CF8B86D-0"
    "~tplv-vuqhorh59i-image.image?rk3s=7f9e702d&x-expires=4102444800&x-signature=Xj7cL1mM%3D"
)
_REQUEST_ID = "20250403151503DD53B34623F59CF8B86D"
_TASK_ID = "9f049575e30035fa30415e594c20018b14f89b52b20ceb146abc93f3e6d379b9"


def body(dialect: Dialect, size: Size) -> bytes:
    """Give the body of a reply."""
    picture = base64.b64encode(png(*SIDES[size])).decode() if size in SIDES else None
    reply = _provider(picture) if dialect == "provider" else _openai(picture)
    return json.dumps(reply, separators=(",", ":")).encode()


def _provider(picture: str | None) -> dict[str, object]:
    return {
        "code": 10000,
        "data": {
            "algorithm_base_resp": {"status_code": 0, "status_message": "Success"},
            "binary_data_base64": [picture] if picture else [],
            "image_urls": [] if picture else [_URL],
            "llm_result": "",
            "pe_result": "",
            "predict_tags_result": "",
            "rephraser_result": "",
            "request_id": _TASK_ID,
            "vlm_result": "",
        },
        "message": "Success",
        "request_id": _REQUEST_ID,
        "status": 10000,
        "time_elapsed": "3.9656567s",
    }


def _openai(picture: str | None) -> dict[str, object]:
    tokens = {"image_tokens": 0, "text_tokens": 12}
    return {
        "created": 1743664507,
        "data": [{"b64_json": picture} if picture else {"url": _URL, "revised_prompt": _TASK_ID}],
        "background": "opaque",
        "output_format": "png",
        "quality": "high",
        "size": "1024x1024",
        "usage": {
            "input_tokens": 12,
            "input_tokens_details": tokens,
            "output_tokens": 4160,
            "output_tokens_details": {"image_tokens": 4160, "text_tokens": 0},
            "total_tokens": 4172,
        },
    }


def png(width: int, height: int) -> bytes:
    """Draw noise: a PNG that no compression makes smaller; sides in pixels."""
    random = Random(width * height)
    rows = b"".join(b"\0" + random.randbytes(3 * width) for _ in range(height))
    packed = zlib.compress(rows, level=0)
    pieces = (packed[at : at + _PIECE] for at in range(0, len(packed), _PIECE))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", head), *(_chunk(b"IDAT", piece) for piece in pieces))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
