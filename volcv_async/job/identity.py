"""What makes two requests of a list the same: a hash of what they ask for. Pure.

It is written down in journals and compared by later releases, on other machines, so it never
changes: a test holds it to literal values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from volcv_async.codec.requests import body
from volcv_async.models import Request

SIZE = 16
"""Bytes of an identity."""

_SEEDS = ("seed", "llm_seed", "sr_seed")
_DRAWN_BY_THE_PROVIDER = -1  # documented, and what leaving a seed out means


def identity(request: Request) -> bytes:
    """Give the identity of a request, 16 bytes: the same for all requests that ask for the same.

    A seed of -1 is one left open, as if it were unset. Numbers count by their value, so 3 and 3.0
    are one.
    """
    asked = {name: _plain(value) for name, value in body(request).items()}
    for name in _SEEDS:
        if asked.get(name) == _DRAWN_BY_THE_PROVIDER:
            del asked[name]
    canonical = json.dumps(asked, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()[:SIZE]


def _plain(value: object) -> Any:  # noqa: ANN401 - what JSON holds
    """Write a number in one way only."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {name: _plain(held) for name, held in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - what JSON holds
        case list() | tuple():
            return [_plain(held) for held in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - what JSON holds
        case _:
            return value
