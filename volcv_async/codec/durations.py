"""Go durations, as the provider states times: ``16.52978614s``, ``84.448µs``, ``1m2.5s``."""

from __future__ import annotations

import re

_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "\u00b5s": 1e-6,  # micro sign
    "\u03bcs": 1e-6,  # Greek mu
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = r"(?:(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h))"
_WHOLE = re.compile(rf"([+-]?){_PART}+", re.ASCII)
_PLAIN = re.compile(r"\d+\.\d+s", re.ASCII)
_PARTS = re.compile(_PART, re.ASCII)
_LONGEST = 64  # characters
_MOST = 1e15  # milliseconds


def seconds(value: object) -> float | None:
    """Read a duration into seconds.

    A number is taken as milliseconds (official, the BytePlus pages). What cannot be read is None,
    never an error: a time is no reason to lose an image.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value / 1000 if abs(value) < _MOST else None
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    if _PLAIN.fullmatch(value):
        return float(value[:-1])
    whole = _WHOLE.fullmatch(value)
    if whole is None:
        return 0.0 if value == "0" else None
    total = sum(float(number) * _SECONDS[unit] for number, unit in _PARTS.findall(value))
    return -total if whole[1] == "-" else total
