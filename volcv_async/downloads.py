"""Images that are paid for and stand at a URL: fetched again and again, since that costs nothing.

A few at a time for a client, until the URL expires or the request's deadline comes, whichever is
first.
"""

from __future__ import annotations

import asyncio
import math
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import attrs

from volcv_async import retry
from volcv_async.config import RetryPolicy, Timeouts
from volcv_async.errors import DownloadError, ImageError, VolcvWarning
from volcv_async.results import Generation, Image

if TYPE_CHECKING:
    from volcv_async.transport import Transport

_AT_ONCE = 8  # for a client
_LEAST = 0.5  # seconds: what is paid for is worth a try, however late it is


class Downloads:
    """What fetches the images of a client, and knows whether any are being fetched."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._under_way = 0
        self._warned = False
        self._one_over = asyncio.Event()

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count what fetches; ``over`` waits for it."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._one_over.set()

    async def over(self) -> None:
        """Wait until nothing is fetched any more."""
        while self._under_way:
            self._one_over.clear()
            await self._one_over.wait()

    async def fetch(
        self,
        image: Image,
        transport: Transport,
        *,
        timeouts: Timeouts,
        deadline: float = math.inf,
        made: Generation | None = None,
    ) -> Image:
        """Fetch an image that stands at a URL.

        Args:
            image: What to fetch; one that is there, or stands nowhere, is given back.
            transport: What to fetch it on.
            timeouts: How long one try may take, in seconds.
            deadline: Until when, by the monotonic clock; the end of its URL comes before.
            made: What the call that made it gave, for the error.

        Raises:
            ImageError: It could not be fetched in time, cannot be at all, or is no picture.
        """
        if image.url is None or image.data is not None:
            return image
        began, ends = time.monotonic(), _last_moment(image, timeouts, deadline)
        tally = retry.Tally(counted=1, refusals=1)
        error: ImageError = _late()
        while True:
            got = await self._try(image, transport, timeouts, ends)
            if isinstance(got, Image):
                return got
            error = got or error
            seconds = retry.free_pause(error, self._policy, tally) if got else None
            if seconds is None or time.monotonic() + seconds > ends:
                raise _about(error, image, made)
            tally = attrs.evolve(tally, counted=tally.counted + 1)
            self._warn_if_late(error, late=time.monotonic() - began > timeouts.attempt)
            await asyncio.sleep(seconds)

    def _warn_if_late(self, error: ImageError, *, late: bool) -> None:
        """Say once that images wait, and with them their places in the window of a stream."""
        if not late or self._warned:
            return
        self._warned = True
        text = (
            f"An image that is paid for is still not fetched: {error.message} It is tried until "
            "its URL expires; meanwhile its call keeps its place, and fewer new ones go out."
        )
        # Where warnings are errors, this one is raised in the loop and not amid a download.
        asyncio.get_running_loop().call_soon(warnings.warn, text, VolcvWarning)

    async def _try(
        self, image: Image, transport: Transport, timeouts: Timeouts, ends: float
    ) -> Image | ImageError | None:
        """Try once to fetch an image; give it, or what went wrong, or None when time is over."""
        try:
            async with asyncio.timeout(ends - time.monotonic()), self._free:
                return await _once(image, transport, timeouts)
        except TimeoutError:
            return None


def cut_off(made: Generation) -> ImageError:
    """Make the error of a call that was cut off while its image was being fetched."""
    error = DownloadError(
        "The call was cut off while its image was being fetched.",
        help="It is paid for: fetch it from the error's `url` before it expires.",
    )
    return _about(error, made.image, made)


def _last_moment(image: Image, timeouts: Timeouts, deadline: float) -> float:
    """Give the moment up to which an image is fetched, by the monotonic clock."""
    now = time.monotonic()
    seconds = retry.fetching(
        image.expires, datetime.now(UTC), attempt=timeouts.attempt, deadline=deadline - now
    )
    return now + max(seconds, _LEAST)


async def _once(image: Image, transport: Transport, timeouts: Timeouts) -> Image | ImageError:
    assert image.url is not None  # noqa: S101 - it is asked before
    try:
        data = await transport.download(image.url, timeouts=timeouts)
        return Image.of(data, url=image.url, expires=image.expires)
    except ImageError as error:
        return error


def _about(error: ImageError, image: Image, made: Generation | None) -> ImageError:
    """Complete an error with what is known of the image, and of the call that made it."""
    if made is not None:
        error.generation, error.request_id = made, made.request_id or None
    if isinstance(error, DownloadError):
        error.url, error.expires = image.url or "", image.expires
    return error


def _late() -> ImageError:
    return DownloadError(
        "The image is paid for and could not be fetched in time.",
        help="Fetch it from the error's `url` before it expires.",
    )
