"""What numbers may be: validators of the fields that people fill in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeGuard

import attrs

from volcv_async.config.urls import StoreUrl
from volcv_async.errors import ConfigurationError

Check = Callable[[object, "attrs.Attribute[Any]", Any], None]


def maybe(check: Check) -> Check:
    """Let None pass, and check what else comes."""

    def checked(instance: object, field: attrs.Attribute[Any], value: object) -> None:
        if value is not None:
            check(instance, field, value)

    return checked


def positive(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a finite number above 0."""
    if not number(value) or value <= 0:
        raise wrong(instance, field, value, "a number above 0")


def seconds(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a finite number from 0."""
    if not number(value) or value < 0:
        raise wrong(instance, field, value, "a number of seconds from 0")


def number(value: object) -> TypeGuard[float]:
    """Tell whether it is a finite number."""
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def whole(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise wrong(instance, field, value, "a whole number from 1")


def count(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise wrong(instance, field, value, "a whole number from 0")


def wrong(
    instance: object, field: attrs.Attribute[Any], value: object, wanted: str
) -> ConfigurationError:
    """Make the error for a value that a field cannot take; it shows no password of a URL."""
    shown = StoreUrl(value) if isinstance(value, str) and "://" in value else value
    name = f"{type(instance).__name__}({field.name}={shown!r})"
    return ConfigurationError(f"{name} makes no sense.", help=f"It takes {wanted}.")
