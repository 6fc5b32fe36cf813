"""Pictures: kind, size, wholeness."""

from __future__ import annotations

import io

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async.images import Picture, inspect


def picture(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image = PIL.Image.effect_noise((61, 47), 90).convert("RGB")
    image.save(out, kind, **options)
    return out.getvalue()


PNG, JPEG = picture("PNG"), picture("JPEG", quality=90)
PROGRESSIVE = picture("JPEG", progressive=True, restart_marker_blocks=2)
LOSSY, LOSSLESS = picture("WEBP"), picture("WEBP", lossless=True)
EXTENDED = picture("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
WHOLE = {
    "png": (PNG, "image/png"),
    "jpeg": (JPEG, "image/jpeg"),
    "progressive": (PROGRESSIVE, "image/jpeg"),
    "webp": (LOSSY, "image/webp"),
    "lossless": (LOSSLESS, "image/webp"),
    "extended": (EXTENDED, "image/webp"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_picture_tells_kind_and_size(name: str) -> None:
    """Kind and size are read from the bytes of each format and flavour."""
    data, media_type = WHOLE[name]
    assert inspect(data) == Picture(media_type, 61, 47)


@pytest.mark.parametrize("name", WHOLE)
def test_bytes_after_the_end_are_let_be(name: str) -> None:
    """What follows the end of a picture, such as a label, does not make it broken."""
    data, media_type = WHOLE[name]
    assert inspect(data + b"label").media_type == media_type


@pytest.mark.parametrize("name", WHOLE)
def test_a_picture_cut_short_is_broken(name: str) -> None:
    """However much of a picture is missing at its end, it is found."""
    data, _ = WHOLE[name]
    for kept in (*range(64), *range(64, len(data), 97), len(data) - 1):
        with pytest.raises(volcv.BrokenImageError) as caught:
            inspect(data[:kept])
        assert caught.value.data == data[:kept]
        assert caught.value.billed == "yes"


@given(st.integers(8, len(PNG) - 1), st.integers(0, 7))
def test_a_flipped_bit_in_a_png_is_found(at: int, bit: int) -> None:
    """A PNG with one bit turned over, anywhere behind its signature, is broken."""
    damaged = bytearray(PNG)
    damaged[at] ^= 1 << bit
    with pytest.raises(volcv.BrokenImageError):
        inspect(bytes(damaged))


@given(st.binary(max_size=64), st.sampled_from([PNG[:8], JPEG[:3], b"RIFF\x10\0\0\0WEBP", b""]))
def test_any_bytes_are_a_picture_or_broken(tail: bytes, head: bytes) -> None:
    """Whatever stands behind a signature, only our error comes out."""
    try:
        inspect(head + tail)
    except volcv.BrokenImageError as error:
        assert error.data == head + tail


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GIF89a", "neither PNG, JPEG nor WebP"),
        (b"\xff\xd8\xff\xd9", "no size"),
        (JPEG[:2] + b"\0" + JPEG[3:], "begins with"),
        (b"\xff\xd8\xff\xe0\x00\x02\x00\x00", "no JPEG marker"),
        (b"RIFF\x20\0\0\0WEBPABCD" + bytes(32), "first WebP chunk"),
        (b"RIFF\x20\0\0\0WEBPVP8 " + bytes(32), "no size"),
    ],
)
def test_what_is_no_picture_says_why(data: bytes, why: str) -> None:
    """The message says what is wrong with the bytes."""
    with pytest.raises(volcv.BrokenImageError, match=why):
        inspect(data)


def test_padding_and_bare_markers_in_a_jpeg_are_passed_over() -> None:
    """Fill bytes and markers without a length do not end the walk."""
    assert inspect(JPEG[:2] + b"\xff\xff\x01" + JPEG[2:]) == Picture("image/jpeg", 61, 47)
