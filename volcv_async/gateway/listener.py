"""The gateway's port: opened, shut for a while, or with its queue full, and opened again."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any

Door = Callable[[], asyncio.BaseProtocol]
"""Makes the protocol of each connection that is accepted."""

_BACKLOG = 128
_TURNS = 2  # of the loop, in which what was accepted is made and begins
_FILLERS = 3
"""Connections that fill a queue whose length is 0: Linux lets one in, and the next ones wait."""


class Listener:
    """Listens at one host and port; where a host name means several addresses, at all of them.

    Args:
        host: the address, or the name of it.
        port: the port; 0 takes a free one, which stays the same until this is closed.
        tls: what https is served with; `None` serves plain http.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._held: list[socket.socket] = []

    @property
    def address(self) -> tuple[str, int]:
        """The first address and its port."""
        host, port = self._servers[0].sockets[0].getsockname()[:2]
        return host, port

    async def open(self, door: Door) -> None:
        """Listen.

        Raises:
            OSError: if the port is taken or may not be used.
        """
        self._door = door
        await self._serve(host=self._host, port=self._port)

    async def accept_no_more(self) -> None:
        """Accept nothing from now on, and let what was accepted just now find its server.

        Where the server is closed in the same turn of the loop, asyncio (3.11, 3.12) drops such a
        connection and leaves its socket open.
        """
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                loop.remove_reader(listening.fileno())
        for _ in range(_TURNS):
            await asyncio.sleep(0)

    def close(self) -> None:
        """Stop listening; what was accepted goes on."""
        for server in self._servers:
            server.close()
        for held in self._held:
            held.close()
        self._servers, self._held = [], []

    async def refuse(self, seconds: float) -> None:
        """Be closed for so long: whoever connects is refused."""
        await self.accept_no_more()
        self._hold(_addresses(self._servers))
        await asyncio.sleep(seconds)
        await self._open_again()

    async def overflow(self, seconds: float) -> None:
        """Accept nothing for so long, with the queue full: whoever connects hears nothing."""
        await self.accept_no_more()
        addresses = _addresses(self._servers)
        self._hold(addresses)
        with _filled(self._held):
            await asyncio.sleep(seconds)
        self._hold(addresses)  # what is in the queue is reset with its listener
        await self._open_again()

    def _hold(self, addresses: "Iterable[_Address]") -> None:
        """Keep the port, so that nobody takes it, and do not listen."""
        self.close()
        self._held = [_bound(*address) for address in addresses]

    async def _open_again(self) -> None:
        while self._held:
            await self._serve(sock=self._held.pop())

    async def _serve(self, **where: Any) -> None:  # noqa: ANN401 - a host and port, or a socket
        server = await asyncio.get_running_loop().create_server(
            self._door, ssl=self._tls, backlog=_BACKLOG, start_serving=False, **where
        )
        self._servers.append(server)  # before the first suspension, so that closing finds it
        await server.start_serving()


_Address = tuple[int, tuple[str | int, ...]]


def _addresses(servers: Iterable[asyncio.Server]) -> list[_Address]:
    return [(one.family, one.getsockname()) for server in servers for one in server.sockets]


def _bound(family: int, address: tuple[str | int, ...]) -> socket.socket:
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    bound.bind(address)
    return bound


@contextmanager
def _filled(listeners: Iterable[socket.socket]) -> Generator[None]:
    """Fill the queues of these listeners with connections of our own."""
    fillers: list[socket.socket] = []
    for listener in listeners:
        listener.listen(0)
        for _ in range(_FILLERS):
            filler = socket.socket(listener.family)
            filler.setblocking(False)  # noqa: FBT003 - the socket's own signature
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
    try:
        yield
    finally:
        for filler in fillers:
            filler.close()
