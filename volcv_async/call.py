"""The life of one paid call: wait for a turn, send, tell how it ended, perhaps send again.

    lease ─ record "sending" ─ post ─ decode ─▶ made ─ record "answered" ─ fetch ─▶ Generation
      ▲                          │
      └─ pause, outside the slot ◀ record "ended": not sent, or rejected and repeatable
      └─ a fresh seed, at once   ◀ record "ended": the picture was refused, and rerolls are left

``retry`` decides what goes out again: what was not sent, and of the rejected what a table says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import attrs

from volcv_async import retry
from volcv_async.bottleneck import Cause
from volcv_async.codec import decode, encode
from volcv_async.codec.failures import excerpt
from volcv_async.codes import treat
from volcv_async.config import RetryPolicy, Timeouts
from volcv_async.downloads import Downloads, cut_off
from volcv_async.errors import (
    ConfigurationError,
    DecodeError,
    NotSentError,
    UnknownOutcomeError,
    VolcvError,
)
from volcv_async.events import (
    Attempt,
    Bookkeeper,
    Recorder,
)
from volcv_async.models import Request
from volcv_async.models.seeds import rerolled
from volcv_async.pool import Lease, SessionPool
from volcv_async.reply import Reply
from volcv_async.results import Generation, Image
from volcv_async.retry import Budget
from volcv_async.sending import Sending
from volcv_async.telling import Teller

if TYPE_CHECKING:
    from volcv_async.transport import Transport

_T = TypeVar("_T")

_LEAST_SHARE = 0.1  # of an attempt's time must be left for it to start
_REFUSED_EACH_TIME = 3  # refusals for pace after which a request waits behind the others again
_SHORTEST = 0.001  # seconds: a deadline that passes just now still gives an attempt its error


@attrs.define(kw_only=True)
class Caller:
    """What all calls of a client share.

    Attributes:
        pool: Where leases come from.
        retry: When to send again.
        download: Whether images that stand at a URL are fetched.
        teller: Who is told what becomes of attempts.
        budget: What repetitions draw on.
        downloads: What fetches images.
        waited: Seconds that streams which were left have spent on waiting, by what for.
    """

    pool: SessionPool
    retry: RetryPolicy
    download: bool
    teller: Teller
    budget: Budget = attrs.field(
        default=attrs.Factory(lambda self: Budget(self.retry.budget), takes_self=True)
    )
    downloads: Downloads = attrs.field(
        default=attrs.Factory(lambda self: Downloads(self.retry), takes_self=True)
    )
    waited: dict[Cause, float] = attrs.field(factory=dict[Cause, float])


class Call:
    """One request on its way to a generation.

    Args:
        caller: What it shares with others.
        request: What is asked for.
        timeouts: How long it may take, in seconds.
        index: Its place in its source; 0 for a single call.
        number: Its place in the line of those who wait for a turn, if it has one already.
        recorder: Who writes down its attempts.

    Attributes:
        request: What is asked for.
        index: Its place in its source; 0 for a single call.
        attempts: Attempts begun, refusals included.
        lease: A turn that was taken for it and is not used yet.
        leased: What is set once the first attempt has its turn, or the call is over, if somebody
            waits for that.
        made: What the provider made, as soon as it answered; None before.
        lineage: The requests that went out after the one asked for, each with a fresh seed.
        misrecorded: What a recorder raised after an attempt, where that is an error of ours: it
            ends the stream, and is no outcome.
    """

    def __init__(
        self,
        caller: Caller,
        request: Request,
        *,
        timeouts: Timeouts,
        index: int = 0,
        number: int | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.request, self.index = request, index
        self._number = number
        self.attempts = 0
        self.lease: Lease | None = None
        self.leased: asyncio.Event | None = None
        self.made: Generation | None = None
        self.lineage: tuple[Request, ...] = ()
        self.misrecorded: VolcvError | None = None
        self._caller, self._timeouts, self._recorder = caller, timeouts, recorder
        self._deadline = time.monotonic() + (timeouts.deadline or math.inf)
        self._counted = self._refusals = self._drawn = self._rerolls = 0
        self._elsewhere = False  # whether another account is left for what its own refused
        self._off = False  # whether it is called off
        self._turn: asyncio.Timeout | None = None  # while it waits for its turn
        self._pausing: asyncio.Event | None = None  # what ends a pause, while there is one
        self._fresh: Request | None = None  # a reroll that has not gone out yet
        self._sending = Sending()
        self._last: VolcvError | None = None
        self._stays: str | None = None  # why it must not go out again, whatever else allows it
        self._perhaps_billed: list[VolcvError] = []  # what such attempts ended with
        self._spoken_for: VolcvError | None = None  # the error that speaks for one of them

    async def run(self) -> Generation:
        """See the request through.

        Raises:
            VolcvError: It ended without an image; ``request`` is set on it.
        """
        try:
            while True:
                body = encode(self._fresh or self.sent)
                lease = self._used_now() or await self._wait_for_turn()
                if self.leased is not None:
                    self.leased.set()
                error = await self._attempt(lease, body)
                if error is None:
                    return await self._in_hand(lease.transport)
                await self._prepare(error)
        except VolcvError as error:
            self._complete(error)
            raise
        finally:
            self._give_back()
            if self.leased is not None:
                self.leased.set()

    @property
    def sent(self) -> Request:
        """The request as it goes out now: after a reroll, with its fresh seed."""
        return self.lineage[-1] if self.lineage else self.request

    @property
    def in_hand(self) -> bool:
        """Whether the images are there, or are not wanted."""
        made = self.made
        if made is None:
            return False
        return not self._caller.download or all(image.data is not None for image in made.images)

    @property
    def _goes_first(self) -> bool:
        """Whether it goes before new work: it was out before, and is not refused each time.

        One that is would have every turn, and the others none.
        """
        return self.attempts > 0 and self._refusals < _REFUSED_EACH_TIME

    def call_off(self) -> None:
        """Let it wait no more: what went out is seen through, and nothing more goes out."""
        if self._turn is not None and not self._off:
            self._turn.reschedule(asyncio.get_running_loop().time())
        self._off = True
        if self._pausing is not None:
            self._pausing.set()

    def cut(self) -> VolcvError:
        """Say what is known of a call that was cut off: in doubt, not sent, or paid for."""
        self._give_back()
        if self.made is not None:
            return cut_off(self.made)
        if self._sending.begun:
            return UnknownOutcomeError(
                "The call was cut off while its reply was awaited.",
                help="The image may have been made and billed.",
            )
        last = self._last or NotSentError("The request was called off before it was sent.")
        return self._complete(last)

    def perhaps_billed(self, error: VolcvError | None) -> int:
        """Count the attempts that may have been billed beside the one that an ending speaks of."""
        if not self._perhaps_billed:
            return 0
        others = len(self._others(error))
        return others - (others > 0 and error is not None and error is self._spoken_for)

    def _others(self, error: VolcvError | None) -> list[VolcvError]:
        return [other for other in self._perhaps_billed if other is not error]

    def _complete(self, error: VolcvError) -> VolcvError:
        """Say whose error it is, and that an attempt before it may have been billed, if one was."""
        error.request = self.request
        if self._others(error) and error.billed == "no":
            error.billed, self._spoken_for = "unknown", error
        return error

    def _used_now(self) -> Lease | None:
        """Give the turn that was taken before, if one was; it is used now, unless called off."""
        if self._off:
            return None
        lease, self.lease = self.lease, None
        return lease

    def _give_back(self) -> None:
        """Give back a turn that is not used."""
        if self.lease is not None:
            self.lease.undo()
            self.lease = None

    async def _wait_for_turn(self) -> Lease:
        """Wait for a turn, up to the deadline."""
        patience = self._patience()
        if self._off or (patience is not None and patience <= 0):
            raise self._too_late()
        lease = self._caller.pool.lease_now(self.sent.req_key)
        if lease is not None:
            return lease
        try:
            async with asyncio.timeout(patience) as self._turn:
                return await self._caller.pool.lease(
                    self.sent, again=self._goes_first, number=self._number
                )
        except TimeoutError:
            pass
        finally:
            self._turn = None
        raise self._too_late()

    async def _attempt(self, lease: Lease, body: bytes) -> VolcvError | None:
        """Make one attempt and tell everybody how it ended; without an error, ``made`` is there."""
        self._sending = Sending(lease.departed)
        attempt, begun = self._next_attempt(lease), time.monotonic()
        error: VolcvError | None = None
        try:
            with lease:
                self._caller.teller.started(attempt)
                self.made = await self._send(lease.transport, attempt, body)
        except VolcvError as failure:
            error = failure
        except BaseException:
            self._tell(attempt, begun, self.cut())
            raise
        self._sending = Sending()
        self._elsewhere = lease.learn(error)
        self._tell(attempt, begun, error)
        if error is not None:
            await self._remember(attempt, error)
        elif self._recorder is not None:
            assert self.made is not None  # noqa: S101 - the attempt was answered
            await self._written(self._recorder.answered(attempt, self.made))
        return error

    async def _remember(self, attempt: Attempt, error: VolcvError) -> None:
        """Remember how an attempt ended without an image, and have it written down."""
        self._last = error
        self._perhaps_billed += [error] * retry.may_be_billed(error)
        if isinstance(self._recorder, Bookkeeper):
            self._stays = await self._written(self._recorder.ended(attempt, error))

    async def _written(self, writing: Awaitable[_T]) -> _T:
        try:
            return await writing
        except VolcvError as error:
            self.misrecorded = error
            raise

    def _next_attempt(self, lease: Lease) -> Attempt:
        self.attempts += 1
        if self._fresh is not None:
            self.lineage, self._fresh = (*self.lineage, self._fresh), None
        return Attempt(
            request=self.sent,
            index=self.index,
            number=self.attempts,
            account=lease.account,
            started=datetime.now(UTC),
        )

    async def _send(self, transport: Transport, attempt: Attempt, body: bytes) -> Generation:
        if self._recorder is not None:
            await self._recorder.sending(attempt)
        left = max(self._deadline - time.monotonic(), _SHORTEST)
        reply = await transport.post(body, self._sending, timeouts=self._timeouts, seconds=left)
        return self._read(reply, transport)

    def _read(self, reply: Reply, transport: Transport) -> Generation:
        """Decode a reply; one that no API gives, before any was ever answered, is a wrong URL."""
        try:
            made = decode(reply)
        except VolcvError as failure:
            error = failure
        else:
            request_id = transport.redact(made.request_id)
            told = request_id == made.request_id
            return made if told else attrs.evolve(made, request_id=request_id)
        treat(error, self._caller.retry.codes)
        if not self._caller.pool.ever_answered and _is_elsewhere(reply):
            error = _wrong_url(reply, transport.url)
        error.redact(transport.redact)
        if isinstance(error, DecodeError):
            error.excerpt = excerpt(reply, transport.redact)
        raise error

    def _tell(self, attempt: Attempt, begun: float, error: VolcvError | None) -> None:
        self._caller.teller.ended(attempt, time.monotonic() - begun, error)

    async def _prepare(self, error: VolcvError) -> None:
        """Make ready for another attempt, outside the slot; raise if there must be none."""
        if retry.reroll(error, self._caller.retry, self._rerolls):
            self._heed(error)
            self._rerolls += 1
            self._fresh = rerolled(self.request, self._rerolls)
        else:
            await self._pause(error)

    async def _pause(self, error: VolcvError) -> None:
        """Wait before the same goes out again; raise if it must not."""
        tally = self._tally(error)
        seconds = retry.pause(error, self._caller.retry, tally)
        patience = self._patience()
        if seconds is None:
            raise error
        if self._off or (patience is not None and seconds >= patience):
            raise self._too_late()
        self._heed(error)
        self._draw(retry.cost(error, tally), error)
        self._pausing = asyncio.Event()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pausing.wait(), seconds)

    def _heed(self, error: VolcvError) -> None:
        """Raise the error for good, where whoever keeps the books wants no repetition."""
        if self._stays is not None:
            error.message += f" It was not sent again: {self._stays}"
            raise error

    def _draw(self, cost: int, error: VolcvError) -> None:
        """Draw what a repetition costs, or raise the error for good."""
        if not self._caller.budget.draw(cost):
            error.message += (
                " It was not sent again: so many calls failed that the retry budget is empty; see "
                "RetryPolicy(budget=...)."
            )
            raise error
        self._drawn += cost

    def _tally(self, error: VolcvError) -> retry.Tally:
        """Count an attempt: refusals apart.

        What was not sent in an outage counts not at all, nor what goes on to another account.
        """
        excused = isinstance(error, NotSentError) and self._caller.pool.outage
        if retry.refused_for_pace(error):
            self._refusals += 1
            self._number = None if self._refusals >= _REFUSED_EACH_TIME else self._number
        elif not excused and not self._elsewhere:
            self._counted += 1
        return retry.Tally(
            counted=max(1, self._counted),
            refusals=max(1, self._refusals),
            excused=excused,
            elsewhere=self._elsewhere,
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
        """Make the error of a request that was called off, or that the deadline met waiting."""
        if self._off:
            return self.cut()
        deadline = f"the deadline of {self._timeouts.deadline:g} s"
        if self._last is not None:
            self._last.message += f" It was not sent again: {deadline} left no time for it."
            return self._last
        return NotSentError(
            f"The request did not have its turn before {deadline}.",
            help="Nothing was sent. Raise Timeouts(deadline=...), or ask for less at once.",
        )

    async def _in_hand(self, transport: Transport) -> Generation:
        """Give what was made, once its images are in hand, or are not wanted."""
        self._caller.budget.succeeded(self._drawn)
        made = self.made
        assert made is not None  # noqa: S101 - the attempt was answered
        if self.in_hand:
            return made
        with self._caller.downloads.counted():
            images = [await self._image(image, made, transport) for image in made.images]
        self.made = attrs.evolve(made, images=tuple(images))
        return self.made

    async def _image(self, image: Image, made: Generation, transport: Transport) -> Image:
        return await self._caller.downloads.fetch(
            image, transport, timeouts=self._timeouts, deadline=self._deadline, made=made
        )


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
