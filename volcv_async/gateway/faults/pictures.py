"""Faults of the picture: its bytes, spoilt."""

from collections.abc import Callable, Mapping

_NO_MAGIC = b"\x00no magic"


def _wrong_magic(data: bytes) -> bytes:
    return _NO_MAGIC + data[len(_NO_MAGIC) :]


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DISTORTIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "wrong_magic": _wrong_magic,
    "truncated_image": _truncated,
    "flipped_bit": _flipped,
}
"""By name: the bytes of a picture to other bytes."""


def undistorted(data: bytes) -> bytes:
    """The same bytes, for a picture that no fault strikes."""
    return data
