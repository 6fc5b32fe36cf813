"""Images cut out of a reply: the short road and the plain one give the same."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.codec import cutting, decode, strict_json
from volcv_async.reply import Reply

PICTURE = (
    b"\x89PNG\r\n\x1a\n"
    b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\0IEND\xaeB`\x82" + bytes(6000)  # what is behind the end is let be
)
LONG = base64.b64encode(bytes(range(256)) * 20).decode()
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9)
TEXTS = {  # drawn by these names, since what is drawn is also printed
    "@image@": LONG,
    "@another@": LONG[4:],
    "@no base64@": "!" + LONG,
    "@broken lines@": f"{LONG[:80]}\n{LONG}",
    "@prose@": "ü" * 5000,
}
IMAGES = st.sampled_from(["QUJD", "", *TEXTS])
LISTS = st.lists(IMAGES | PLAIN, max_size=3) | IMAGES | PLAIN
NAMES = st.sampled_from(
    ["code", "data", "binary_data_base64", 'x"binary_data_base64', "llm_result"]
)
DOCUMENTS = st.recursive(
    PLAIN | IMAGES | LISTS, lambda inner: st.dictionaries(NAMES, inner), max_leaves=8
)
REPLIES = st.fixed_dictionaries(
    {"data": st.dictionaries(NAMES, DOCUMENTS | LISTS)},
    optional={"code": PLAIN, "binary_data_base64": LISTS, "llm_result": IMAGES},
)
WRITTEN = st.sampled_from([(None, (",", ":")), (None, (" , ", " : ")), (2, (",", ": "))])
CHANGES = st.sampled_from(
    [b"", b'"', b"\\", b"NaN", b"Infinity", b"NaN,", b"{", b"]", b"\xff", b" "]
)


def reading(road: Any, body: bytes) -> object:  # noqa: ANN401 - one of the roads
    """What comes of a body on a road, images decoded, or why nothing does."""
    try:
        value = road(body)
    except strict_json.NotStrictJSONError as error:
        return str(error)
    if isinstance(value, dict) and isinstance(data := cast("Any", value).get("data"), dict):
        images = cast("Any", data).get("binary_data_base64")
        if isinstance(images, list):
            data["binary_data_base64"] = [decoded(image) for image in cast("list[object]", images)]
    return cast("object", value)


def decoded(image: object) -> object:
    if not isinstance(image, str):
        return image
    try:
        return base64.b64decode(image, validate=True)
    except ValueError:
        return image


@given(
    reply=REPLIES,
    written=WRITTEN,
    ascii_only=st.booleans(),
    change=CHANGES,
    place=st.integers(0, 10**6),
    slashes=st.booleans(),
)
def test_both_roads_give_the_same(
    *,
    reply: object,
    written: tuple[int | None, tuple[str, str]],
    ascii_only: bool,
    change: bytes,
    place: int,
    slashes: bool,
) -> None:
    """Of any JSON, and of what is none, cutting images out gives what parsing them would."""
    indent, separators = written
    text = json.dumps(reply, indent=indent, separators=separators)
    for name, long in TEXTS.items():
        text = text.replace(name, json.dumps(long, ensure_ascii=ascii_only)[1:-1])
    body = text.encode()
    body = body.replace(b"/", b"\\/") if slashes else body
    at = place % (len(body) + 1)
    body = body[:at] + change + body[at:]
    assert reading(cutting.loads, body) == reading(strict_json.loads, body)


def test_images_come_as_bytes() -> None:
    """What is base64 without an escape is decoded on the way, however many there are."""
    body = json.dumps({"code": 10000, "data": {"binary_data_base64": [LONG, LONG]}}).encode()
    assert cutting.loads(body)["data"]["binary_data_base64"] == [base64.b64decode(LONG)] * 2


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"binary_data_base64": [LONG.replace("A", "/")[:-2] + "/="], "x": "\\/"}},
        {"data": {"nested": {"binary_data_base64": [LONG]}}},
        {"binary_data_base64": [LONG], "data": {}},
        {"data": {"binary_data_base64": [LONG, None]}},
        {"data": {"binary_data_base64": [LONG, f"!{LONG}"]}},
        {"data": [LONG], "x": {"binary_data_base64": [LONG]}},
        {"data": {"binary_data_base64": [LONG]}, "message": "NaN"},
    ],
    ids=[
        "padding",
        "too deep",
        "too high",
        "beside null",
        "beside what is no base64",
        "no object",
        "NaN in a text",
    ],
)
def test_what_stands_elsewhere_stays_text(body: object) -> None:
    """An image in another place, or beside what looks like one cut out, gives the plain reading."""
    written = json.dumps(body).encode()
    assert reading(cutting.loads, written) == reading(strict_json.loads, written)


def test_a_short_reply_is_not_searched() -> None:
    """A reply that is shorter than what is worth it keeps its images as texts."""
    body = b'{"data":{"binary_data_base64":["QUJD"]}}'
    assert cutting.loads(body) == {"data": {"binary_data_base64": ["QUJD"]}}


@pytest.mark.parametrize("beside", [b'{"x":NaN,', b'{"x":Infinity,', b'{"x":[NaN,NaN],', b"{"])
def test_nan_beside_an_image_is_refused(beside: bytes) -> None:
    """What is left in place of an image lets nothing through that is no JSON, before or after."""
    image = b'"data":{"binary_data_base64":["' + LONG.encode() + b'"]}'
    bare = beside[1:].rstrip(b",") or b'"x":NaN'
    for body in (beside + image + b',"y":NaN}', b"{" + image + b"," + bare + b"}"):
        with pytest.raises(strict_json.NotStrictJSONError):
            cutting.loads(body)


@pytest.mark.parametrize("beside", ["", None, 0])
def test_an_empty_place_beside_an_image_costs_nothing(beside: object) -> None:
    """An image with an empty one beside it is given, on the short road and on the plain one."""
    images = [base64.b64encode(PICTURE).decode(), beside]
    for more in ({}, {"message": "NaN"}):  # with that, nothing is cut out
        body = {"code": 10000, "data": {"binary_data_base64": images}, **more}
        made = decode(Reply(200, {}, json.dumps(body).encode(), 0.0))
        assert [image.data for image in made.images] == [PICTURE]
