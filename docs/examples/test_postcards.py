# ruff: noqa: S101 - a test asserts
"""A test file of somebody's own: real sockets, no key, and every payment counted."""

from collections.abc import AsyncGenerator

import pytest

import volcv_async as volcv
from volcv_async.gateway import LocalGateway, Received, Reply, service_error


async def postcard(client: volcv.Client, town: str) -> bytes | None:
    """The code under test."""
    try:
        generation = await client.generate(volcv.GeneralV21(prompt=f"a postcard of {town}"))
    except volcv.ContentRejectedError:
        return None
    return generation.image.data


async def moderation(received: Received) -> Reply | None:
    return service_error(50412) if "Atlantis" in (received.prompt or "") else None


@pytest.fixture
async def gateway() -> AsyncGenerator[LocalGateway]:
    async with LocalGateway(latency=0.0, answer=moderation) as running:
        yield running


async def test_a_postcard_is_a_png_and_costs_one_picture(gateway: LocalGateway) -> None:
    async with volcv.Client(gateway.account()) as client:
        data = await postcard(client, "Whitby")
    assert data is not None
    assert data.startswith(b"\x89PNG")
    assert gateway.paid_by_prompt == {"a postcard of Whitby": 1}


async def test_a_refused_postcard_is_none_and_costs_nothing(gateway: LocalGateway) -> None:
    async with volcv.Client(gateway.account()) as client:
        assert await postcard(client, "Atlantis") is None
    assert gateway.paid == 0
