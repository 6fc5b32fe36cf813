"""The gateway's front door: its sockets, and what a test or a command asks of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from volcv_async.config import Account, Bearer, Limits
from volcv_async.gateway.answers import Answer
from volcv_async.gateway.latency import Constant, Latency, Spread
from volcv_async.gateway.ledger import Received
from volcv_async.gateway.limits import Limiter
from volcv_async.gateway.links import BUCKET
from volcv_async.gateway.pictures import load_painter
from volcv_async.gateway.protocol import PATH
from volcv_async.gateway.provider import Provider

_LARGEST_BODY = 16 * 1024 * 1024
_PATIENCE = 0.5
"""Seconds that leaving waits for connections to close, at most."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalGateway:
    """The provider on this machine: an async context manager over a real HTTP server.

    It may be entered again after it was left, on another event loop too; the ledger goes on, the
    port is another one unless it was given. Entering and leaving may happen in different tasks.
    Leaving cuts off what is in flight.

    Args:
        key: the bearer key that it asks for.
        rate: requests a second that it accepts, judged over a sliding second (over 1/rate
            seconds where that is longer); `None` for no limit. What is over it gets 50429.
        concurrency: requests that it works on at once; `None` for no limit. What is over it gets
            50430. A slot is free before its reply is written.
        latency: how long a generation takes, in seconds: constant, or a distribution. `None` is
            the provider's own spread by model, times `time_scale`.
        time_scale: what the provider's own spread is multiplied by; 1.0 is as slow as the
            provider. A `latency` that is given is taken as it is.
        seed: what latencies, and the seeds that requests leave open, follow from.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        url_lifetime: how long the address of a picture lives, in seconds; the provider's is 24 h
            (official), perhaps 1 h.
        answer: scripts the provider. It is awaited with each request that was accepted, before
            its generation; what it returns is the reply, and `None` means to go on as usual.
            While it waits, the request is held and keeps its slot. If it raises, aiohttp logs
            the error and answers 500.

    Raises:
        ValueError: if a limit, a latency or the scale cannot be.
    """

    def __init__(
        self,
        *,
        key: str = "local-key",
        rate: float | None = None,
        concurrency: int | None = None,
        latency: float | Latency | None = None,
        time_scale: float = 0.01,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        url_lifetime: float = 86_400.0,
        answer: Answer | None = None,
    ) -> None:
        self._key = key
        self._host = host
        self._port = port
        self._provider = Provider(
            key=key,
            limiter=Limiter(rate, concurrency),
            latency=_as_latency(latency, time_scale),
            seed=seed,
            url_lifetime=url_lifetime,
            answer=answer,
        )
        self._handlers: set[asyncio.Task[object]] = set()
        self._runner: web.AppRunner | None = None
        self._origin: str | None = None

    def __repr__(self) -> str:
        """The state in one line, without the key."""
        where = f"at {self._origin}" if self._origin else "not running"
        return (
            f"<LocalGateway {where}: {len(self.requests)} received, {self.paid} paid, "
            f"{self.in_flight} in flight>"
        )

    @property
    def url(self) -> str:
        """The whole endpoint, path included, as in `VOLCV_BASE_URL`.

        Raises:
            RuntimeError: if the gateway is not running.
        """
        if self._origin is None:
            raise RuntimeError(
                "This gateway has no address, because it is not running. "
                "Enter it first: async with LocalGateway() as gateway: ..."
            )
        return self._origin + PATH

    @property
    def paid(self) -> int:
        """Generations run, whether or not their reply arrived."""
        return self._provider.ledger.paid

    @property
    def paid_by_prompt(self) -> Mapping[str, int]:
        """Generations run, by prompt."""
        return dict(self._provider.ledger.paid_by_prompt)

    @property
    def requests(self) -> list[Received]:
        """Everything that came to the paid path, in order of arrival."""
        return self._provider.ledger.received

    @property
    def in_flight(self) -> int:
        """Requests accepted whose reply is not being written yet."""
        return self._provider.limiter.in_flight

    @property
    def most_in_flight(self) -> int:
        """The most that were ever in flight at once."""
        return self._provider.limiter.most_in_flight

    def worst_window(self, seconds: float = 1.0) -> int:
        """The most requests accepted in any window of this many seconds, its end left out."""
        return self._provider.limiter.worst_window(seconds)

    def account(self, *, limits: Limits | None = None, group: str | None = None) -> Account:
        """An account at this gateway, to give to a `Client`.

        Args:
            limits: what the client is told of the limits; `None` leaves them unstated.
            group: the name of the quota it shares with other accounts.

        Raises:
            RuntimeError: if the gateway is not running.
        """
        return Account(self.url, Bearer(self._key), limits=limits, group=group)

    async def __aenter__(self) -> Self:
        if self._runner is not None:
            raise RuntimeError("This gateway is running already; leave it before entering again.")
        load_painter()
        self._runner = runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_PATIENCE
        )
        try:
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
        except BaseException:
            await self._stop(runner)
            raise
        host, port = runner.addresses[0][:2]
        self._origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._stop(self._runner)

    async def _stop(self, runner: web.AppRunner) -> None:
        self._runner = self._origin = None
        for site in list(runner.sites):
            await site.stop()
        for handler in self._handlers:
            handler.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers)
        await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_BODY, middlewares=[self._keep_track])
        routes = application.router
        routes.add_get("/ledger", self._provider.show_ledger)
        routes.add_get(f"{BUCKET}/{{name}}", self._provider.show_picture)
        routes.add_route("*", PATH, self._provider.take)
        routes.add_route("*", "/{path:.*}", self._provider.refuse_path)
        return application

    @web.middleware
    async def _keep_track(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Know every handler's task: aiohttp forgets those whose client has gone."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler always runs in a task
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        return await handler(request)


def _as_latency(latency: float | Latency | None, time_scale: float) -> Latency:
    if latency is None:
        return Spread(time_scale=time_scale)
    return Constant(latency) if isinstance(latency, int | float) else latency
