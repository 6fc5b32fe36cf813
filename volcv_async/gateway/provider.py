"""The life of a request, from its head to its reply: read, judge, perhaps generate, write."""

import asyncio
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from random import Random

import anyio.to_thread
import attrs
from aiohttp import web

from volcv_async.gateway.answers import (
    JSON_HEADERS,
    Answer,
    Canned,
    Drop,
    Reply,
    service_error,
    to_json,
)
from volcv_async.gateway.faults.mischief import Mischief
from volcv_async.gateway.latency import Latency
from volcv_async.gateway.ledger import Ledger, Received, new_request_id
from volcv_async.gateway.limits import Limiter
from volcv_async.gateway.links import Links, request_id_of
from volcv_async.gateway.pictures import load_painter
from volcv_async.gateway.protocol import Asked, Order, examine, parse_body, wrong_path
from volcv_async.gateway.replies import Picture, success
from volcv_async.gateway.subject import Subject

_NEW_SEEDS = 2**31


class Provider:
    """Answers requests; knows nothing of ports.

    Args:
        key: the bearer key that it asks for.
        limiter: what it accepts.
        latency: how long its generations take.
        seed: what latencies, and seeds left open, follow from.
        url_lifetime: how long the address of a picture lives, in seconds.
        answer: the script, if there is one.
        mischief: what the faults do.
        ledger: where everything is entered.
    """

    def __init__(
        self,
        *,
        key: str,
        limiter: Limiter,
        latency: Latency,
        seed: int,
        url_lifetime: float,
        answer: Answer | None,
        mischief: Mischief,
        ledger: Ledger,
    ) -> None:
        self.ledger = ledger
        self.limiter = limiter
        self.answer = answer
        self._key = key
        self._latency = latency
        self._latencies = Random(f"latencies of {seed}")
        self._seeds = Random(f"seeds of {seed}")
        self._url_lifetime = url_lifetime
        self._mischief = mischief
        self._links = Links(secrets.token_bytes(16))
        self._linked: dict[str, _Linked] = {}

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Everything on the paid path."""
        received = self.ledger.receive(time.monotonic(), request.headers)
        with self._mischief.meeting(received):
            try:
                raw = await request.read()
            except (ConnectionError, web.PayloadAccessError, web.RequestPayloadError):
                return web.Response(status=400)  # written to nobody: the client went
            received.body = parse_body(raw)
            return await self._write(request, received, await self._reply(request, received))

    async def refuse_path(self, request: web.Request) -> web.StreamResponse:
        """Everything on a path that is none."""
        return _response(wrong_path(request.method, request.path, new_request_id()))

    async def show_ledger(self, _: web.Request) -> web.StreamResponse:
        """`GET /ledger`: what was received, refused and paid, as JSON."""
        return web.Response(body=to_json(self.ledger.summary()), headers=JSON_HEADERS)

    async def show_picture(self, request: web.Request) -> web.StreamResponse:
        """A picture at its address, drawn again: 404 if it never was, 403 if it may not be had."""
        request_id = request_id_of(request.match_info["name"])
        linked = self._linked.get(request_id)
        if linked is None:
            return web.Response(status=404)
        if not self._links.accepts(request.raw_path, request.query, request_id, time.time()):
            return web.Response(status=403)
        body = linked.distortion(await _draw(linked.subject))
        return web.Response(body=body, content_type="image/png")

    async def _reply(self, request: web.Request, received: Received) -> Reply:
        refusal = await self._mischief.refusal(received)
        if refusal is not None:
            return refusal
        return self._mischief.rewritten(received, await self._true_reply(request, received))

    async def _true_reply(self, request: web.Request, received: Received) -> Reply:
        order = examine(_asked(request, received), self._key)
        if isinstance(order, Canned):
            return order
        now = time.monotonic()
        if code := self.limiter.refusal(now):
            return service_error(code, request_id=received.request_id)
        with self._slot(now):
            return await self._work(request, received, order)

    @contextmanager
    def _slot(self, now: float) -> Generator[None]:
        self.limiter.accept(now)
        try:
            yield
        finally:
            self.limiter.release()

    async def _work(self, request: web.Request, received: Received, order: Order) -> Reply:
        reply = None if self.answer is None else await self.answer(received)
        if reply is None:
            await asyncio.sleep(self._latency.draw(order.variant.req_key, self._latencies))
            reply = await self._generate(request, received, order)
        if reply.paid:
            self.ledger.pay(received)
        return reply

    async def _generate(self, request: web.Request, received: Received, order: Order) -> Canned:
        subject = Subject(
            prompt=order.prompt,
            seed=self._seeds.randrange(_NEW_SEEDS) if order.seed == -1 else order.seed,
            model=order.variant.req_key,
            width=order.width,
            height=order.height,
        )
        distortion = self._mischief.distortion(received)
        if order.return_url:
            linked = _Linked(subject=subject, distortion=distortion)
            picture = Picture(url=self._link(request, received, linked))
        else:
            picture = Picture(data=distortion(await _draw(subject)))
        elapsed = time.monotonic() - received.at
        return success(order, picture, request_id=received.request_id, elapsed=elapsed)

    def _link(self, request: web.Request, received: Received, linked: "_Linked") -> str:
        self._linked[received.request_id] = linked
        expires = int(time.time() + self._mischief.lifetime(received, self._url_lifetime))
        return f"{request.url.origin()}{self._links.path_and_query(received.request_id, expires)}"

    async def _write(
        self, request: web.Request, received: Received, reply: Reply
    ) -> web.StreamResponse:
        """Hand the whole reply over here, so that the ledger knows when that was."""
        if isinstance(reply, Drop):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()  # written to nobody
        if await self._mischief.breaks(request, received, reply):
            return web.Response()  # likewise
        _note(received, reply)
        response = _response(reply)
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return response  # aiohttp meets the same error and ends the connection
        received.finished = time.monotonic()
        self._mischief.afterwards(request, received, reply)
        return response


@attrs.frozen(kw_only=True)
class _Linked:
    """What stands at an address: a picture, and what becomes of its bytes on the way."""

    subject: Subject
    distortion: Callable[[bytes], bytes]


def _asked(request: web.Request, received: Received) -> Asked:
    return Asked(
        method=request.method,
        path=request.path,
        query=request.query,
        authorization=request.headers.get("Authorization", ""),
        content_type=request.content_type,
        body=received.body,
        request_id=received.request_id,
    )


def _note(received: Received, reply: Canned) -> None:
    received.status = reply.status
    received.code = reply.code
    received.why = reply.why
    received.request_id = reply.request_id or received.request_id


def _response(reply: Canned) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=reply.headers)


async def _draw(subject: Subject) -> bytes:
    return await anyio.to_thread.run_sync(load_painter(), subject)
