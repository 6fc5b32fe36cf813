"""Images that an earlier run paid for and did not fetch: they are fetched, and not bought again."""

from __future__ import annotations

import json

from volcv_async.client import Client
from volcv_async.errors import ImageError
from volcv_async.job.records import Entry
from volcv_async.job.rows import from_sent
from volcv_async.results import Completed, Failed, Generation, Image, Outcome


async def fetch(client: Client, entry: Entry) -> Outcome:
    """Fetch the images of a call that an earlier run paid for; its entry says where they stand."""
    request = from_sent(entry.model, json.loads(entry.request))
    images = [Image(url=standing.url, expires=standing.expires) for standing in entry.images]
    made = Generation(images=tuple(images), request_id=entry.request_id or "")
    try:
        fetched = [await client.download(image) for image in images]
    except ImageError as error:
        error.generation, error.request_id = made, entry.request_id
        error.index, error.request = entry.number, request
        return Failed(index=entry.number, request=request, attempts=entry.attempts, error=error)
    return Completed(
        index=entry.number,
        request=request,
        attempts=entry.attempts,
        generation=Generation(images=tuple(fetched), request_id=made.request_id),
    )
