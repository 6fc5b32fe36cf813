"""A FastAPI application: one image a request, or several in one streaming response."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.responses import StreamingResponse

import volcv_async as volcv

Drawing = asyncio.Task[volcv.Generation]


class Studio:
    """The drawings of this process, by prompt. No visitor owns one, so none can cut it off."""

    def __init__(self, client: volcv.Client) -> None:
        self._client = client
        self.drawings: dict[str, Drawing] = {}

    def drawing_of(self, prompt: str) -> Drawing:
        """Start the call for a prompt, or find the one that is under way or done."""
        if prompt not in self.drawings:
            call = self._client.generate(volcv.GeneralV21(prompt=prompt))
            self.drawings[prompt] = drawing = asyncio.create_task(call)
            drawing.add_done_callback(lambda done: self._forget_failure(prompt, done))
        return self.drawings[prompt]

    def _forget_failure(self, prompt: str, done: Drawing) -> None:
        if done.cancelled() or done.exception() is not None:
            del self.drawings[prompt]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    async with volcv.Client() as client:  # leaving it waits for the calls under way
        app.state.studio = Studio(client)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/draw")
async def draw(prompt: str) -> Response:
    studio: Studio = app.state.studio
    try:
        # The shield takes the end of this request, and the drawing goes on.
        generation = await asyncio.shield(studio.drawing_of(prompt))
    except volcv.ContentRejectedError as refused:
        raise HTTPException(422, str(refused)) from refused
    except volcv.VolcvError as failed:
        raise HTTPException(502, str(failed)) from failed
    return Response(generation.image.data, media_type=generation.image.media_type)


@app.get("/series")
async def series(prompt: Annotated[list[str], Query(max_length=8)]) -> StreamingResponse:
    """Tell of each drawing when it can be had at /draw: a line of JSON each."""
    studio: Studio = app.state.studio
    drawings = {each: studio.drawing_of(each) for each in prompt}  # all of them begin now
    return StreamingResponse(lines(drawings), media_type="application/x-ndjson")


async def lines(drawings: dict[str, Drawing]) -> AsyncGenerator[str]:
    for prompt, drawing in drawings.items():
        try:
            image = (await asyncio.shield(drawing)).image
            line = {"prompt": prompt, "width": image.width, "height": image.height}
        except volcv.VolcvError as error:
            line = {"prompt": prompt, "error": str(error)}
        yield json.dumps(line, ensure_ascii=False) + "\n"


@app.get("/drawings")
async def drawings() -> dict[str, bool]:
    """Say of each prompt whether its drawing is done."""
    studio: Studio = app.state.studio
    return {prompt: drawing.done() for prompt, drawing in studio.drawings.items()}
