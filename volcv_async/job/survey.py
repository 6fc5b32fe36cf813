"""How a list stands against a folder, before anything is sent: what is done, and what is to do.

``survey`` enters the list into the folder's journal, for a run to begin. ``look_ahead`` only looks,
with a copy of the journal, and leaves the folder as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from volcv_async.events import Learned
from volcv_async.job import database
from volcv_async.job.books import Seeds, enrol, latency
from volcv_async.job.forecast import Latency
from volcv_async.job.going_on import Wishes, is_due
from volcv_async.job.lessons import learned
from volcv_async.job.lists import BadRow, Item
from volcv_async.job.records import JOURNAL, Records
from volcv_async.job.recovery import recover, refuse_foreign, settle, write_failures
from volcv_async.models import Request

_TO_DO, _BAD = "to_do", "bad"
_AT_ONCE = 5000  # requests entered in one transaction, which all lie in its log at first


@attrs.frozen(kw_only=True)
class Survey:
    """How the requests of a list stand.

    Attributes:
        to_do: Those that the next run sends.
        to_fetch: Those that are paid for, and whose images the next run fetches.
        done: Those whose images are there.
        failed: Those that were refused, or failed and may have been billed.
        in_doubt: Those that may have been made and billed.
        bad: Rows that are no requests.
    """

    to_do: int = 0
    to_fetch: int = 0
    done: int = 0
    failed: int = 0
    in_doubt: int = 0
    bad: int = 0

    @property
    def total(self) -> int:
        """The length of the list."""
        return self.to_do + self.before + self.bad

    @property
    def before(self) -> int:
        """Those that an earlier run has left."""
        return self.to_fetch + self.done + self.failed + self.in_doubt

    @property
    def goes_on(self) -> bool:
        """Whether an earlier run has left anything."""
        return self.before > 0

    def line(self) -> str:
        """Say it in one line: ``412 done, 3 in doubt, 88 to do``."""
        parts = {
            "done": self.done,
            "to fetch": self.to_fetch,
            "failed": self.failed,
            "in doubt": self.in_doubt,
            "bad": self.bad,
        }
        said = [f"{number:,} {word}" for word, number in parts.items() if number]
        return ", ".join([*said, f"{self.to_do:,} to do"])


def survey(out: Path, requests: Iterable[Item], *, wishes: Wishes, seeds: Seeds = "list") -> Survey:
    """Enter a whole list into the journal of a folder, and say how it stands. This blocks.

    Raises:
        ConfigurationError: The folder is in use by another run, or holds what is not a job's.
        InvalidRequestError: The list cannot be read.
        OSError: The journal cannot be written.
    """
    refuse_foreign(out)
    with Records(out) as records:
        recover(out, records)
        counts = Counter(standing for standing, _ in _each(records, requests, wishes, seeds))
        records.commit()
        write_failures(out, records)
        return Survey(**counts)


@attrs.frozen(kw_only=True)
class Outlook:
    """What a run would begin with.

    Attributes:
        survey: How the list stands.
        first: The first request that would go out, as it would; None if there is none.
        learned: What refusals have taught earlier runs in this folder.
        latency: How long calls took in the last of them; None where nothing is known.
    """

    survey: Survey
    first: Request | None
    learned: tuple[Learned, ...]
    latency: Latency | None


def look_ahead(
    out: Path, requests: Iterable[Item], *, wishes: Wishes, seeds: Seeds = "list"
) -> Outlook:
    """Say what a run would begin with, and leave the folder as it is. This blocks.

    Raises:
        ConfigurationError: The folder holds what is not a job's.
        InvalidRequestError: The list cannot be read.
        OSError: The journal cannot be read, or not be copied to where temporary files lie.
    """
    refuse_foreign(out)
    counts: Counter[str] = Counter()
    first: Request | None = None
    with TemporaryDirectory(prefix="volcv-") as apart:
        if (out / JOURNAL).exists():
            database.copy(out / JOURNAL, Path(apart) / JOURNAL)
        with Records(Path(apart), fsync=False) as records:
            settle(out, records)
            for standing, as_it_goes in _each(records, requests, wishes, seeds):
                counts[standing] += 1
                if first is None and standing == _TO_DO:
                    first = as_it_goes
            return Outlook(
                survey=Survey(**counts),
                first=first,
                learned=learned(records),
                latency=latency(records),
            )


def _each(
    records: Records, requests: Iterable[Item], wishes: Wishes, seeds: Seeds
) -> Iterator[tuple[str, Request | None]]:
    """Enter each request of a list; say how it stands, and give it as it goes out."""
    for place, request in enumerate(requests, start=1):
        if isinstance(request, BadRow):
            records.set_aside(request.row)
            yield _BAD, None
        else:
            entry, as_it_goes = enrol(request, seeds, records)
            yield _TO_DO if is_due(entry, wishes) else _WORDS[entry.state], as_it_goes
        if place % _AT_ONCE == 0:
            records.commit()
    records.forget_others()


_WORDS = {"done": "done", "failed": "failed", "in doubt": "in_doubt", "paid": "to_fetch"}
