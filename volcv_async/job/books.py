"""The books of a job: between the stream, which knows places, and the journal, which knows entries.

``due`` gives the stream what of the list is to go out, with the seeds that follow from what each
request is. As a ``Bookkeeper`` it has each attempt written down before its first byte leaves, each
payment before a download starts, and each refusal. ``settle`` writes down what became of a request
once that is on the disk.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar, cast

import attrs

from volcv_async.codec import encode
from volcv_async.errors import VolcvError
from volcv_async.events import Attempt
from volcv_async.job import going_on
from volcv_async.job.budget import Budget
from volcv_async.job.forecast import Latency, Took
from volcv_async.job.going_on import Wishes
from volcv_async.job.identity import identity
from volcv_async.job.journal import Journal, Told
from volcv_async.job.lists import BadRow, Item, Listed
from volcv_async.job.records import Entry, Records, Standing
from volcv_async.job.rows import NO_TRIP, Row, Trip
from volcv_async.models import Request
from volcv_async.models.seeds import with_seeds
from volcv_async.results import Completed, Generation, InDoubt, Outcome
from volcv_async.retry import may_be_billed

Seeds = Literal["list", "server"]
"""Where a seed comes from that the list leaves open: from what the request is, or the provider."""

T = TypeVar("T")

_ORDINAL_BYTES = 8
_LATENCY = "latency"


@attrs.define
class UnderWay:
    """A request that was pulled and is not settled yet.

    Attributes:
        entry: As it stood when it was pulled.
        doubted: Whether an attempt of it in this run may have been billed.
        trip: Its last attempt.
    """

    entry: Entry
    doubted: bool = False
    trip: Trip = NO_TRIP
    _left: float = 0.0  # by a clock that only goes forward

    def leaves(self, sent: datetime) -> None:
        """Note that an attempt goes out now."""
        self.trip, self._left = Trip(sent), time.monotonic()

    def is_back(self) -> float:
        """Note that its answer is there, or will not come; give the seconds that it took."""
        seconds = time.monotonic() - self._left
        self.trip = Trip(self.trip.sent, seconds)
        return seconds


class Books:
    """Keeps the journal of one run. A ``Bookkeeper`` for its stream."""

    def __init__(
        self,
        journal: Journal,
        wishes: Wishes,
        seeds: Seeds = "list",
        budget: Budget | None = None,
        on_bad_row: Callable[[BadRow], None] = lambda _: None,
    ) -> None:
        self._journal, self._wishes = journal, wishes
        self._budget = budget or Budget(None)
        self._on_bad_row = on_bad_row
        self._seeds: Seeds = seeds
        self._open: dict[int, UnderWay] = {}  # by place in the stream, as many as its window
        self._given = 0
        self._took = Took()  # those that gave an image
        self.kept: Counter[str] = Counter()

    async def due(self, requests: Iterable[Item] | AsyncIterable[Item]) -> AsyncGenerator[Request]:
        """Give the requests of a list that are to go out now, and count the others."""
        async with aclosing(each(requests)) as listed:
            async for request in listed:
                if isinstance(request, BadRow):
                    await self._set_aside(request)
                    continue
                seeded = await self._pull(request) if _is_one(request) else _unseen(request)
                if self._budget.reached:
                    await self._journal.look(Records.rest_stays_listed)
                    return
                if seeded is not None:
                    yield seeded
        await self._journal.look(Records.forget_others)

    async def _set_aside(self, bad: BadRow) -> None:
        await self._journal.look(partial(Records.set_aside, row=bad.row))
        self._on_bad_row(bad)

    async def _pull(self, request: Request | Listed) -> Request | None:
        """Enter a request of the list; give it as it goes out, or None if it stays."""
        entry, seeded = await self._journal.look(partial(enrol, request, self._seeds))
        if not going_on.is_due(entry, self._wishes):
            self.kept[entry.state] += 1
            return None
        if not await self._budget.allows(self._given):
            return None
        self._open[self._given] = UnderWay(entry)
        self._given += 1
        return seeded

    async def sending(self, attempt: Attempt) -> None:
        """Write down that an attempt goes out; it is on the disk when this returns."""
        under_way = self._open[attempt.index]
        await self._journal.do(
            partial(
                Records.sending,
                number=under_way.entry.number,
                attempts=under_way.entry.attempts + attempt.number,
                sent=attempt.started,
                account=attempt.account,
                request=encode(attempt.request).decode(),
            )
        )
        under_way.leaves(attempt.started)

    async def answered(self, attempt: Attempt, generation: Generation) -> None:
        """Write down that an image is paid for, and where it stands.

        That is on the disk when this returns, if something is yet to be downloaded.
        """
        self._budget.answered(attempt.index)
        under_way = self._open[attempt.index]
        self._took.add(under_way.is_back())
        paid = partial(
            Records.paid,
            number=under_way.entry.number,
            request_id=generation.request_id,
            images=[Standing(url=i.url, expires=i.expires) for i in generation.images],
        )
        if all(image.data is not None for image in generation.images):
            self._journal.post(paid)
        else:
            await self._journal.do(paid)

    async def ended(self, attempt: Attempt, error: VolcvError) -> str | None:
        """Write down that an attempt cost nothing, so that a crash leaves no doubt about it.

        Says why it must not be repeated, where the budget is used up.
        """
        under_way = self._open[attempt.index]
        under_way.is_back()
        if may_be_billed(error):
            under_way.doubted = True
        if not under_way.doubted:
            number = under_way.entry.number
            self._journal.post(partial(Records.repeatable, number=number))
        return self._budget.failed(attempt.index, error)

    def may_cost(self, outcome: Outcome) -> bool:
        """Tell whether a request that is not settled yet may have been billed, now or before."""
        under_way = self._open.get(outcome.index)
        earlier = under_way is not None and under_way.entry.billed != "no"
        return earlier or outcome.billed != "no"

    def close(self, place: int) -> UnderWay:
        """Give what is known of a request whose outcome came, by its place in the stream."""
        self._budget.over(place)
        return self._open.pop(place)

    def note_latency(self) -> None:
        """Have written down how long a call took, so that the next run can be foreseen."""
        took = self._took.latency
        if took is not None:
            value = json.dumps(attrs.asdict(took))
            self._journal.post(partial(Records.note, name=_LATENCY, value=value))

    async def left_to_fetch(self) -> list[Entry]:
        """Give what an earlier run paid for, and whose images still stand at a URL."""
        return await self._journal.look(Records.unfinished)

    def settle(self, outcome: Outcome, rows: Sequence[Row], told: Told) -> None:
        """Have written down what became of a request; any thread may.

        Args:
            outcome: What became of it; its ``index`` is its number in the folder.
            rows: What was written of it into the folder.
            told: Called in the loop once it is on the disk, or with what went wrong.
        """
        self._journal.post(partial(_settle, outcome, rows), told)


def latency(records: Records) -> Latency | None:
    """Tell how long calls took in the last run that made any; None before."""
    noted = records.noted(_LATENCY)
    return None if noted is None else Latency(**json.loads(noted))


def _is_one(request: object) -> bool:
    """Tell whether this is a request; what is none is the stream's to refuse."""
    return isinstance(request, Request | Listed)


def _unseen(request: object) -> Request:
    return cast("Request", request)


async def each(requests: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T]:
    """Give the items of either kind of source, and close one that can be closed."""
    if not isinstance(requests, AsyncIterable):
        for request in requests:
            yield request
        return
    source = aiter(requests)
    try:
        async for request in source:
            yield request
    finally:
        if isinstance(source, AsyncGenerator):
            await cast("AsyncGenerator[T]", source).aclose()


def enrol(listed: Request | Listed, seeds: Seeds, records: Records) -> tuple[Entry, Request]:
    """Find a request of the list in the journal, or add it; give it as it goes out, too."""
    request, columns = _parted(listed)
    key = identity(request)
    first = _seeded(request, seeds, key, 0)

    def as_it_goes(ordinal: int) -> Request:
        return _seeded(request, seeds, key, ordinal) if ordinal else first

    entry = records.enrol(
        key, type(request).__name__, lambda ordinal: encode(as_it_goes(ordinal)).decode()
    )
    if columns is not None and columns != entry.columns:
        records.describe(entry.number, columns)
        entry = attrs.evolve(entry, columns=columns)
    if isinstance(listed, Listed) and listed.corrected is not None:
        records.set_aside(listed.corrected, entry.number)
    return entry, as_it_goes(entry.ordinal)


def _parted(listed: Request | Listed) -> tuple[Request, Mapping[str, Any] | None]:
    return (listed, None) if isinstance(listed, Request) else (listed.request, listed.columns)


def _seeded(request: Request, seeds: Seeds, key: bytes, ordinal: int) -> Request:
    """Give a request as it goes out."""
    if seeds == "server":
        return request
    return with_seeds(request, key + ordinal.to_bytes(_ORDINAL_BYTES, "big"))


def _settle(outcome: Outcome, rows: Sequence[Row], records: Records) -> None:
    number = outcome.index
    if isinstance(outcome, Completed):
        records.done(number, rows)
        return
    row, request_id = rows[-1], outcome.error.request_id
    if isinstance(outcome, InDoubt):
        records.in_doubt(number, row, billed=outcome.billed, request_id=request_id)
    elif going_on.can_be_fetched(outcome.error, datetime.now(UTC)):
        records.stranded(number, row)
    else:
        again = going_on.may_pass_next_time(outcome)
        records.failed(
            number, row, billed=outcome.billed, again=again, request_id=request_id, images=rows[:-1]
        )
