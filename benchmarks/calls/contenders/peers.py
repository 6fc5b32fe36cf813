"""Other clients, used as their documentation says, sixteen calls at once.

Those that speak OpenAI's dialect get the same picture in a reply of that shape.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from benchmarks.calls.contenders import AT_ONCE, KEY, Batch, Target, prompt
from benchmarks.calls.contenders.scripts import gathering, order, pictures


@asynccontextmanager
async def openai_on_aiohttp(target: Target) -> AsyncGenerator[Batch]:
    """Ask with openai on its aiohttp backend."""
    import_module("aiohttp")
    openai = import_module("openai")
    async with _openai(target, openai.DefaultAioHttpClient()) as batch:
        yield batch


@asynccontextmanager
async def openai_on_httpx(target: Target) -> AsyncGenerator[Batch]:
    """Ask with openai on its default backend."""
    async with _openai(target, None) as batch:
        yield batch


@asynccontextmanager
async def _openai(target: Target, backend: Any) -> AsyncGenerator[Batch]:  # noqa: ANN401 - one of openai's clients
    openai = import_module("openai")
    async with openai.AsyncOpenAI(
        base_url=target.endpoint, api_key=KEY, http_client=backend
    ) as client:

        async def call(nth: int) -> None:
            reply = await client.images.generate(model="gpt-image-1", prompt=prompt(nth))
            decode(reply)

        yield gathering(call)


@asynccontextmanager
async def ark(target: Target) -> AsyncGenerator[Batch]:
    """Ask with the vendor's AsyncArk."""
    module = import_module("volcenginesdkarkruntime")
    async with module.AsyncArk(base_url=target.endpoint, api_key=KEY) as client:

        async def call(nth: int) -> None:
            reply = await client.images.generate(
                model="seedream", prompt=prompt(nth), response_format="b64_json"
            )
            decode(reply)

        yield gathering(call)


def decode(reply: Any) -> list[bytes]:  # noqa: ANN401 - of one of two packages
    """Give the pictures of a reply in OpenAI's shape."""
    return [base64.b64decode(image.b64_json) for image in reply.data if image.b64_json]


@asynccontextmanager
async def visual_service(target: Target) -> AsyncGenerator[Batch]:
    """Ask with the vendor's VisualService, which blocks, in sixteen threads."""
    service = import_module("volcengine.visual.VisualService").VisualService()
    service.set_ak("AK")
    service.set_sk(KEY)
    service.set_host(urlsplit(target.url).netloc)
    service.api_info["CVProcess"].path = f"/{target.size}"
    adapter = import_module("requests.adapters").HTTPAdapter(pool_maxsize=AT_ONCE)
    service.session.mount("http://", adapter)  # its own keeps ten connections, and warns

    def ask(nth: int) -> None:
        pictures(service.cv_process(order(nth)))

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE) as threads:

        async def call(nth: int) -> None:
            await loop.run_in_executor(threads, ask, nth)

        yield gathering(call)
