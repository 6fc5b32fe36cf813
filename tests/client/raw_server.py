"""A socket server that says exactly what a test tells it to, for what HTTP servers will not do."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import volcv_async as volcv

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """Where it listens, and how many requests it has read to their end."""

    def __init__(self, port: int, scheme: str) -> None:
        self.url = f"{scheme}://localhost:{port}/volcv/v1"
        self.requests: list[bytes] = []

    def account(self) -> volcv.Account:
        return volcv.Account(self.url, volcv.Bearer("key-of-the-tests"))


@asynccontextmanager
async def raw_server(
    script: Script, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[RawServer]:
    """Serve: read each request whole, then let the script say what it will."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            running.requests.append(head + await reader.readexactly(length))
            await script(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    running = RawServer(port, "https" if tls else "http")
    try:
        yield running
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(data: bytes, *, then_reset: bool = False) -> Script:
    """Send these bytes and close, orderly or with a reset."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        if then_reset:
            transport = writer.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()

    return script
