"""Scripts one would write by hand, with nothing around the call but a semaphore."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any

import aiohttp

from benchmarks.calls.contenders import AT_ONCE, KEY, Batch, Target, prompt

HEADERS = {"Authorization": f"Bearer {KEY}"}


def order(nth: int) -> dict[str, object]:
    """Give the body of a request."""
    return {"req_key": "high_aes_general_v21_L", "prompt": prompt(nth)}


def pictures(reply: dict[str, Any]) -> list[bytes]:
    """Give the pictures of a reply in the provider's shape."""
    return [base64.b64decode(text) for text in reply["data"]["binary_data_base64"]]


def gathering(call: Callable[[int], Awaitable[None]]) -> Batch:
    """Make a batch of a call: a task each, behind a semaphore."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(nth: int) -> None:
        async with slots:
            await call(nth)

    async def batch(calls: int) -> int:
        await asyncio.gather(*(one(nth) for nth in range(calls)))
        return calls

    return batch


def _endpoint(target: Target) -> str:
    return f"{target.endpoint}?Action=CVProcess&Version=2022-08-31"


@asynccontextmanager
async def _posting(target: Target, use: Callable[[bytes], object]) -> AsyncGenerator[Batch]:
    """Post with aiohttp, read the body, and use it."""
    url = _endpoint(target)
    connector = aiohttp.TCPConnector(force_close=target.fresh)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(nth: int) -> None:
            async with session.post(url, json=order(nth), headers=HEADERS) as response:
                use(await response.read())

        yield gathering(call)


def bare_aiohttp(target: Target) -> AbstractAsyncContextManager[Batch]:
    """Post with aiohttp, read with json.loads and b64decode."""
    return _posting(target, lambda body: pictures(json.loads(body)))


def reading_aiohttp(target: Target) -> AbstractAsyncContextManager[Batch]:
    """Post with aiohttp, and only read the body."""
    return _posting(target, len)


@asynccontextmanager
async def bare_httpx(target: Target) -> AsyncGenerator[Batch]:
    """Post with httpx, read with json.loads and b64decode."""
    url = _endpoint(target)
    async with import_module("httpx").AsyncClient(timeout=None) as client:

        async def call(nth: int) -> None:
            response = await client.post(url, json=order(nth), headers=HEADERS)
            pictures(json.loads(response.content))

        yield gathering(call)
