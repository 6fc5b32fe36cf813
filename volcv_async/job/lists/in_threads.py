"""An iterable that blocks, read beside the event loop."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import anyio.to_thread

T = TypeVar("T")

_AT_ONCE = 16  # a hop to a thread costs as much as reading some rows


async def in_threads(items: Iterable[T]) -> AsyncGenerator[T]:
    """Give the items of an iterable; a few at a time are taken from it, in a thread.

    What is raised on the way is raised after the items before it.
    """
    source = iter(items)
    ended = False
    while not ended:
        taken, error = await anyio.to_thread.run_sync(_take, source)
        for item in taken:
            yield item
        if error is not None:
            raise error
        ended = not taken


def _take(source: Iterator[T]) -> tuple[list[T], Exception | None]:
    taken: list[T] = []
    try:
        taken.extend(islice(source, _AT_ONCE))
    except Exception as error:  # noqa: BLE001 - it is raised in its turn
        return taken, error
    return taken, None
