"""A client that is a bare socket: it sees every byte, and how the connection ended."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import attrs

from volcv_async.gateway import LocalGateway

SMALL = {
    "req_key": "high_aes_general_v14",
    "model_version": "general_v1.4",
    "prompt": "a cat",
    "width": 128,
    "height": 128,
}


@attrs.frozen
class Heard:
    """All that came, and whether a reset ended it."""

    data: bytes
    reset: bool

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @property
    def status(self) -> int:
        return int(self.data.split()[1])

    def fields(self, name: str) -> list[str]:
        """The values of a header field, in order."""
        pairs = (line.partition(": ") for line in self.head.decode().split("\r\n")[1:])
        return [value for key, _, value in pairs if key.lower() == name.lower()]

    def field(self, name: str) -> str:
        (value,) = self.fields(name)
        return value


def written(body: Mapping[str, Any] = SMALL, *, keep: bool = False, method: str = "POST") -> bytes:
    raw = json.dumps(body).encode()
    head = (
        f"{method} /volcv/v1?Action=CVProcess&Version=2022-08-31 HTTP/1.1",
        "Host: gateway",
        "Authorization: Bearer local-key",
        "Content-Type: application/json",
        f"Content-Length: {len(raw)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
    )
    return "\r\n".join([*head, "", ""]).encode() + raw


def address(gateway: LocalGateway) -> tuple[str, int]:
    parts = urlsplit(gateway.url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


@asynccontextmanager
async def connected(where: tuple[str, int]) -> AsyncGenerator[socket.socket]:
    with socket.socket() as connection:
        connection.setblocking(False)  # noqa: FBT003 - the socket's own signature
        await asyncio.get_running_loop().sock_connect(connection, where)
        yield connection


async def hear(connection: socket.socket) -> Heard:
    """Read until the other end closes or resets."""
    data = bytearray()
    try:
        while came := await asyncio.get_running_loop().sock_recv(connection, 1 << 20):
            data += came
    except ConnectionError:
        return Heard(bytes(data), reset=True)
    return Heard(bytes(data), reset=False)


async def hear_until(connection: socket.socket, ending: bytes) -> bytes:
    """Read until what came ends with these bytes."""
    data = bytearray()
    while not data.endswith(ending):
        came = await asyncio.get_running_loop().sock_recv(connection, 1 << 20)
        assert came, bytes(data)
        data += came
    return bytes(data)


async def say(connection: socket.socket, data: bytes) -> None:
    """Send; that the other end has gone shows when it is read."""
    with suppress(ConnectionError):
        await asyncio.get_running_loop().sock_sendall(connection, data)


async def ask(
    gateway: LocalGateway, body: Mapping[str, Any] = SMALL, *, method: str = "POST"
) -> Heard:
    async with connected(address(gateway)) as connection:
        await say(connection, written(body, method=method))
        return await hear(connection)
