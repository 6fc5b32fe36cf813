"""Playing a script on a connection that an HTTP server has, and resetting connections."""

import asyncio
import socket
import struct
import sys

from aiohttp import web

from volcv_async.gateway.faults.mangling import Drip, End, Script, Send, Step
from volcv_async.gateway.faults.times import FaultTimes

_AT_ONCE = struct.pack("ii", 1, 0)
_LOOK = 0.01
"""Seconds between looks at a connection: that it was lost, or took what was written, is told to
its server's protocol alone."""


def reset(transport: asyncio.BaseTransport) -> None:
    """End a connection with a reset (RST), where an abort alone would end it in good order."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - a connection's is
    transport.abort()


class ResetAtOnce(asyncio.Protocol):
    """A connection that is reset as soon as it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reset it."""
        reset(transport)


async def play(script: Script, request: web.BaseRequest, times: FaultTimes) -> None:
    """Do what the script says, until it ends or the client has gone."""
    for step in script:
        if (transport := open_transport(request)) is None:
            return
        await _do(step, request, transport, times)


def open_transport(request: web.BaseRequest) -> asyncio.Transport | None:
    """The connection of a request, if it is still there and not being closed."""
    transport = request.transport
    return None if transport is None or transport.is_closing() else transport


async def _do(
    step: Step, request: web.BaseRequest, transport: asyncio.Transport, times: FaultTimes
) -> None:
    match step:
        case Send(data):
            await _send(data, transport)
        case Drip(data):
            await _drip(data, request, times.drip)
        case End.CLOSE:
            transport.close()
        case End.RESET:
            await _arrival(transport)
            reset(transport)
        case _:  # End.HOLD
            await _hold(request)


async def _send(data: bytes, transport: asyncio.Transport) -> None:
    transport.write(data)
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110 - see _LOOK
        await asyncio.sleep(_LOOK)


async def _arrival(transport: asyncio.Transport) -> None:
    """Wait until the other end's system has all that was written: a reset throws away the rest."""
    while not transport.is_closing() and _on_its_way(transport):  # noqa: ASYNC110 - see _LOOK
        await asyncio.sleep(_LOOK)


def _on_its_way(transport: asyncio.Transport) -> int:
    """Count the bytes that were sent and not acknowledged; only Linux tells."""
    if sys.platform != "linux":  # pragma: no cover - the suite runs on Linux
        return 0
    import fcntl  # noqa: PLC0415 - Windows has none
    import termios  # noqa: PLC0415 - nor this

    connection = transport.get_extra_info("socket").fileno()
    (count,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    return int(count)


async def _drip(data: bytes, request: web.BaseRequest, pause: float) -> None:
    for byte in data:
        await asyncio.sleep(pause)
        if (transport := open_transport(request)) is None:
            return
        transport.write(bytes([byte]))


async def _hold(request: web.BaseRequest) -> None:
    while open_transport(request) is not None:  # noqa: ASYNC110 - see _LOOK
        await asyncio.sleep(_LOOK)
