"""What refusals taught, from run to run, so that the next one does not begin blind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from functools import partial

import attrs

from volcv_async.client import Client
from volcv_async.events import Learned
from volcv_async.job.journal import Journal
from volcv_async.job.records import Records

_NAME = "learned"
_SELDOM = 5.0  # seconds between two times that it is written down, so that a kill loses little


class Lessons:
    """Reads what was learned at the start of a run, and writes it down now and then."""

    def __init__(
        self, client: Client, journal: Journal, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._journal, self._clock = client, journal, clock
        self._written: Sequence[Learned] = ()
        self._when = clock()

    async def recall(self) -> None:
        """Have the client begin with what an earlier run has learned."""
        self._client.recall(await self._journal.look(learned))

    def write_now_and_then(self) -> None:
        """Write down what is learned, if it was long ago."""
        if self._clock() - self._when >= _SELDOM:
            self.write()

    def write(self) -> None:
        """Write down what is learned, if it is new."""
        self._when = self._clock()
        learned = self._client.statistics().learned
        if learned != self._written:
            self._written = learned
            noted = json.dumps([attrs.asdict(lesson) for lesson in learned])
            self._journal.post(partial(Records.note, name=_NAME, value=noted))


def learned(records: Records) -> tuple[Learned, ...]:
    """Give what refusals have taught earlier runs."""
    noted = records.noted(_NAME)
    return tuple(Learned(**lesson) for lesson in json.loads(noted or "[]"))
