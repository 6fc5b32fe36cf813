"""Where a picture comes from: a model, or the local gateway, which says so in what it draws."""

from __future__ import annotations

from pathlib import Path

_LOCAL_MARK = b"volcv-async local gateway"  # near its beginning
_BEGINNING = 65_536


def drawn_locally(picture: Path) -> bool:
    """Tell whether the local gateway drew a picture; False where it cannot be read."""
    try:
        with picture.open("rb") as file:
            return _LOCAL_MARK in file.read(_BEGINNING)
    except (OSError, ValueError):  # there is none, it was taken away, or has no name of a file
        return False
