"""Another host, to which requests may be sent on: it counts what comes, and serves nothing."""

import asyncio

from aiohttp import web


class Elsewhere:
    """A host of its own name and port, opened when somebody is first sent there.

    Attributes:
        arrived: how many requests came, ever.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._runner: web.ServerRunner | None = None
        self._opening = asyncio.Lock()
        self.arrived = 0

    async def origin(self) -> str:
        """Its scheme, name and port; it is listening."""
        async with self._opening:
            self._runner = runner = self._runner or await self._open()
        host, port = runner.addresses[0][:2]
        name = f"[{host}]" if ":" in host else {"127.0.0.1": "localhost"}.get(host, host)
        return f"http://{name}:{port}"

    async def close(self) -> None:
        """Close it, if it was opened."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    async def _open(self) -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(self._count), shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, self._host, 0).start()
        return runner

    async def _count(self, _: web.BaseRequest) -> web.Response:
        self.arrived += 1
        return web.Response(text="{}", content_type="application/json")
