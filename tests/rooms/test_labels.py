"""The label of origin, read from pictures that carry it in each of the forms that are met."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from volcv_async.images import inspect
from volcv_async.labels import FIELDS, read_label
from volcv_async.metadata import pieces
from volcv_async.results import Image

LABEL = dict.fromkeys(FIELDS, "即梦 & <x>") | {"Label": "1"}
PLAIN = json.dumps(LABEL, ensure_ascii=False)
NAMED = json.dumps({"AIGC": LABEL}, ensure_ascii=False)
USER_COMMENT, EXIF_IFD = 0x9286, 0x8769


def saved(kind: str, **words: Any) -> bytes:  # noqa: ANN401 - as Pillow takes them
    file = io.BytesIO()
    Pillow.new("RGB", (8, 8), "teal").save(file, kind, **words)
    return file.getvalue()


def xmp(inner: str, attribute: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description rdf:about="" '
        f'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"{attribute}>{inner}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


ELEMENT = xmp(f"<TC260:AIGC>{escape(PLAIN)}</TC260:AIGC>")
CDATA = xmp(f"<TC260:AIGC><![CDATA[{PLAIN}]]></TC260:AIGC>")
ATTRIBUTE = xmp("", f' TC260:AIGC="{escape(PLAIN)}"')


def text(key: str, value: str, *, international: bool = True, zipped: bool = False) -> bytes:
    info = PngInfo()
    (info.add_itxt if international else info.add_text)(key, value, zip=zipped)
    return saved("PNG", pnginfo=info)


def exif(comment: bytes) -> bytes:
    made = Pillow.Exif()
    made.get_ifd(EXIF_IFD)[USER_COMMENT] = comment
    return made.tobytes()


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment, and padding before it."""
    whole = saved("JPEG")
    return (
        whole[:2] + b"\xff\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2) + body + whole[2:]
    )


CARRIERS: dict[str, Callable[[], bytes]] = {
    "PNG text": lambda: text("AIGC", PLAIN.encode().decode("latin-1"), international=False),
    "PNG text, packed": lambda: text(
        "AIGC", PLAIN.encode().decode("latin-1"), international=False, zipped=True
    ),
    "PNG international text": lambda: text("AIGC", PLAIN),
    "PNG international text, packed": lambda: text("AIGC", PLAIN, zipped=True),
    "PNG text, named twice": lambda: text("AIGC", NAMED),
    "PNG XMP": lambda: text("XML:com.adobe.xmp", ELEMENT.decode()),
    "PNG EXIF": lambda: saved("PNG", exif=exif(b"ASCII\0\0\0" + NAMED.encode())),
    "JPEG XMP": lambda: saved("JPEG", xmp=ELEMENT),
    "JPEG XMP, unescaped": lambda: saved("JPEG", xmp=CDATA),
    "JPEG XMP, attribute": lambda: saved("JPEG", xmp=ATTRIBUTE),
    "JPEG EXIF": lambda: saved("JPEG", exif=exif(b"UNICODE\0" + NAMED.encode("utf-16-be"))),
    "JPEG EXIF, the other way round": lambda: saved(
        "JPEG", exif=exif(b"UNICODE\0" + NAMED.encode("utf-16-le"))
    ),
    "JPEG APP11": lambda: segment(0xEB, b"JP\0\1" + NAMED.encode()),
    "JPEG comment": lambda: saved("JPEG", comment=NAMED.encode()),
    "WebP XMP": lambda: saved("WEBP", xmp=ELEMENT),
    "WebP XMP, behind EXIF": lambda: saved("WEBP", xmp=ELEMENT, exif=exif(b"ASCII\0\0\0xy")),
    "WebP XMP, behind longer EXIF": lambda: saved(
        "WEBP", xmp=ELEMENT, exif=exif(b"ASCII\0\0\0xy") + b"z"
    ),
    "WebP EXIF": lambda: saved("WEBP", exif=exif(b"ASCII\0\0\0" + NAMED.encode())),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_label_is_read_wherever_it_sits(carrier: str, tmp_path: Path) -> None:
    """It is given as it stands in the picture, whose saved file still has it."""
    data = CARRIERS[carrier]()
    inspect(data)
    image = Image.of(data)
    assert image.aigc_label == LABEL
    assert read_label(image.save(tmp_path / "saved").read_bytes()) == LABEL


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        saved("PNG"),
        saved("JPEG"),
        saved("WEBP"),
        text("AIGC", "yes"),
        text("AIGC", "{"),
        text("AIGC", '{"made": "by hand"}'),
        text("AIGC", '{"a":' * 100_000),
        text("Comment", "AIGC, as they say: {}"),
        text("Comment", PLAIN),
    ],
    ids=lambda data: repr(data[-60:]),
)
def test_what_is_no_label_is_none(data: bytes) -> None:
    """Nothing is guessed at, and nothing is raised."""
    assert read_label(data) is None


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
def test_a_text_that_cannot_be_unpacked_is_let_be(kind: str) -> None:
    """A damaged text holds no label, and the next piece is still looked at."""
    head = b"AIGC\0\0" if kind == "zTXt" else b"AIGC\0\1\0\0\0"
    body = kind.encode() + head + b"no zlib"
    chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    good = text("AIGC", PLAIN)
    data = good[:33] + chunk + good[33:]
    inspect(data)
    assert read_label(data) == LABEL


@pytest.mark.parametrize("carrier", CARRIERS)
def test_half_a_picture_raises_nothing(carrier: str) -> None:
    """Wherever it is cut, there is the label or none; and pieces end."""
    data = CARRIERS[carrier]()
    assert {str(read_label(data[:end])) for end in range(len(data))} <= {"None", str(LABEL)}


def test_a_segment_that_is_none_ends_the_walk() -> None:
    """In a damaged JPEG, what stands before the damage is given."""
    data = segment(0xFE, b"a word")
    cut = data.index(b"a word") + len(b"a word")
    assert [piece.data for piece in pieces(data[:cut] + b"\0" * 8)] == [b"a word"]


def test_a_picture_that_is_not_in_hand_has_no_label() -> None:
    """Neither one that was not downloaded, nor one that no model made."""
    assert Image(url="http://127.0.0.1/a.png").aigc_label is None
    assert Image.of(saved("PNG")).aigc_label is None
