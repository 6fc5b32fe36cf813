"""Many calls: a window of them in flight, back-pressure, order, and an orderly end.

    source ─ feed ▶ call, call, call … (at most a window) ─ settle ▶ ready ─ __anext__ ▶ consumer

The calls live under one task of the stream's own, never under the consumer's: it is signalled and
awaited when the block is left, so nothing that happens to the consumer reaches a call that is being
paid for. No cancel scope spans entering and leaving, so the two may happen in different tasks.

A place in the window is taken before a request is pulled, and given back when its outcome is taken;
a request is pulled when a call that came now could leave at once. So a consumer that stops, stops
the spending. The first cancellation stops the pulling and lets the calls in flight finish; the
second cuts them off.

All the while ``waits`` adds up what the feeding waits for, and so what limits the stream.

A stream that gives up on an outage ends by itself: nothing more is pulled, calls that wait are
called off, what is in flight finishes, and then an error is raised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self, cast

import anyio
import attrs
from anyio.abc import TaskGroup

from volcv_async import retry
from volcv_async.bottleneck import Cause, most, total
from volcv_async.call import Call, Caller
from volcv_async.carriers import Carriers
from volcv_async.config import Timeouts
from volcv_async.errors import NotSentError, VolcvError
from volcv_async.events import Recorder
from volcv_async.models import Request
from volcv_async.results import Completed, Failed, InDoubt, Outcome
from volcv_async.waits import Waits
from volcv_async.window import Ready, Window

_CANCELLATIONS_TO_CUT = 2
_MINUTES = 120  # seconds from which on a time is said in minutes
_ROW = 0.001  # seconds for which calls are begun in a row, without letting anything else run
_TELLING = 0.001  # seconds that a source takes from which on it is waited for
_END = object()  # what a source gives that has no more


@attrs.frozen(kw_only=True)
class StreamStatistics:
    """Counts of one stream.

    Attributes:
        pulled: Requests taken from the source.
        in_flight: Requests pulled and not yet finished, waiting for their turn included.
        ready: Outcomes finished and not yet taken.
        taken: Outcomes given to the consumer.
        completed: Requests that ended with an image.
        failed: Requests that ended without, for a known reason.
        in_doubt: Requests that may have been billed without our knowing.
        waited: Seconds spent on waiting, by what was waited for; what is over in no time at all
            is left out.
    """

    pulled: int = 0
    in_flight: int = 0
    ready: int = 0
    taken: int = 0
    completed: int = 0
    failed: int = 0
    in_doubt: int = 0
    waited: Mapping[Cause, float] = attrs.field(factory=dict[Cause, float])

    @property
    def limited_by(self) -> Cause | None:
        """What most time was spent on waiting for."""
        return most(self.waited)


class OutcomeStream:
    """The outcomes of many requests, as they finish. Made by ``Client.stream``.

    Enter it, iterate over it, leave it at any time::

        async with client.stream(requests) as outcomes:
            async for outcome in outcomes: ...

    Attributes:
        leftover: After leaving: what had finished, or finished while the block was being left, and
            was not taken.
    """

    def __init__(
        self,
        caller: Caller,
        source: Iterable[Request] | AsyncIterable[Request],
        *,
        window: int,
        ordered: bool,
        drain: float,
        timeouts: Timeouts,
        recorder: Recorder | None,
        give_up: float | None,
        registry: set[OutcomeStream],
    ) -> None:
        self.leftover: list[Outcome] = []
        self._caller, self._timeouts, self._recorder = caller, timeouts, recorder
        self._source = _iterator(source)
        self._at_once = not isinstance(self._source, AsyncIterator)
        self._window = Window(window)
        self._drain, self._give_up = drain, give_up
        self._registry = registry
        self._ready = Ready(ordered=ordered)
        self._carriers = Carriers(self._see_through)
        self._supervisor: asyncio.Task[None] | None = None
        self._cutters: list[Callable[[], object]] = []  # what cuts the stream's own task off
        self._under_way: set[Call] = set()
        self._feeding = False
        self._model: str | None = None  # of the latest request: the next is likely for the same
        self._waits = Waits(caller.pool.waited, self._held_up_by)
        self._error: BaseException | None = None
        self._fatal: list[Outcome] = []  # the outcome in whose place an error is raised
        self._counts = _Counts()

    def __repr__(self) -> str:
        now = self.statistics()
        state = f"in flight {now.in_flight} | ready {now.ready} | taken {now.taken}"
        return f"<OutcomeStream pulled {now.pulled} | {state}>"

    @property
    def raised(self) -> Sequence[Outcome]:
        """The outcome in whose place an error was raised, if one was; it is given nowhere else."""
        return [] if self._fatal and self._fatal[0] in self.leftover else self._fatal

    def statistics(self) -> StreamStatistics:
        """Count what the stream has come to so far."""
        counts = self._counts
        finished = counts.completed + counts.failed + counts.in_doubt
        return StreamStatistics(
            pulled=counts.pulled,
            in_flight=counts.pulled - finished,
            ready=finished - counts.taken,
            taken=counts.taken,
            completed=counts.completed,
            failed=counts.failed,
            in_doubt=counts.in_doubt,
            waited=self._waits.total,
        )

    @property
    def limited_by(self) -> Cause | None:
        """What limits it of late; None where nothing is waited for."""
        return self._waits.lately

    def consumer_at_work(self) -> AbstractContextManager[None]:
        """Count what is done meanwhile, without awaiting anything, as the consumer's."""
        return self._waits.blocked_by_consumer()

    def consumer_waits_for(self, cause: Cause) -> AbstractContextManager[None]:
        """Say why the consumer takes no outcomes meanwhile, such as ``"disk"``."""
        return self._waits.for_consumer(cause)

    async def __aenter__(self) -> Self:
        if self._supervisor is not None:
            raise RuntimeError("A stream can be entered once; call client.stream(...) again.")
        self._registry.add(self)
        self._feeding = True
        self._supervisor = asyncio.create_task(self._supervise(), name="volcv stream")
        self._cutters.append(self._supervisor.cancel)
        self._supervisor.add_done_callback(lambda _: self._ready.end())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._finish(cancelled=isinstance(error, asyncio.CancelledError))
        finally:
            unseen, self._error = self._error, None
            if isinstance(unseen, VolcvError):
                self.leftover += self._fatal
        if unseen is None or isinstance(unseen, VolcvError):
            return
        if error is None:
            raise unseen
        error.add_note(f"While the stream was being left, {unseen!r} was raised in it, too.")

    async def aclose(self) -> None:
        """Leave the stream, as the end of its block does; one that was not entered has no end."""
        if self._supervisor is not None:
            await self.__aexit__(None, None, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        """Wait for the next outcome.

        Raises:
            VolcvError: No other request can do better (wrong key, path or set-up), or the stream
                gave up on an outage; what was in flight was given before.
            Exception: What the source, a hook or a recorder raised, as itself.
        """
        if self._supervisor is None:
            raise RuntimeError("Enter the stream first: async with client.stream(...) as outcomes")
        outcome = await self._ready.take()
        if outcome is not None:
            self._window.release()
            self._counts.taken += 1
            self._waits.window_changed()
            return outcome
        error, self._error = self._error, None
        if error is not None:
            raise error
        raise StopAsyncIteration

    def fail(self, error: BaseException) -> None:
        """Stop pulling; when what is in flight is delivered, raise this."""
        if self._error is None:
            self._error = error
        self._stop_feeding()

    # Leaving

    async def _finish(self, *, cancelled: bool) -> None:
        """Stop pulling, wait for what is in flight, and collect it; cut it off if need be."""
        supervisor = self._supervisor
        assert supervisor is not None  # noqa: S101 - it was entered
        self._stop_feeding()
        self._call_off()
        try:
            # Shielded from anyio's cancel scopes, which would cancel again and again; the loop's
            # own cancellations come through and are counted.
            with anyio.CancelScope(shield=True):
                await _patiently(supervisor, self._cut, self._drain, 1 if cancelled else 0)
        finally:
            if self in self._registry:
                self._registry.discard(self)
                self._caller.waited.update(total([self._caller.waited, self._waits.total]))
            self.leftover += self._ready.rest()
            self._waits.window_changed()
        if not supervisor.cancelled():
            supervisor.result()

    def _cut(self) -> None:
        """Cut off what is in flight, and a source that takes its time to close."""
        for cancel in self._cutters:
            cancel()

    def _stop_feeding(self) -> None:
        if self._feeding and self._supervisor is not None:
            self._feeding = False
            self._supervisor.cancel()

    # The stream's own task

    async def _supervise(self) -> None:
        async with anyio.create_task_group() as watch:
            if self._give_up is not None:
                watch.start_soon(self._give_up_after, self._give_up)
            try:
                await self._carry_all()
            finally:
                for call in [*self._under_way]:  # its task was cancelled before it began
                    self._under_way.discard(call)
                    self._end_cut(call)
            watch.cancel_scope.cancel()

    async def _carry_all(self) -> None:
        async with anyio.create_task_group() as calls:
            self._cutters.append(calls.cancel_scope.cancel)
            await self._feed_until_stopped(calls)
            self._carriers.dismiss()
            self._waits.watch_window()
            await self._close_source()

    async def _give_up_after(self, seconds: float) -> None:
        """When an outage has lasted so long, end the stream, and call off whoever waits."""
        await self._caller.pool.outlasted(seconds)
        self.fail(_given_up(seconds))
        self._call_off()

    def _call_off(self) -> None:
        """Let nothing more go out: what waits, for its turn or to be repeated, ends."""
        for call in self._under_way:
            call.call_off()

    async def _feed_until_stopped(self, calls: TaskGroup) -> None:
        """Feed until the source ends, somebody stops it, or it fails."""
        try:
            await self._feed(calls)
        except asyncio.CancelledError:
            if self._feeding:  # not by us
                self._error = RuntimeError("The stream's own task was cancelled from outside.")
                raise
        except Exception as error:  # noqa: BLE001 - it is raised to the consumer, as itself
            self._error = self._error or error
        finally:
            stopped, self._feeding = not self._feeding, False
            if stopped:
                _uncancel()

    async def _feed(self, calls: TaskGroup) -> None:
        """Pull a request whenever one could leave at once, and let it go; now and then, all else.

        What was let go leaves only then, so the turns must not be older.
        """
        while True:
            until = time.monotonic() + _ROW
            while time.monotonic() < until:
                if not self._window.take_now():
                    with self._waits.for_window():
                        await self._window.take()
                    until = time.monotonic() + _ROW
                call = await self._next_call()
                if call is None:
                    return
                await self._start(call, calls)
            await asyncio.sleep(0)

    async def _next_call(self) -> Call | None:
        """Pull a request once a call that came now could leave at once; None at the end."""
        number = self._caller.pool.vacant(self._model)
        if number is None:
            with self._waits.for_turn():
                number = await self._caller.pool.vacancy(self._model)
        request = self._pulled_at_once() if self._at_once else await self._pull()
        return None if request is _END else self._call(request, number)

    def _pulled_at_once(self) -> object:
        began = time.monotonic()
        request = next(cast("Iterator[object]", self._source), _END)
        if (took := time.monotonic() - began) > _TELLING:
            self._waits.add("source", took)
        return request

    async def _pull(self) -> object:
        with self._waits.for_("source"):
            try:
                return await anext(cast("AsyncIterator[object]", self._source))
            except StopAsyncIteration:
                return _END

    def _call(self, request: object, number: int) -> Call:
        index = self._counts.pulled
        if not isinstance(request, Request):
            raise TypeError(
                f"The source gave {type(request).__name__!r} in place {index}, and a stream takes "
                "requests, such as GeneralV21(prompt=...)."
            )
        self._counts.pulled += 1
        self._model = request.req_key
        return Call(
            self._caller,
            request,
            timeouts=self._timeouts,
            index=index,
            number=number,
            recorder=self._recorder,
        )

    async def _start(self, call: Call, calls: TaskGroup) -> None:
        """Let a call go, unless its source gave it when it was told to stop; wait for its turn."""
        if not self._feeding:
            self._settle(call, _outcome(call, call.cut()))
            raise asyncio.CancelledError
        self._under_way.add(call)
        call.lease = self._caller.pool.lease_now(call.request.req_key)
        if call.lease is not None:
            self._carriers.carry(call, calls)
            return
        call.leased = asyncio.Event()
        self._carriers.carry(call, calls)
        with self._waits.for_turn():
            await call.leased.wait()

    async def _close_source(self) -> None:
        source = self._source
        if isinstance(source, AsyncGenerator):
            try:
                await cast("AsyncGenerator[object, None]", source).aclose()
            except Exception as error:  # noqa: BLE001 - it is raised to the consumer, as itself
                self.fail(error)

    async def _see_through(self, call: Call) -> None:
        """See one call through; whatever happens to it, it ends as one outcome."""
        try:
            await call.run()
            self._settle(call, _outcome(call, None))
        except VolcvError as error:
            if error is call.misrecorded:
                self._end_as_itself(call, error)
            else:
                self._end_badly(call, error)
        except asyncio.CancelledError:
            self._end_cut(call)
            raise
        except Exception as error:  # noqa: BLE001 - it is raised to the consumer, as itself
            self._end_as_itself(call, error)
        finally:
            self._under_way.discard(call)
            self._waits.window_changed()

    def _end_cut(self, call: Call) -> None:
        """Say what is known of a call that was cut off, and give what is in hand."""
        if call.in_hand:
            self._settle(call, _outcome(call, None))
        else:
            self._end_badly(call, call.cut())

    def _end_as_itself(self, call: Call, error: Exception) -> None:
        """Raise what is no outcome, such as a recorder's error, and give what is in hand."""
        self.fail(error)
        self._settle(call, _outcome(call, None if call.in_hand else call.cut()))

    def _end_badly(self, call: Call, error: VolcvError) -> None:
        error.index, error.request = call.index, call.request
        pool = self._caller.pool
        works = pool.ever_answered or pool.may_yet_answer
        fatal = retry.stops_everything(error, ever_answered=works)
        if fatal and self._error is None:
            self.fail(error)
            self._fatal = [_outcome(call, error)]
            self._settle(call, None)
        else:
            self._settle(call, _outcome(call, error))

    def _settle(self, call: Call, outcome: Outcome | None) -> None:
        """Hand an outcome over; None where an error is raised in its place."""
        match outcome:
            case Completed():
                self._counts.completed += 1
            case InDoubt():
                self._counts.in_doubt += 1
            case _:
                self._counts.failed += 1
                self._counts.taken += outcome is None
        self._ready.put(call.index, outcome)

    def _held_up_by(self) -> Cause | None:
        """Tell why no more is pulled: what is ready is not taken, or all is under way."""
        if self._ready.available:
            return self._waits.consumer
        if self._feeding:
            return "concurrency"
        return "latency" if self._under_way else None


@attrs.define
class _Counts:
    """What a stream has come to so far; see ``StreamStatistics``."""

    pulled: int = 0
    taken: int = 0
    completed: int = 0
    failed: int = 0
    in_doubt: int = 0


async def _patiently(
    task: asyncio.Task[None], cut: Callable[[], None], drain: float, cancelled: int
) -> None:
    """Wait for a task; after so many seconds, or on the second cancellation, cut it off."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + drain
    pending: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task}, timeout=max(0.0, ends - loop.time()))
        except asyncio.CancelledError as cancellation:
            cancelled, pending = cancelled + 1, cancellation
        if cancelled >= _CANCELLATIONS_TO_CUT or loop.time() >= ends:
            cut()
            ends = float("inf")
    if pending is not None:
        raise pending


def _uncancel() -> None:
    """Take back the cancellation by which feeding was stopped."""
    _this_task().uncancel()


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it runs in one
    return task


def _given_up(seconds: float) -> NotSentError:
    long = f"{seconds / 60:.0f} min" if seconds >= _MINUTES else f"{seconds:g} s"
    return NotSentError(
        f"No readable answer for {long}, so the stream gave up.",
        help="What was not sent was not billed; send it again when the provider answers. "
        "To wait longer, raise give_up, or leave it out to wait without end.",
    )


def _iterator(
    source: Iterable[Request] | AsyncIterable[Request],
) -> Iterator[Request] | AsyncIterator[Request]:
    if isinstance(source, AsyncIterable):
        return aiter(source)
    return iter(source)


def _outcome(call: Call, error: VolcvError | None) -> Outcome:
    if error is None:
        assert call.made is not None  # noqa: S101 - a call without an error was answered
        return Completed(
            index=call.index,
            request=call.request,
            attempts=call.attempts,
            lineage=call.lineage,
            perhaps_billed=call.perhaps_billed(None),
            generation=call.made,
        )
    kind = InDoubt if error.ending == "in doubt" else Failed
    return kind(
        index=call.index,
        request=call.request,
        attempts=call.attempts,
        lineage=call.lineage,
        perhaps_billed=call.perhaps_billed(error),
        error=error,
    )
