"""The seeds of a request: which it would use, and how a fresh one follows from what is known.

Every seed drawn here follows from something that stays, by SHA-256 and never by chance, so that
the same list gives the same pictures and each can be made again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar

import attrs

from volcv_async.models.fields import info
from volcv_async.models.raw import RawRequest
from volcv_async.models.request import Request

_R = TypeVar("_R", bound=Request)

_SWITCHES: Mapping[str, str] = {"seed": "", "llm_seed": "use_pre_llm", "sr_seed": "use_sr"}
"""The seeds there are, and the field that says whether each is used; empty: it always is."""

_RANDOM = -1


def rerolled(request: _R, nth: int) -> _R:
    """Give a request a fresh seed, for the nth time (from 1), to have another picture drawn.

    A seed that is stated (from 0) is replaced by one of 31 bits that follows from it and from
    ``nth``. Where none is, or -1, the request goes out as it is: the provider draws anew. The other
    seeds stay.
    """
    stated = _stated(request).get("seed")
    if isinstance(stated, bool) or not isinstance(stated, int) or stated < 0:
        return request
    return _with(request, {"seed": _drawn("reroll", str(stated), str(nth))})


def with_seeds(request: _R, key: bytes) -> _R:
    """State every seed that a request would use and leaves open (None or -1), derived from a key.

    ``seed`` is always used, ``llm_seed`` where ``use_pre_llm`` is on and ``sr_seed`` where
    ``use_sr`` is, by their values or else by the provider's defaults. Fields that the class does
    not know (``RawRequest``'s ``body``, and ``extra``) are derived only where they are stated as
    -1. Each field gets a number of its own, from 0 to 2³¹ - 1.
    """
    return _with(request, {name: _drawn(name, key.hex()) for name in _open(request)})


def _open(request: Request) -> list[str]:
    """Name the seeds that are left to the provider."""
    own = {field.name for field in attrs.fields(type(request))}
    left = [name for name in own & _SWITCHES.keys() if _is_left(request, name)]
    stated = _foreign(request)
    return left + [name for name in _SWITCHES if stated.get(name) == _RANDOM]


def _is_left(request: Request, name: str) -> bool:
    return getattr(request, name) in {None, _RANDOM} and _is_used(request, _SWITCHES[name])


def _is_used(request: Request, switch: str) -> bool:
    """Tell whether a switch is on, by what the request says or else by the provider's default."""
    if not switch:
        return True
    field = attrs.fields_dict(type(request))[switch]
    value = getattr(request, switch)
    declared = info(field)
    return bool(declared and declared.default) if value is None else bool(value)


def _stated(request: Request) -> Mapping[str, Any]:
    """Give the seed fields of a request as they stand, wherever they stand."""
    return {
        **_foreign(request),
        **{n: getattr(request, n) for n in _SWITCHES if hasattr(request, n)},
    }


def _foreign(request: Request) -> Mapping[str, Any]:
    """Give the fields that the class does not know."""
    body: Mapping[str, Any] = request.body if isinstance(request, RawRequest) else {}
    return {**body, **request.extra}


def _drawn(*parts: str) -> int:
    """Draw 31 bits that follow from the parts."""
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:4], "big") >> 1


def _with(request: _R, seeds: Mapping[str, int]) -> _R:
    """Copy a request with other seeds. What was judged when it was made is not judged again."""
    if not seeds:
        return request
    fresh = copy.copy(request)
    for name, seed in seeds.items():
        _put(fresh, name, seed)
    return fresh


def _put(request: Request, name: str, seed: int) -> None:
    """Put a seed where the one that goes out stands."""
    home = "extra" if name in request.extra else "body"
    stated: Mapping[str, Any] = getattr(request, home, {})
    place, value = (name, seed) if hasattr(request, name) else (home, {**stated, name: seed})
    object.__setattr__(request, place, value)
