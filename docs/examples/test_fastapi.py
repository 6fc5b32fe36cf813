# ruff: noqa: S101 - a test asserts
"""The application as it ships, between a real web server and a real gateway."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn
from fastapi_app import app

from volcv_async.gateway import LocalGateway, Received, Reply, service_error
from volcv_async.testing import Hold


@asynccontextmanager
async def visiting() -> AsyncGenerator[aiohttp.ClientSession]:
    """Serve the application on a free port, and be its visitor."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as port:
        serving = asyncio.create_task(server.serve([port]))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port.getsockname()[1]}") as visitor:
            yield visitor
        server.should_exit = True
        await serving


async def moderation(received: Received) -> Reply | None:
    codes = {"a secret": 50412, "a mishap": 50501}
    code = codes.get(received.prompt or "")
    return service_error(code) if code else None


async def test_two_visitors_with_one_prompt_pay_once(volcv_environment: LocalGateway) -> None:
    async with visiting() as visitor:
        first, second = await asyncio.gather(
            *(visitor.get("/draw", params={"prompt": "a fox"}) for _ in range(2))
        )
        assert first.content_type == "image/png"
        assert await first.read() == await second.read()
    assert volcv_environment.paid == 1


@pytest.mark.volcv_gateway(answer=moderation)
@pytest.mark.usefixtures("volcv_environment")
async def test_a_series_tells_of_each_drawing_and_of_each_refusal() -> None:
    prompts = [("prompt", "a fox"), ("prompt", "a secret")]
    async with visiting() as visitor, visitor.get("/series", params=prompts) as response:
        fox, secret = [json.loads(line) async for line in response.content]
    assert fox == {"prompt": "a fox", "width": 1024, "height": 1024}
    assert "50412" in secret["error"]


@pytest.mark.parametrize(("prompt", "status"), [("a secret", 422), ("a mishap", 502)])
@pytest.mark.volcv_gateway(answer=moderation)
@pytest.mark.usefixtures("volcv_environment")
async def test_a_visitor_is_told_whose_fault_it_is(prompt: str, status: int) -> None:
    async with visiting() as visitor, visitor.get("/draw", params={"prompt": prompt}) as response:
        assert response.status == status


async def test_a_visitor_who_leaves_wastes_nothing(volcv_environment: LocalGateway) -> None:
    async with visiting() as visitor:
        with Hold() as hold:
            volcv_environment.answer = hold
            async with visitor.get("/series", params={"prompt": "a fox"}):
                await hold.arrived()  # the image is being made, and the visitor leaves
            async with visitor.get("/drawings") as response:
                assert await response.json() == {"a fox": False}
        async with visitor.get("/draw", params={"prompt": "a fox"}) as response:
            assert response.content_type == "image/png"
    assert volcv_environment.paid == 1
