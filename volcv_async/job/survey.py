"""How a list stands against a folder, before anything is sent: what is done, and what is to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import attrs

from volcv_async.job.books import Seeds, enrol
from volcv_async.job.going_on import Wishes, is_due
from volcv_async.job.records import Records
from volcv_async.job.recovery import recover, refuse_foreign
from volcv_async.models import Request

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
    """

    to_do: int = 0
    to_fetch: int = 0
    done: int = 0
    failed: int = 0
    in_doubt: int = 0

    @property
    def total(self) -> int:
        """The length of the list."""
        return self.to_do + self.to_fetch + self.done + self.failed + self.in_doubt

    @property
    def goes_on(self) -> bool:
        """Whether an earlier run has left anything."""
        return self.to_do < self.total

    def line(self) -> str:
        """Say it in one line: ``412 done, 3 in doubt, 88 to do``."""
        parts = {
            "done": self.done,
            "to fetch": self.to_fetch,
            "failed": self.failed,
            "in doubt": self.in_doubt,
        }
        said = [f"{number:,} {word}" for word, number in parts.items() if number]
        return ", ".join([*said, f"{self.to_do:,} to do"])


def survey(
    out: Path, requests: Iterable[Request], *, wishes: Wishes, seeds: Seeds = "list"
) -> Survey:
    """Enter a whole list into the journal of a folder, and say how it stands. This blocks.

    Raises:
        ConfigurationError: The folder is in use by another run, or holds what is not a job's.
        InvalidRequestError: The list cannot be read.
        OSError: The journal cannot be written.
    """
    refuse_foreign(out)
    counts: Counter[str] = Counter()
    with Records(out) as records:
        recover(out, records)
        for place, request in enumerate(requests, start=1):
            entry, _ = enrol(request, seeds, records)
            counts["to_do" if is_due(entry, wishes) else _WORDS[entry.state]] += 1
            if place % _AT_ONCE == 0:
                records.commit()
    return Survey(**counts)


_WORDS = {"done": "done", "failed": "failed", "in doubt": "in_doubt", "paid": "to_fetch"}
