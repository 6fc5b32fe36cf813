"""The life of one paid call: wait for a turn, send, tell how it ended, perhaps send again.

    lease ─ record "sending" ─ post ─ decode ─▶ made ─ record "answered" ─ fetch ─▶ Generation
      ▲                          │
      └─ pause, outside the slot ◀ not sent, or rejected and repeatable

``retry`` decides what goes out again: what was not sent, and of the rejected what a table says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import attrs

from volcv_async import retry
from volcv_async.codec import decode, encode
from volcv_async.codec.failures import excerpt
from volcv_async.config import RetryPolicy, Timeouts
from volcv_async.errors import (
    ConfigurationError,
    DecodeError,
    DownloadError,
    ImageError,
    LimitedError,
    NotSentError,
    UnknownOutcomeError,
    VolcvError,
)
from volcv_async.events import Attempt, AttemptEnded, AttemptStarted, Event, Recorder
from volcv_async.models import Request
from volcv_async.pool import Lease, SessionPool
from volcv_async.reply import Reply
from volcv_async.results import Generation, Image
from volcv_async.transport import Sending, Transport

_DOWNLOADS = 8  # at once, for a client
_LEAST_SHARE = 0.1  # of an attempt's time must be left for it to start
_SHORTEST = 0.001  # seconds: a deadline that passes just now still gives an attempt its error


@attrs.define(kw_only=True)
class Caller:
    """What all calls of a client share.

    Attributes:
        pool: Where leases come from.
        retry: When to send again.
        download: Whether images that stand at a URL are fetched.
        emit: Who is told what happens.
        downloads: How many images may be fetched at once.
        fetching: How many calls are answered, and fetch their images.
        one_fetched: Set whenever one of them is done.
    """

    pool: SessionPool
    retry: RetryPolicy
    download: bool
    emit: Callable[[Event], None]
    downloads: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(_DOWNLOADS))
    fetching: int = 0
    one_fetched: asyncio.Event = attrs.field(factory=asyncio.Event)

    @contextmanager
    def fetch(self) -> Generator[None]:
        """Count a call that fetches what is paid for."""
        self.fetching += 1
        try:
            yield
        finally:
            self.fetching -= 1
            self.one_fetched.set()

    async def fetched(self) -> None:
        """Wait until no call fetches anything any more."""
        while self.fetching:
            self.one_fetched.clear()
            await self.one_fetched.wait()


class Call:
    """One request on its way to a generation.

    Attributes:
        request: What is asked for.
        index: Its place in its source; 0 for a single call.
        attempts: Attempts begun, refusals included.
        leased: Set once the first attempt has its turn, or the call is over.
        made: What the provider made, as soon as it answered; None before.
    """

    def __init__(
        self,
        caller: Caller,
        request: Request,
        *,
        timeouts: Timeouts,
        index: int = 0,
        recorder: Recorder | None = None,
    ) -> None:
        self.request, self.index = request, index
        self.attempts = 0
        self.leased = asyncio.Event()
        self.made: Generation | None = None
        self._caller, self._timeouts, self._recorder = caller, timeouts, recorder
        self._deadline = time.monotonic() + (timeouts.deadline or math.inf)
        self._counted = self._refusals = 0
        self._sending = Sending()
        self._last: VolcvError | None = None
        self._doubted = False  # whether any attempt ended in doubt

    async def run(self) -> Generation:
        """See the request through.

        Raises:
            VolcvError: It ended without an image; ``request`` is set on it.
        """
        try:
            return await self._run()
        except VolcvError as error:
            self._complete(error)
            raise
        finally:
            self.leased.set()

    @property
    def in_hand(self) -> bool:
        """Whether the images are there, or are not wanted."""
        made = self.made
        if made is None:
            return False
        return not self._caller.download or all(image.data is not None for image in made.images)

    def cut(self) -> VolcvError:
        """Say what is known of a call that was cut off: in doubt, not sent, or paid for."""
        if self.made is not None:
            return _not_fetched(self.made)
        if self._sending.begun:
            return UnknownOutcomeError(
                "The call was cut off while its reply was awaited.",
                help="The image may have been made and billed.",
            )
        last = self._last or NotSentError("The request was called off before it was sent.")
        return self._complete(last)

    def _complete(self, error: VolcvError) -> VolcvError:
        """Say whose error it is, and that an attempt before it may have been billed, if one was."""
        error.request = self.request
        if self._doubted and error.billed == "no":
            error.billed = "unknown"
        return error

    async def _run(self) -> Generation:
        body = encode(self.request)
        while True:
            lease = await self._lease()
            error = await self._attempt(lease, body)
            if error is None:
                return await self._fetch(lease.transport)
            await self._pause(error)

    async def _lease(self) -> Lease:
        """Wait for a turn, up to the deadline."""
        patience = self._patience()
        if patience is not None and patience <= 0:
            raise self._too_late()
        try:
            async with asyncio.timeout(patience):
                lease = await self._caller.pool.lease()
        except TimeoutError:
            pass
        else:
            self.leased.set()
            return lease
        raise self._too_late()

    async def _attempt(self, lease: Lease, body: bytes) -> VolcvError | None:
        """Make one attempt and tell everybody how it ended; without an error, ``made`` is there."""
        self._sending = Sending(lease.departed)
        attempt, begun = self._next_attempt(lease), time.monotonic()
        error: VolcvError | None = None
        try:
            with lease:
                self._caller.emit(AttemptStarted(attempt=attempt))
                self.made = await self._send(lease.transport, attempt, body)
        except VolcvError as failure:
            error = failure
        except BaseException:
            self._tell(attempt, begun, self.cut())
            raise
        self._sending = Sending()
        lease.learn(error)
        self._tell(attempt, begun, error)
        if self._recorder is not None and self.made is not None:
            await self._recorder.answered(attempt, self.made)
        return error

    def _next_attempt(self, lease: Lease) -> Attempt:
        self.attempts += 1
        return Attempt(
            request=self.request,
            index=self.index,
            number=self.attempts,
            account=lease.account,
            started=datetime.now(UTC),
        )

    async def _send(self, transport: Transport, attempt: Attempt, body: bytes) -> Generation:
        if self._recorder is not None:
            await self._recorder.sending(attempt)
        seconds = min(self._timeouts.attempt, self._deadline - time.monotonic())
        timeouts = attrs.evolve(self._timeouts, attempt=max(seconds, _SHORTEST))
        reply = await transport.post(body, self._sending, timeouts=timeouts)
        return self._read(reply, transport)

    def _read(self, reply: Reply, transport: Transport) -> Generation:
        """Decode a reply; one that no API gives, before any was ever answered, is a wrong URL."""
        try:
            return decode(reply)
        except VolcvError as failure:
            error = failure
        if not self._caller.pool.ever_answered and _is_elsewhere(reply):
            error = _wrong_url(reply, transport.url)
        error.redact(transport.redact)
        if isinstance(error, DecodeError):
            error.excerpt = excerpt(reply, transport.redact)
        raise error

    def _tell(self, attempt: Attempt, begun: float, error: VolcvError | None) -> None:
        ended = AttemptEnded(
            attempt=attempt,
            ending=error.ending if error else "answered",
            seconds=time.monotonic() - begun,
            error=error,
        )
        self._caller.emit(ended)

    async def _pause(self, error: VolcvError) -> None:
        """Wait before the next attempt, outside the slot; raise if there must be none."""
        self._last = error
        self._doubted = self._doubted or error.ending == "in doubt"
        seconds = retry.pause(error, self._caller.retry, self._tally(error))
        patience = self._patience()
        if seconds is None:
            raise error
        if patience is not None and seconds >= patience:
            raise self._too_late()
        await asyncio.sleep(seconds)

    def _tally(self, error: VolcvError) -> retry.Tally:
        """Count an attempt: refusals apart, and what was not sent in an outage not at all."""
        excused = isinstance(error, NotSentError) and self._caller.pool.outage
        if isinstance(error, LimitedError):
            self._refusals += 1
        elif not excused:
            self._counted += 1
        return retry.Tally(
            counted=max(1, self._counted),
            refusals=max(1, self._refusals),
            excused=excused,
            elsewhere=not self._caller.pool.exhausted,
        )

    def _patience(self) -> float | None:
        """Seconds until it is too late to start an attempt; None without a deadline.

        An attempt that the deadline would cut off at once is not worth its price.
        """
        if self._timeouts.deadline is None:
            return None
        least = _LEAST_SHARE * min(self._timeouts.attempt, self._timeouts.deadline)
        return self._deadline - least - time.monotonic()

    def _too_late(self) -> VolcvError:
        """Make the error of a request that the deadline met waiting."""
        deadline = f"the deadline of {self._timeouts.deadline:g} s"
        if self._last is not None:
            self._last.message += f" It was not sent again: {deadline} left no time for it."
            return self._last
        return NotSentError(
            f"The request did not have its turn before {deadline}.",
            help="Nothing was sent. Raise Timeouts(deadline=...), or ask for less at once.",
        )

    async def _fetch(self, transport: Transport) -> Generation:
        """Fetch the images that stand at a URL, if they are wanted."""
        made = self.made
        assert made is not None  # noqa: S101 - the attempt was answered
        if self._caller.download:
            with self._caller.fetch():
                images = [await self._image(image, made, transport) for image in made.images]
            self.made = made = attrs.evolve(made, images=tuple(images))
        return made

    async def _image(self, image: Image, made: Generation, transport: Transport) -> Image:
        """Fetch one image, again and again for as long as an attempt may take: it costs nothing."""
        if image.url is None or image.data is not None:
            return image
        ends = time.monotonic() + self._timeouts.attempt
        tally = retry.Tally(counted=1, refusals=1)
        while True:
            error = await self._download(image, transport)
            if not isinstance(error, ImageError):
                return error
            seconds = retry.free_pause(error, self._caller.retry, tally)
            if seconds is None or time.monotonic() + seconds > ends:
                raise _about(error, image, made)
            tally = attrs.evolve(tally, counted=tally.counted + 1)
            await asyncio.sleep(seconds)

    async def _download(self, image: Image, transport: Transport) -> Image | ImageError:
        """Try once to fetch an image; give it, or what went wrong."""
        assert image.url is not None  # noqa: S101 - it is asked before
        async with self._caller.downloads:
            try:
                data = await transport.download(image.url, timeouts=self._timeouts)
                return Image.of(data, url=image.url, expires=image.expires)
            except ImageError as error:
                return error


def _about(error: ImageError, image: Image, made: Generation) -> ImageError:
    """Complete an error with what is known of the image."""
    error.generation, error.request_id = made, made.request_id or None
    if isinstance(error, DownloadError):
        error.url, error.expires = image.url or "", image.expires
    return error


def _not_fetched(made: Generation) -> ImageError:
    """Make the error of a call that was cut off while its image was being fetched."""
    error = DownloadError(
        "The call was cut off while its image was being fetched.",
        help="It is paid for: fetch it from the error's `url` before it expires.",
    )
    return _about(error, made.image, made)


def _is_elsewhere(reply: Reply) -> bool:
    """Tell whether a reply is a redirect or a web page, as no such API gives with success."""
    page = 200 <= reply.status < 300 and reply.media_type == "text/html"  # noqa: PLR2004
    return page or 300 <= reply.status < 400  # noqa: PLR2004 - statuses say more than names


def _wrong_url(reply: Reply, url: str) -> ConfigurationError:
    target = reply.headers.get("location", "") or "nowhere"
    page = reply.media_type == "text/html" and "location" not in reply.headers
    what = "answers with a web page" if page else f"redirects to {target}"
    return ConfigurationError(
        f"{url} is no endpoint of this API: it {what}.",
        help="Set the URL to the whole endpoint, such as https://gateway.example/volcv/v1",
        http_status=reply.status,
    )
