"""JSON read strictly, from bytes to plain values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, cast

_DEEPEST = 64
_BLANKS = " \t\n\r"


class NotStrictJSONError(ValueError):
    """The bytes are no strict JSON; the text says why, in half a sentence."""


def loads(data: bytes, *, in_place_of_nan: Iterable[object] | None = None) -> Any:  # noqa: ANN401
    """Read one JSON value.

    Args:
        data: The bytes.
        in_place_of_nan: What each NaN stands for, in their order; None: it is no JSON.

    Raises:
        NotStrictJSONError: It is no UTF-8, no JSON, nested more than 64 deep, or holds a name
            twice, NaN, an infinity, or a number too long to be one.
    """
    decoder = _STRICT if in_place_of_nan is None else _decoder(_giver(in_place_of_nan))
    try:
        text = data.decode().strip(_BLANKS)
        value, end = decoder.raw_decode(text)
        if end != len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except NotStrictJSONError:
        raise
    except UnicodeDecodeError as error:
        raise NotStrictJSONError(f"byte {error.start} is no UTF-8") from None
    except RecursionError:
        raise NotStrictJSONError(f"it is nested more than {_DEEPEST} deep") from None
    except ValueError as error:
        raise NotStrictJSONError(f"it is no JSON ({error})") from None
    if data.count(b"{") + data.count(b"[") > _DEEPEST and _deeper(value, _DEEPEST):
        raise NotStrictJSONError(f"it is nested more than {_DEEPEST} deep")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise NotStrictJSONError(f"the name {twice[:40]!r} stands twice in one object")
    return value


def _refuse(constant: str) -> Any:  # noqa: ANN401 - it never returns
    raise NotStrictJSONError(f"{constant} is no JSON")


def _giver(values: Iterable[object]) -> Callable[[str], object]:
    """Give the next value for each NaN, and refuse the infinities."""
    left = iter(values)
    return lambda constant: next(left, None) if constant == "NaN" else _refuse(constant)


def _number(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise NotStrictJSONError(f"the number {text[:40]} is too large")
    return value


def _decoder(constant: Callable[[str], object]) -> json.JSONDecoder:
    return json.JSONDecoder(object_pairs_hook=_object, parse_constant=constant, parse_float=_number)


_STRICT = _decoder(_refuse)


def _deeper(value: object, levels: int) -> bool:
    """Tell whether containers are nested deeper than so many levels."""
    if not isinstance(value, dict | list):
        return False
    held = cast("dict[str, object] | list[object]", value)
    inner = held.values() if isinstance(held, dict) else held
    return levels == 0 or any(_deeper(item, levels - 1) for item in inner)
