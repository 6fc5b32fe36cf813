"""Images cut out of a reply's bytes before the rest of it is parsed.

    {"code":10000,"data":{"binary_data_base64":["iVBORw0KGgo…"],"request_id":…
                                                ╰─ decoded in place; NaN is left there ─╯

Parsed as JSON, an image would become a text of megabytes first, and be copied and looked through
three times more than it need be. Only base64 without any escape is cut out. Whatever else comes
takes the plain road, and both give the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import pybase64

from volcv_async.codec import strict_json

SHORTEST = 4096
"""The shortest body from which images are cut out, in bytes; a shorter one is parsed as quickly."""

_NAME = b'"binary_data_base64"'
_FIRST = re.compile(rb'"binary_data_base64"\s*:\s*\[\s*"')
_NEXT = re.compile(rb'\s*,\s*"')
_LEFT = b"NaN"  # no strict JSON, so that what was cut out is found there again, and nothing else


def loads(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read a reply as ``strict_json.loads`` does, but with its images as ``bytes`` where it can.

    Such bytes stand in ``data.binary_data_base64`` and nowhere else.

    Raises:
        NotStrictJSONError: It is no strict JSON.
    """
    rest, images = _cut(body) if len(body) > SHORTEST else (body, [])
    if images:
        try:
            value = strict_json.loads(rest, in_place_of_nan=images)
        except strict_json.NotStrictJSONError:
            pass  # the plain road says what is wrong, and where
        else:
            if _images_in(value) == len(images):
                return value
    return strict_json.loads(body)


def _cut(body: bytes) -> tuple[bytes, list[bytes]]:
    """Cut the images out; give what is left, and them."""
    images: list[bytes] = []
    kept: list[memoryview | bytes] = []
    view, begin = memoryview(body), 0
    found = _FIRST.match(body, body.find(_NAME)) if _NAME in body else None
    while found is not None:
        quote, end = found.end() - 1, body.find(b'"', found.end()) + 1
        try:
            images.append(pybase64.b64decode(view[quote + 1 : end - 1], validate=True))
        except ValueError:
            return body, []
        kept += [view[begin:quote], _LEFT]
        begin, found = end, _NEXT.match(body, end)
    rest = b"".join([*kept, view[begin:]])
    return (rest, images) if rest.count(_LEFT) == len(images) else (body, [])


def _images_in(value: object) -> int:
    """Count the images that stand where they belong."""
    images = _item(_item(value, "data"), "binary_data_base64")
    if not isinstance(images, list):
        return 0
    return sum(isinstance(image, bytes) for image in cast("list[object]", images))


def _item(value: object, name: str) -> object:
    return cast("Mapping[str, object]", value).get(name) if isinstance(value, dict) else None
