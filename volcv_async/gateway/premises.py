"""Where the gateway is: its port, its connections, and what runs beside them, until it closes."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web

from volcv_async.gateway.elsewhere import Elsewhere
from volcv_async.gateway.faults.playing import ResetAtOnce, reset
from volcv_async.gateway.faults.times import FaultTimes
from volcv_async.gateway.listener import Listener

_PATIENCE = 0.5
"""Seconds that leaving waits for connections to close, at most."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Premises:
    """Serves an application at a port; nothing of it is left when it is closed.

    Args:
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one, another at each opening.
        tls: what https is served with; `None` serves plain http.
        times: how long the port stays shut.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, times: FaultTimes) -> None:
        self._host = host
        self._scheme = "http" if tls is None else "https"
        self._listener = Listener(host, port, tls)
        self._elsewhere = Elsewhere(host)
        self._times = times
        self._runner: web.AppRunner | None = None
        self._origin: str | None = None
        self._handlers: set[asyncio.Task[object]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._shut = False

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._runner is not None

    @property
    def origin(self) -> str | None:
        """Scheme, host and port; `None` while it does not run."""
        return self._origin

    @property
    def redirected(self) -> int:
        """How many requests came to the other host, ever."""
        return self._elsewhere.arrived

    async def open(self, application: web.Application, resets: Callable[[], bool]) -> None:
        """Serve.

        Args:
            application: what is served.
            resets: asked of each connection that is accepted: whether it is reset there and then.

        Raises:
            OSError: if the port is taken or may not be used.
        """
        application.middlewares.append(self._keep_track)
        self._runner = runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=_PATIENCE
        )
        try:
            await runner.setup()
            await self._listener.open(_door(runner, resets))
        except BaseException:
            await self.close()
            raise
        host, port = self._listener.address
        where = f"[{host}]" if ":" in host else host
        self._origin = f"{self._scheme}://{where}:{port}"

    async def close(self) -> None:
        """Cut off what is in flight, and leave nothing behind."""
        if self._runner is None:
            return
        runner, self._runner, self._origin = self._runner, None, None
        await self._listener.accept_no_more()
        self._listener.close()
        while tasks := self._chores | self._handlers:  # one may have begun another
            await _end(tasks)
        self._listener.close()  # one may have been about to open it again
        await self._elsewhere.close()
        await runner.cleanup()

    def shut(self, fault: str) -> bool:
        """Shut the port for a while in this fault's way; `False` if it is shut already."""
        if self._shut:
            return False
        self._shut = True
        self.later(self._shut_for_a_while(fault))
        return True

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside what is served, no longer than this is open."""
        chore = asyncio.create_task(work)
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def elsewhere(self) -> str:
        """The address of another host, which is opened for it."""
        return await self._elsewhere.origin()

    async def _shut_for_a_while(self, fault: str) -> None:
        try:
            if fault == "restart":
                self._cut_everything_off()
            way = self._listener.overflow if fault == "accept_queue_full" else self._listener.refuse
            await way(self._times.closed)
        finally:
            self._shut = False

    def _cut_everything_off(self) -> None:
        assert self._runner is not None  # noqa: S101 - closing it ends all chores first
        assert self._runner.server is not None  # noqa: S101 - the same
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                reset(connection.transport)
        for handler in self._handlers:
            handler.cancel()

    @web.middleware
    async def _keep_track(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Know every handler's task: aiohttp forgets those whose client has gone."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler always runs in a task
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        return await handler(request)


def _door(runner: web.AppRunner, resets: Callable[[], bool]) -> Callable[[], asyncio.BaseProtocol]:
    server = runner.server
    assert server is not None  # noqa: S101 - it was set up
    return lambda: ResetAtOnce() if resets() else server()


async def _end(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
