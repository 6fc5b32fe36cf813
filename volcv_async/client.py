"""The front door: one call, many calls, and what they have come to so far. Thin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import attrs

from volcv_async.bottleneck import Cause, total
from volcv_async.call import Call, Caller
from volcv_async.config import Account, Limits, RetryPolicy, Timeouts, from_environment
from volcv_async.errors import ConfigurationError, DownloadError, VolcvError
from volcv_async.events import (
    Learned,
    OnEvent,
    Recorder,
    Statistics,
)
from volcv_async.models import Request
from volcv_async.pool import SessionPool
from volcv_async.results import Generation, Image, Outcome
from volcv_async.stream import OutcomeStream
from volcv_async.telling import Teller

_NO_LIMITS = Limits()


class Client:
    """Volcengine's CV text-to-image API, asynchronously, inside the limits of your accounts.

    It is made anywhere, also outside a running loop, and used as an async context manager. It may
    be entered again after it was left, on another loop too, and by several tasks at once: the
    sessions are opened by the first and closed by the last.

    Args:
        accounts: One account, several, or None to read ``VOLCV_BASE_URL`` and ``VOLCV_API_KEY``
            when the client is first entered.
        limits: The limits of the accounts that state none.
        timeouts: How long to wait, in seconds; None: ``Timeouts()``.
        retry: When a request goes out again; None: ``RetryPolicy()``.
        reuse_connections: Send paid calls on kept-alive connections. Faster by two round trips,
            and less safe: a stale connection leaves a paid call in doubt.
        download: Fetch images that the reply gives as URLs; without, ``Image.data`` is None.
        on_event: A plain function that gets each event. What it raises ends the streams that are
            open as itself; without one it goes to the loop's exception handler.

    Raises:
        ConfigurationError: The accounts do not go together, or there is none; on entering, if
            they are read from the environment, or if a limit is shared and the extra for that is
            not installed.
    """

    def __init__(
        self,
        accounts: Account | Iterable[Account] | None = None,
        *,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        reuse_connections: bool = False,
        download: bool = True,
        on_event: OnEvent | None = None,
    ) -> None:
        given = [accounts] if isinstance(accounts, Account) else accounts
        self._limits = limits or _NO_LIMITS
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._reuse_connections, self._download = reuse_connections, download
        self._teller = Teller(on_event, self._hook_failed)
        self._pool: SessionPool | None = None
        self._caller: Caller | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._entered = 0
        self._streams: set[OutcomeStream] = set()
        self._waited: dict[Cause, float] = {}  # by streams that were left
        if given is not None:
            self._pool = self._make_pool(list(given))

    def __repr__(self) -> str:
        state = "not entered yet" if self._pool is None else self._pool.line(self.statistics())
        return f"<Client {state}>"

    @property
    def timeouts(self) -> Timeouts:
        """How long this client waits, in seconds, where a call does not say otherwise."""
        return self._timeouts

    @property
    def retry(self) -> RetryPolicy:
        """When this client sends a request again."""
        return self._retry

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self._pool is not None and self._loop is not None and self._loop.is_closed():
            self._pool.forget()
            self._forget()
        if self._loop not in {None, loop}:
            raise ConfigurationError(
                "The client is in use on another event loop.",
                help="Leave it there first, or make a client for each loop.",
            )
        while self._closing is not None:
            await self._closing.wait()
        if not self._entered:
            self._open(loop)
        self._entered += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the client: streams are left, calls under way are awaited, sessions closed."""
        self._entered -= 1
        if self._entered or self._pool is None:
            return
        caller = self._ready()
        self._caller = None
        self._closing = asyncio.Event()
        try:
            # Each is left whatever the others raise: the streams first, the sessions last.
            async with AsyncExitStack() as leaving:
                leaving.push_async_callback(self._pool.close)
                leaving.push_async_callback(caller.downloads.over)
                for stream in self._streams:
                    leaving.push_async_callback(stream.aclose)
        finally:
            self._closing.set()
            self._forget()

    def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._pool is None:
            self._pool = self._make_pool([from_environment()])
        self._pool.open()
        self._loop = loop
        self._caller = Caller(
            pool=self._pool,
            retry=self._retry,
            download=self._download,
            teller=self._teller,
            waited=self._waited,
        )

    def _forget(self) -> None:
        """Forget what belonged to a loop."""
        self._loop = self._caller = self._closing = None
        self._entered = 0
        self._streams.clear()

    async def generate(self, request: Request, *, timeouts: Timeouts | None = None) -> Generation:
        """Make one call and give what came of it.

        Cancelling it cuts the call off at once: nobody is left to receive the image. It is then
        in doubt, in ``statistics()`` and ``on_event``; to let it finish, shield it.

        Args:
            request: What to ask for.
            timeouts: How long to wait, in seconds, where it differs from the client's.

        Raises:
            VolcvError: The request ended without an image; which class says why, its text what
                to do. ``billed`` says whether it was charged for.
            TypeError: It is no request.
        """
        _check(request)
        return await Call(self._ready(), request, timeouts=timeouts or self._timeouts).run()

    def stream(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        drain: float = 30.0,
        timeouts: Timeouts | None = None,
        recorder: Recorder | None = None,
        give_up: float | None = None,
    ) -> OutcomeStream:
        """Make many calls and give their outcomes as they finish.

        A request is pulled from the source only when it can go out. An asynchronous generator is
        closed in the end. A source that blocks (a file on a slow disk, a database) belongs in a
        thread or in an asynchronous iterator: it would hold up every call in flight.

        Args:
            requests: What to ask for; any iterable or asynchronous iterable, endless ones too.
            concurrency: The window, from 1: requests pulled, in flight, and finished but not taken
                are together never more. By default the slots of all accounts together, twice that
                when ordered.
            ordered: Give outcomes in the order of the source.
            drain: How long calls in flight may take to finish when the block is left, in seconds.
            timeouts: How long to wait, in seconds, where it differs from the client's.
            recorder: Who writes down each attempt before it goes out, and each image before it is
                fetched; a ``Bookkeeper`` hears of every other ending, too.
            give_up: Seconds of one outage, above 0, after which the stream ends with
                ``NotSentError``; calls that wait are called off, those in flight finish, and all
                outcomes are given before. None: never.

        Raises:
            ConfigurationError: The client is not entered, or a number makes no sense.
        """
        caller = self._ready()
        wrong_window = concurrency is not None and concurrency < 1
        if wrong_window or not drain >= 0 or not (give_up is None or give_up > 0):
            raise ConfigurationError(
                f"stream(concurrency={concurrency!r}, drain={drain!r}, give_up={give_up!r}) "
                "makes no sense.",
                help="concurrency is a whole number from 1; drain is seconds, from 0; give_up is "
                "seconds, above 0.",
            )
        return OutcomeStream(
            caller,
            requests,
            window=concurrency or caller.pool.slots * (2 if ordered else 1),
            ordered=ordered,
            drain=drain,
            timeouts=timeouts or self._timeouts,
            recorder=recorder,
            give_up=give_up,
            registry=self._streams,
        )

    async def generate_many(
        self,
        requests: Iterable[Request] | AsyncIterable[Request],
        *,
        concurrency: int | None = None,
    ) -> list[Outcome]:
        """Make a handful of calls and give all outcomes, in the order of the requests.

        Args:
            requests: What to ask for.
            concurrency: The window, from 1, as for ``stream``.

        Raises:
            VolcvError: No other request can do better (wrong key, path or set-up); what had
                finished is in its ``outcomes``.
            ConfigurationError: The client is not entered, or ``concurrency`` makes no sense.
            TypeError: One of a sequence is no request; nothing was sent.
        """
        if isinstance(requests, Sequence):
            for request in requests:
                _check(request)
        finished: list[Outcome] = []
        async with self.stream(requests, concurrency=concurrency) as outcomes:
            try:
                async for outcome in outcomes:
                    finished.append(outcome)  # noqa: PERF401 - what came before an error is kept
            except VolcvError as error:
                error.outcomes = finished
                raise
        return sorted(finished, key=lambda outcome: outcome.index)

    async def download(self, image: Image) -> Image:
        """Fetch an image that stands at a URL: one that was not downloaded, or not in time.

        It costs nothing, and is tried again and again until the URL expires; where its expiry is
        not known, for as long as an attempt may take. One that is there already is given back.

        Args:
            image: What to fetch; ``Image(url=..., expires=...)`` will do.

        Raises:
            DownloadError: It could not be fetched in time, or cannot be at all.
            BrokenImageError: What came is no whole picture; the bytes are in its ``data``.
            ConfigurationError: The client is not entered.
        """
        caller = self._ready()
        if image.data is None and image.url is None:
            raise DownloadError("The image stands nowhere.", help="Give Image(url=...).")
        with caller.downloads.counted():
            return await caller.downloads.fetch(
                image, caller.pool.transport, timeouts=self._timeouts
            )

    def statistics(self) -> Statistics:
        """Count what the client has come to since it was made, and tell how it stands now."""
        if self._pool is None:
            return self._teller.counts
        now = self._pool.complete(self._teller.counts)
        streams = [stream.limited_by for stream in self._streams]
        limited_by = next((cause for cause in streams if cause is not None), now.limited_by)
        waited = [self._waited, *(stream.statistics().waited for stream in self._streams)]
        return attrs.evolve(now, limited_by=limited_by, waited=total(waited))

    def recall(self, learned: Iterable[Learned]) -> None:
        """Begin with what ``statistics().learned`` said in an earlier run, and so not blind.

        It goes for accounts of the same name with ``Limits(adaptive=True)``, for models of which
        nothing is learned yet. What is stated binds all the same, and it is learned further.

        Raises:
            ConfigurationError: The client's accounts are in the environment and not read yet:
                enter it first.
        """
        if self._pool is None:
            self._ready()
        else:
            self._pool.recall(learned)

    def _ready(self) -> Caller:
        if self._caller is None:
            raise ConfigurationError(
                "The client is not entered.", help="Write: async with Client(...) as client: ..."
            )
        return self._caller

    def _make_pool(self, accounts: Sequence[Account]) -> SessionPool:
        return SessionPool(
            accounts,
            limits=self._limits,
            retry=self._retry,
            reuse_connections=self._reuse_connections,
            emit=self._teller.tell,
        )

    def _hook_failed(self, error: Exception) -> None:
        """Raise what a hook raised where somebody sees it and no paid call is lost."""
        for stream in self._streams:
            stream.fail(error)
        if not self._streams:
            about = {"message": "on_event raised", "exception": error}
            asyncio.get_running_loop().call_exception_handler(about)


def _check(request: object) -> None:
    if not isinstance(request, Request):
        raise TypeError(f"{request!r} is no request, such as GeneralV21(prompt=...).")
