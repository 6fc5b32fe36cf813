"""What the faults do to a request on its way: each station asks here whether one strikes it."""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Protocol

from aiohttp import web

from volcv_async.gateway.answers import Canned, Drop, Reply
from volcv_async.gateway.faults import refusals
from volcv_async.gateway.faults.draws import Draws
from volcv_async.gateway.faults.mangling import SCRIPTS, End, Script, plain
from volcv_async.gateway.faults.pictures import DISTORTIONS, undistorted
from volcv_async.gateway.faults.playing import open_transport, play
from volcv_async.gateway.faults.rewriting import rewrite
from volcv_async.gateway.faults.times import FaultTimes
from volcv_async.gateway.ledger import Received

AT_ONCE = frozenset({"connection_refused", "accept_queue_full"})
"""The faults that shut the port when the request is there, and let it pass."""


class Outside(Protocol):
    """What the faults ask of the place that the gateway is in."""

    def shut(self, fault: str) -> bool:
        """Shut the port for a while in this fault's way; `False` if it is shut already."""
        ...

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the request, no longer than the gateway is open."""
        ...

    async def elsewhere(self) -> str:
        """The address of another host, which serves nothing."""
        ...


class Mischief:
    """Draws a fault for each request, and lets it strike where it belongs.

    A request's `fault` is noted when it strikes. One that was drawn and could not, as an expired
    address where none was asked for, is not noted.
    """

    def __init__(self, draws: Draws, times: FaultTimes, outside: Outside) -> None:
        self._draws = draws
        self._times = times
        self._outside = outside
        self._drawn: dict[Received, str | None] = {}

    @contextmanager
    def meeting(self, received: Received) -> Generator[None]:
        """Draw for a request that has arrived; it is in progress until the block is left."""
        name = self._drawn[received] = self._draws.next()
        if name in AT_ONCE and self._outside.shut(name):
            received.fault = name
        try:
            yield
        finally:
            del self._drawn[received]

    async def refusal(self, received: Received) -> Canned | None:
        """What is said without asking the provider, if anything is."""
        name = self._drawn[received]
        if name not in refusals.NAMES:
            return None
        received.fault = name
        if name == "redirect_307":
            return refusals.redirect(await self._outside.elsewhere())
        return refusals.refusal(name, received.request_id, self._times)

    def distortion(self, received: Received) -> Callable[[bytes], bytes]:
        """What becomes of the bytes of this request's picture."""
        name = self._drawn[received]
        if name is None or name not in DISTORTIONS:
            return undistorted
        received.fault = name
        return DISTORTIONS[name]

    def lifetime(self, received: Received, usual: float) -> float:
        """Seconds that the address of this request's picture lives."""
        if self._drawn[received] != "expired_url":
            return usual
        received.fault = "expired_url"
        return 0.0

    def rewritten(self, received: Received, reply: Reply) -> Reply:
        """The provider's reply, or what stands in its place."""
        name = self._drawn[received]
        if name is None or isinstance(reply, Drop):
            return reply
        other = rewrite(name, reply)
        if other is None:
            return reply
        received.fault = name
        return other

    async def breaks(self, request: web.Request, received: Received, reply: Canned) -> bool:
        """Whether the reply broke on the wire: if so, nothing more can be said there."""
        script = self._script(received, reply)
        if script is None:
            return False
        received.fault = self._drawn[received]
        await play(script, request, self._times)
        return True

    def _script(self, received: Received, reply: Canned) -> Script | None:
        name = self._drawn[received] or ""
        if name == "restart" and self._outside.shut(name):
            self._note_restart()
            return (End.HOLD,)
        return SCRIPTS[name](reply) if name in SCRIPTS else None

    def _note_restart(self) -> None:
        """Whatever was in progress meets the restart."""
        for received in self._drawn:
            received.fault = received.fault or "restart"

    def afterwards(self, request: web.Request, received: Received, reply: Canned) -> None:
        """Let the reply come again later, if that is the fault and the connection is kept."""
        if self._drawn[received] == "unsolicited_reply" and request.keep_alive:
            received.fault = "unsolicited_reply"
            self._outside.later(self._repeat(request, plain(reply)))

    async def _repeat(self, request: web.Request, reply: bytes) -> None:
        await asyncio.sleep(self._times.idle)
        if (transport := open_transport(request)) is not None:
            transport.write(reply)
