"""Outcomes on their way to the disk, by a few threads, whatever is cancelled around them.

An outcome goes from the loop to a thread, which writes its images and its rows; from there to the
journal; and back to the loop once all of it is on the disk. Those are three hops.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from anyio.abc import TaskGroup

from volcv_async.client import Client
from volcv_async.errors import VolcvWarning
from volcv_async.job import going_on
from volcv_async.job.books import Books, UnderWay
from volcv_async.job.fetching import fetch
from volcv_async.job.patience import see_through
from volcv_async.job.records import Entry
from volcv_async.job.rows import Row
from volcv_async.job.sink import Sink
from volcv_async.results import Outcome

WRITERS = 6
"""Threads that write; about six do best."""

OnRows = Callable[[Outcome, Sequence[Row]], None]
"""Gets an outcome that is written down, and the rows that it has become."""

_UNWRITTEN = 16
"""Outcomes that may wait to be written; each may hold some megabytes of image."""

_FETCHERS = 4
"""Images of earlier runs that are fetched at once: half of what a client fetches at once."""


class Writing:
    """Has outcomes written; made in the loop.

    Attributes:
        room: What may wait to be written; acquired by whoever gives an outcome, released here.
        stop: Called when something went wrong.
        error: What that was, the first time.
    """

    def __init__(
        self,
        client: Client,
        sink: Sink,
        books: Books,
        note: Callable[[Outcome], None],
        on_rows: OnRows | None = None,
    ) -> None:
        self._on_rows = on_rows
        self._client, self._sink, self._books, self._note = client, sink, books, note
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(WRITERS, "volcv writer")
        self._fetchers = asyncio.Semaphore(_FETCHERS)
        self._unsettled = 0
        self._settled: asyncio.Future[None] = self._loop.create_future()
        self._finishing = False
        self._warned = False
        self.room = asyncio.Semaphore(_UNWRITTEN)
        self.stop: Callable[[], None]
        self.error: BaseException | None = None

    def may_cost(self, outcome: Outcome) -> bool:
        """Tell whether an outcome must be written down though an error is raised in its place."""
        return self._books.may_cost(outcome)

    def write(self, outcome: Outcome) -> None:
        """Have an outcome of the stream written down."""
        under_way = self._books.close(outcome.index)
        known = going_on.in_light_of(under_way.entry, outcome, doubted=under_way.doubted)
        self._begin(known, under_way)

    async def fetch_rest(self, fetchers: TaskGroup) -> None:
        """Fetch beside the stream what an earlier run paid for."""
        for entry in await self._books.left_to_fetch():
            fetchers.start_soon(self._fetch, entry)

    async def _fetch(self, entry: Entry) -> None:
        async with self._fetchers:
            outcome = await fetch(self._client, entry)
            await self.room.acquire()
        self._begin(outcome, UnderWay(entry, trip=going_on.trip(entry)))

    async def finish(self) -> None:
        """Wait until all that was given is written down, or cannot be."""
        self._finishing = True
        self._end_if_settled()
        cancelled = await see_through(self._settled)
        self._threads.shutdown()
        if cancelled is not None:
            raise cancelled

    def _begin(self, outcome: Outcome, under_way: UnderWay) -> None:
        self._unsettled += 1
        self._threads.submit(self._keep, outcome, under_way)

    def _keep(self, outcome: Outcome, under_way: UnderWay) -> None:
        """Write an outcome that bears its number, and give it to the journal; in a thread."""
        try:
            earlier = going_on.earlier_ids(under_way.entry)
            kept, rows = self._sink.keep(outcome, under_way.trip, earlier, under_way.entry.columns)
            self._books.settle(kept, rows, partial(self._end, kept, rows))
        except BaseException as error:  # noqa: BLE001 - it ends the job
            self._loop.call_soon_threadsafe(self._fail, error)

    def _end(self, outcome: Outcome, rows: list[Row], error: BaseException | None) -> None:
        """Tell of an outcome that is on the disk, or of what went wrong."""
        if error is not None:
            self._fail(error)
            return
        try:
            self._warn_of_sizes(rows)
            if self._on_rows is not None:
                self._on_rows(outcome, rows)
            self._note(outcome)
        except BaseException as wrong:  # noqa: BLE001 - it ends the job
            self._fail(wrong)
            return
        self.room.release()
        self._settle_one()

    def _fail(self, error: BaseException) -> None:
        self.error = self.error or error
        self.stop()
        self._settle_one()

    def _settle_one(self) -> None:
        self._unsettled -= 1
        self._end_if_settled()

    def _end_if_settled(self) -> None:
        if self._finishing and not self._unsettled:
            self._settled.set_result(None)

    def _warn_of_sizes(self, rows: list[Row]) -> None:
        """Say once that an image is of another size than was asked for."""
        other = [row for row in rows if "size_asked_for" in row]
        if not other or self._warned:
            return
        self._warned = True
        row = other[0]
        asked, came = row["size_asked_for"], [row["width"], row["height"]]
        text = (
            f"{row['file_name']} is {came[0]} x {came[1]} pixels where {asked[0]} x {asked[1]} "
            "were asked for. It is kept as it came; rows of such images say size_asked_for."
        )
        # Where warnings are errors, this one is raised in the loop and not amid the books.
        asyncio.get_running_loop().call_soon(warnings.warn, text, VolcvWarning)
