"""A web handler that awaits one image. A visitor who leaves wastes nothing that is paid for."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
from aiohttp import web

import volcv_async as volcv

CLIENT = web.AppKey("client", volcv.Client)
DRAWN = web.AppKey("drawn", dict[str, asyncio.Task[volcv.Generation]])


def generation_of(prompt: str, app: web.Application) -> asyncio.Task[volcv.Generation]:
    """Start the call for a prompt, or find the one that is under way or done."""
    drawn = app[DRAWN]
    if prompt not in drawn:
        request = volcv.GeneralV21(prompt=prompt)
        drawn[prompt] = task = asyncio.create_task(app[CLIENT].generate(request))
        task.add_done_callback(lambda task: forget_failure(prompt, task, app))
    return drawn[prompt]


def forget_failure(prompt: str, task: asyncio.Task[volcv.Generation], app: web.Application) -> None:
    if task.cancelled() or task.exception() is not None:
        del app[DRAWN][prompt]


async def draw(request: web.Request) -> web.Response:
    # The task belongs to the application, and the shield keeps this request's end away from it.
    task = generation_of(request.query["prompt"], request.app)
    try:
        generation = await asyncio.shield(task)
    except volcv.ContentRejectedError as refused:
        raise web.HTTPUnprocessableEntity(text=str(refused)) from refused
    image = generation.image
    return web.Response(body=image.data, content_type=image.media_type or "")


def application(client: volcv.Client) -> web.Application:
    async def open_client(_: web.Application) -> AsyncGenerator[None]:
        async with client:  # leaving it waits for the calls under way
            yield

    app = web.Application()
    app[CLIENT] = client
    app[DRAWN] = {}
    app.router.add_get("/draw", draw)
    app.cleanup_ctx.append(open_client)
    return app


async def visit(url: str) -> None:
    """Ask for a picture, lose patience, and come back for it."""
    async with aiohttp.ClientSession() as visitor:
        address, prompt = f"{url}/draw", {"prompt": "a red fox"}
        try:
            async with asyncio.timeout(0.1), visitor.get(address, params=prompt):
                pass
        except TimeoutError:
            print("the visitor left")
        async with visitor.get(address, params=prompt) as response:
            print("the visitor came back:", response.status, response.content_type)


async def main() -> None:
    async with volcv.gateway.LocalGateway(latency=0.5) as gateway:
        app = application(volcv.Client(gateway.account()))
        # aiohttp cancels a handler whose visitor left only when it is asked to; others always do.
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            await visit(f"http://{host}:{port}")
        finally:
            await runner.cleanup()
        print("pictures paid for:", gateway.paid)


asyncio.run(main())
