"""The fields of a request: how one is declared, and how a value given for it is judged.

A declaration says what the provider's documents say: default, range, unit, and how far the range
can be trusted. A value outside a documented or official range is refused. A value outside a range
that only the community reports, or outside an enumeration that may grow, gives a warning and goes
out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeAlias, cast

import attrs

from volcv_async.errors import InvalidRequestError, VolcvWarning

Source = Literal["documented", "official", "community", "inferred"]
"""Where a fact about the provider comes from."""

_FIRM = frozenset({"documented", "official"})
_INFO, _CHECK = "volcv", "volcv check"
_LONG_PROMPT = 800
_DEEPEST = 32
# From warnings.warn up to the caller of a request's constructor, which attrs generates.
_CALLER = 6

Check: TypeAlias = "Callable[[object, attrs.Attribute[Any], Any], None]"
"""Judges a value that is given for a field of an instance; raises what is wrong, or warns."""


@attrs.frozen(kw_only=True)
class FieldInfo:
    """What is known of one field of a request.

    Attributes:
        kind: The JSON type: ``str``, ``int``, ``float``, ``bool`` or ``object``.
        default: The provider's default, which applies when the field is not sent; None if unknown.
        low: The least value, or None.
        high: The greatest value, or None.
        choices: The values known, where they are an enumeration.
        unit: The unit, where there is one.
        source: Where range and enumeration come from.
        text: What it does.
        required: Whether a request must have it.
    """

    kind: str
    default: object = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    source: Source = "official"
    text: str = ""
    required: bool = False

    @property
    def range(self) -> str:
        """The range in words; empty where none is known."""
        if self.choices:
            return " or ".join(self.choices)
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}{unit}"
        return f"at least {self.low:g}{unit}" if self.low is not None else ""


def info(field: attrs.Attribute[Any]) -> FieldInfo | None:
    """Give what was declared for a field of a request class; None for ``extra``."""
    return cast("FieldInfo | None", field.metadata.get(_INFO))


def req_key(value: str) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare the provider's name of the model, which is not the caller's to choose."""
    return attrs.field(default=value, init=False)


def prompt() -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare the prompt: required, never empty, of any length."""
    declared = FieldInfo(kind="str", required=True, text="What to draw, in Chinese or English.")
    return attrs.field(metadata={_INFO: declared, _CHECK: _check_prompt})


def version(value: str) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare a version that is always sent, with its only known value."""
    declared = FieldInfo(
        kind="str", default=value, choices=(value,), text="The version of the model.", required=True
    )
    return _field(declared, _text_problem, default=value)


def text(
    does: str,
    *,
    default: str | None = None,
    choices: tuple[str, ...] = (),
    source: Source = "official",
) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare an optional text."""
    declared = FieldInfo(kind="str", default=default, choices=choices, source=source, text=does)
    return _field(declared, _text_problem)


def flag(does: str, *, default: bool | None = None, source: Source = "official") -> Any:  # noqa: ANN401
    """Declare an optional boolean."""
    declared = FieldInfo(kind="bool", default=default, source=source, text=does)
    return _field(declared, _flag_problem)


def integer(
    does: str,
    *,
    default: int | None = None,
    low: int | None = None,
    high: int | None = None,
    unit: str = "",
    source: Source = "official",
) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare an optional whole number."""
    declared = FieldInfo(
        kind="int", default=default, low=low, high=high, unit=unit, source=source, text=does
    )
    return _field(declared, _integer_problem)


def number(
    does: str,
    *,
    default: float | None = None,
    low: float | None = None,
    high: float | None = None,
    source: Source = "official",
) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare an optional number."""
    declared = FieldInfo(
        kind="float", default=default, low=low, high=high, source=source, text=does
    )
    return _field(declared, _number_problem)


def nested(does: str, of: type, *, source: Source = "official") -> Any:  # noqa: ANN401
    """Declare an optional object of one of our own classes."""
    declared = FieldInfo(kind="object", source=source, text=does)

    def problem(value: object) -> str:
        return "" if isinstance(value, of) else f"is no {of.__name__}"

    return _field(declared, problem)


def reject(model: str, field: str, value: object, why: str, cure: str = "") -> InvalidRequestError:
    """Make the error for a value that cannot be sent."""
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."  # noqa: PLR2004 - a line's worth
    return InvalidRequestError(f"{model}: {field}={shown} {why}.", help=cure)


def _field(declared: FieldInfo, problem: Callable[[object], str], *, default: object = None) -> Any:  # noqa: ANN401
    def check(instance: object, field: attrs.Attribute[Any], value: object) -> None:
        wrong = problem(value)
        if wrong:
            raise reject(type(instance).__name__, field.name, value, wrong)
        _judge_range(type(instance).__name__, field.name, value, declared)

    return attrs.field(default=default, metadata={_INFO: declared, _CHECK: check})


def check_given(instance: attrs.AttrsInstance) -> None:
    """Judge each field of an instance that is given: not None, or of no such default.

    All in one pass and after the constructor, since most fields of most requests are left out.

    Raises:
        InvalidRequestError: A value cannot be sent.
    """
    for name, field, check in _checks(type(instance)):
        value = getattr(instance, name)
        if value is not None or field.default is not None:
            check(instance, field, value)


@cache
def _checks(cls: type[attrs.AttrsInstance]) -> list[tuple[str, attrs.Attribute[Any], Check]]:
    fields = [field for field in attrs.fields(cls) if _CHECK in field.metadata]
    return [(field.name, field, field.metadata[_CHECK]) for field in fields]


def _judge_range(model: str, field: str, value: object, declared: FieldInfo) -> None:
    if _within(value, declared):
        return
    says = f"is out of its {declared.source} range, {declared.range}"
    firm = declared.source in _FIRM and declared.high is not None
    if firm:
        raise reject(model, field, value, says)
    warnings.warn(
        f"{model}: {field}={value!r} {says}; it is sent all the same.",
        VolcvWarning,
        stacklevel=_CALLER,
    )


def _within(value: object, declared: FieldInfo) -> bool:
    if declared.choices:
        return value in declared.choices
    low = -math.inf if declared.low is None else declared.low
    high = math.inf if declared.high is None else declared.high
    return not isinstance(value, int | float) or low <= value <= high


def _check_prompt(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    model = type(instance).__name__
    wrong = _text_problem(value)
    if wrong:
        raise reject(model, field.name, value, wrong)
    if len(cast("str", value)) > _LONG_PROMPT:
        warnings.warn(
            f"{model}: a prompt is longer than {_LONG_PROMPT} characters, the official limit of "
            "later models; none is stated for this one, and it is sent as it is.",
            VolcvWarning,
            stacklevel=_CALLER - 1,
        )


def _text_problem(value: object) -> str:
    if not isinstance(value, str):
        return f"is no text but {_named(value)}"
    if not value:
        return "is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair, which UTF-8 cannot carry"
    return ""


def _flag_problem(value: object) -> str:
    return "" if isinstance(value, bool) else f"is neither True nor False but {_named(value)}"


def _integer_problem(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is no whole number but {_named(value)}"
    return "" if -(2**63) <= value < 2**63 else "does not fit into 64 bits"


def _number_problem(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isfinite(value) else "is not finite, which JSON cannot carry"
    return _integer_problem(value).replace("whole number", "number")


def _named(value: object) -> str:
    return type(value).__name__


def own_plain(model: str, name: str, value: object) -> Mapping[str, Any]:
    """Copy a mapping of plain values: None, booleans, numbers, texts, lists and mappings.

    Raises:
        InvalidRequestError: It is no mapping, or something in it is nothing that JSON can carry.
    """
    if not isinstance(value, Mapping):
        raise reject(model, name, value, "is no mapping")
    owned: Mapping[str, Any] = _plain(model, name, cast("Mapping[object, object]", value), 0)
    return owned


def _plain(model: str, name: str, value: object, depth: int) -> Any:  # noqa: ANN401 - any plain value
    if depth > _DEEPEST:
        raise reject(model, name, value, f"is nested more than {_DEEPEST} deep")
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {
            _key(model, name, key): _plain(model, f"{name}.{key}", inner, depth + 1)
            for key, inner in pairs
        }
    if isinstance(value, list | tuple):
        items = enumerate(cast("list[object]", value))
        return [_plain(model, f"{name}[{at}]", item, depth + 1) for at, item in items]
    wrong = _scalar_problem(value)
    if wrong:
        raise reject(model, name, value, wrong)
    return value


def _scalar_problem(value: object) -> str:
    match value:
        case None | bool() | "":
            return ""
        case str():
            return _text_problem(value)
        case int() | float():
            return _number_problem(value)
        case _:
            return f"is {_named(value)}, which JSON cannot carry"


def _key(model: str, name: str, key: object) -> str:
    wrong = _text_problem(key)
    if wrong:
        raise reject(model, f"a name in {name}", key, wrong)
    return cast("str", key)
