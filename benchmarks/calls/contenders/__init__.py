"""The contenders: each a way to send many requests, sixteen at once, and to get at the pictures.

One is opened once and then makes batches of calls, on connections that it keeps or, where it is to,
on fresh ones.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, TypeAlias, cast

import attrs

from benchmarks.calls.samples import Size

AT_ONCE = 16
"""Calls in flight."""

KEY = "benchmark-key"


@attrs.frozen(kw_only=True)
class Target:
    """Where to send, and how.

    Attributes:
        url: The server, without a path.
        size: How large a reply to ask for.
        fresh: A connection of its own for each call.
    """

    url: str
    size: Size
    fresh: bool

    @property
    def endpoint(self) -> str:
        """The URL that answers in the provider's shape; with a path below it, in OpenAI's."""
        return f"{self.url}/{self.size}"


def prompt(nth: int) -> str:
    """Give a prompt of usual length."""
    return f"Vast armies charging forward across a plain at dawn, oil on canvas, number {nth}"


Batch: TypeAlias = Callable[[int], Awaitable[int]]
"""Makes so many calls, or as many as it thinks right; gives how many it made."""

Opening: TypeAlias = Callable[[Target], AbstractAsyncContextManager[Batch]]
"""Opens a contender."""


@attrs.frozen(kw_only=True)
class Order:
    """What contender to be.

    Attributes:
        opening: Its room in ``contenders`` and its function there.
        uvloop: Run on uvloop.
        target: Where to send, and how.
    """

    opening: str
    uvloop: bool
    target: Target

    @classmethod
    def read(cls, text: str) -> Order:
        """Read it from the command line."""
        given: dict[str, Any] = json.loads(text)
        target = Target(**given.pop("target"))
        return cls(target=target, **given)

    def write(self) -> str:
        """Write it for the command line."""
        return json.dumps(attrs.asdict(self))

    def find(self) -> Opening:
        """Import what opens it."""
        room, _, name = self.opening.partition(":")
        module = import_module(f"benchmarks.calls.contenders.{room}")
        return cast("Opening", getattr(module, name))
