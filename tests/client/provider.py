"""Scripts for the provider: what a test has it say, and when."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count

import volcv_async as volcv
from volcv_async.gateway import Canned, Drop, Received, service_error

Said = Canned | Drop | None

SMALL = {"width": 256, "height": 256, "use_sr": False}
FAST = volcv.RetryPolicy(pause=0.01, longest_pause=0.02)


def cat(nth: int = 0) -> volcv.GeneralV21:
    return volcv.GeneralV21(prompt=f"cat {nth}", width=256, height=256, use_sr=False)


def cats() -> Iterator[volcv.GeneralV21]:
    """Give requests without end."""
    return (cat(nth) for nth in count())


def one_by_one(*said: Said) -> Callable[[Received], Awaitable[Said]]:
    """Say one thing after the other, then go on as usual."""
    left = list(said)

    async def answer(_received: Received) -> Said:
        return left.pop(0) if left else None

    return answer


def always(said: Said) -> Callable[[Received], Awaitable[Said]]:
    """Say the same to all."""

    async def answer(_received: Received) -> Said:
        return said

    return answer


class Held:
    """Hold every request until it is let go."""

    def __init__(self, *, holds: Callable[[Received], bool] = lambda _: True) -> None:
        self._holds = holds
        self._free = asyncio.Event()
        self._came = asyncio.Condition()
        self.held = 0

    async def __call__(self, received: Received) -> Said:
        async with self._came:
            self.held += self._holds(received)
            self._came.notify_all()
        if self._holds(received):
            await self._free.wait()
        return None

    async def until(self, number: int) -> None:
        """Wait until so many are held."""
        async with self._came:
            await self._came.wait_for(lambda: self.held >= number)

    def let_go(self) -> None:
        self._free.set()


def refusal(code: int, *, http_status: int | None = None) -> Canned:
    return service_error(code, http_status=http_status)


UNAUTHORISED = Canned(
    status=401,
    body=b'{"error":{"message":"Invalid token","type":"new_api_error","code":""}}',
    headers={"Content-Type": "application/json"},
)
PAGE = Canned(status=200, body=b"<html>hello</html>", headers={"Content-Type": "text/html"})
BAD_GATEWAY = Canned(status=502, body=b"<html>502</html>", headers={"Content-Type": "text/html"})
