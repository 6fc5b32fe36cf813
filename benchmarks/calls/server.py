"""The serving process: it answers each POST with bytes made beforehand, and does nothing else.

    python -m benchmarks.calls.server CORES [CERTIFICATE]

It prints its ports as a line of JSON, and then, for each line that comes in, its CPU time so far.
It ends with its standard input. The first part of a path says how large the reply is, the rest
whose shape it has. It closes a connection where the request asks for that.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import cast

from benchmarks.calls.processes import pin
from benchmarks.calls.samples import SIZES, Dialect, body

_HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
    "Date: Thu, 03 Apr 2025 07:15:07 GMT\r\nX-Request-Id: 20250403151503DD53B34623F59CF8B86D\r\n"
    "Connection: {connection}\r\nContent-Length: {length}\r\n\r\n"
)
_END = b"\r\n\r\n"


def reply(body: bytes, *, close: bool) -> bytes:
    """Give a whole reply, head and body in one."""
    head = _HEAD.format(connection="close" if close else "keep-alive", length=len(body))
    return head.encode() + body


def replies() -> Mapping[tuple[bytes, bytes, bool], bytes]:
    """Make all there is to say: by size, by shape, and by whether the connection is closed."""
    return {
        (size.encode(), dialect.encode(), close): reply(content, close=close)
        for size in SIZES
        for dialect in cast("tuple[Dialect, ...]", ("provider", "openai"))
        for content in (body(dialect, size),)
        for close in (False, True)
    }


def length(head: bytes) -> int:
    """Tell how long the body is that follows a head in lower case."""
    _, _, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0] or 0)


class Answering(asyncio.Protocol):
    """One connection, on which requests are answered at once."""

    def __init__(self, said: Mapping[tuple[bytes, bytes, bool], bytes]) -> None:
        self._said = said
        self._came = b""
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._wire = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._came += data
        while (end := self._came.find(_END)) >= 0:
            head = self._came[:end].lower() + b"\r\n"
            whole = end + len(_END) + length(head)
            if len(self._came) < whole:
                return
            self._came = self._came[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        assert self._wire is not None  # noqa: S101 - data came over it
        size, _, rest = head.partition(b" ")[2][1:].partition(b" ")[0].partition(b"/")
        dialect = b"openai" if rest else b"provider"
        close = b"\r\nconnection: close\r\n" in head
        self._wire.write(self._said[size.partition(b"?")[0], dialect, close])
        if close:
            self._wire.close()


async def serve(certificate: str | None) -> None:
    """Listen, and tell the CPU time whenever it is asked for."""
    loop = asyncio.get_running_loop()
    said = replies()
    ports = {"plain": await _listen(lambda: Answering(said), None)}
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        ports["tls"] = await _listen(lambda: Answering(said), context)
    print(json.dumps(ports), flush=True)
    over = asyncio.Event()

    def asked() -> None:
        lines = os.read(sys.stdin.fileno(), 4096)
        if not lines:
            over.set()
        for _ in range(lines.count(b"\n")):
            print(json.dumps({"cpu": time.process_time()}), flush=True)

    loop.add_reader(sys.stdin.fileno(), asked)
    await over.wait()
    loop.remove_reader(sys.stdin.fileno())


async def _listen(meet: Callable[[], Answering], context: ssl.SSLContext | None) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(meet, "127.0.0.1", 0, ssl=context, backlog=256)
    port: int = server.sockets[0].getsockname()[1]
    return port


def main() -> None:
    """Serve on the fastest loop there is."""
    cores, *certificate = sys.argv[1:]
    pin(cores)
    fast = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=fast) as runner:
        runner.run(serve(*certificate, *[None] * (1 - len(certificate))))


if __name__ == "__main__":
    main()
