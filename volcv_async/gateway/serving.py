"""Running a gateway until somebody stops it: what `volcv serve` does."""

from collections.abc import Callable

import anyio

from volcv_async.gateway.server import LocalGateway


async def serve(gateway: LocalGateway, started: Callable[[LocalGateway], None]) -> None:
    """Keep a gateway open until this call is cancelled.

    Args:
        gateway: one that is not entered yet.
        started: called once, when the gateway listens and knows its `url`.

    Raises:
        OSError: if the port is taken or may not be used.
    """
    async with gateway:
        started(gateway)
        await anyio.sleep_forever()
