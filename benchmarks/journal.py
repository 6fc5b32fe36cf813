"""How many changes of state the journal makes durable a second, and how soon it is open again.

    python -m benchmarks.journal [--seconds 3] [--rows 1000000]

Two runs on the disk that holds the working folder:

* 64 callers at once, each of whom takes one request after the other from sent through paid to done
  and waits each time until that is on the disk. At least 10,000 changes a second.
* A journal of a million rows, all of them done but for a few that a dead run left behind, is opened
  again: it begins a run, counts all, and finds the few. At most 2 s.

The exit code is 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import attrs

from volcv_async.job.journal import Journal
from volcv_async.job.records import JOURNAL, Counts, Records, Standing

_CALLERS = 64
_LEFT_BEHIND = 64
_RATE = 10_000  # changes a second
_SOON = 2.0  # seconds

_NOW = datetime.now(UTC)
_SENT = (
    '{"req_key":"high_aes_general_v21_L","prompt":"Vast armies charging forward across a plain at '
    'dawn, banners in the wind, oil on canvas","seed":1234567890,"width":512,"height":512}'
)
_STANDING = Standing(
    url="https://pictures.example/high-aes/0123456789abcdef?x-expires=1795500000&x-signature=abc",
    expires=_NOW + timedelta(hours=24),
)
_ID = "20261124120000ABCDEF0123456789AB"


@attrs.frozen(kw_only=True)
class Pace:
    """What the first run came to."""

    changes: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Changes a second."""
        return self.changes / self.seconds

    def __str__(self) -> str:
        each = 1e6 * self.cpu / self.changes
        return (
            f"{self.rate:10,.0f} changes/s   {self.changes:,} in {self.seconds:.1f} s, "
            f"{each:.0f} us of CPU each"
        )


@attrs.frozen(kw_only=True)
class Opening:
    """What the second run came to; times in seconds."""

    rows: int
    size: int
    opened: float
    counted: float
    found: float
    counts: Counts
    left_behind: int

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.opened + self.counted + self.found

    def __str__(self) -> str:
        return (
            f"{self.seconds:10.3f} s           {self.rows:,} rows in {self.size / 1e6:,.0f} MB: "
            f"opened {self.opened:.3f}, counted {self.counted:.3f}, "
            f"{self.left_behind} left behind found {self.found:.3f}"
        )


def row(number: int) -> dict[str, object]:
    """Describe an image as a job does."""
    return {
        "file_name": f"images/{number:06d}.png",
        "prompt": "Vast armies charging forward across a plain at dawn, banners in the wind",
        "seed": 1234567890,
        "request_id": _ID,
        "model": "GeneralV21",
        "width": 512,
        "height": 512,
        "sha256": "0123456789abcdef" * 4,
    }


def enrol(records: Records) -> int:
    """Enter a request that no other equals."""
    return records.enrol(os.urandom(16), "GeneralV21", lambda _: _SENT).number


def sending(number: int, records: Records) -> None:
    """Note that it goes out."""
    records.sending(number, attempts=1, sent=_NOW, account="studio", request=_SENT)


def paid(number: int, records: Records) -> None:
    """Note that it is paid."""
    records.paid(number, request_id=_ID, images=[_STANDING])


def done(number: int, records: Records) -> None:
    """Note that it is on the disk."""
    records.done(number, [row(number)])


async def call(journal: Journal, until: float) -> int:
    """Take one request after the other through its states; give how many changes that were."""
    for changes in count(0, 3):
        if time.perf_counter() >= until:
            return changes
        await follow(journal)
    raise AssertionError


async def follow(journal: Journal) -> None:
    """Take one request through its three states."""
    number = await journal.look(enrol)
    await journal.do(partial(sending, number))
    await journal.do(partial(paid, number))
    await journal.do(partial(done, number))


async def pace(folder: Path, seconds: float) -> Pace:
    """Let all callers write for so many seconds."""
    with Records(folder) as records:
        async with Journal(records) as journal:
            began, cpu = time.perf_counter(), time.process_time()
            callers = [call(journal, began + seconds) for _ in range(_CALLERS)]
            changes = sum(await asyncio.gather(*callers))
            took = time.perf_counter() - began
    return Pace(changes=changes, seconds=took, cpu=time.process_time() - cpu)


def fill(folder: Path, rows: int) -> None:
    """Write a journal of so many rows, and leave it like a run that died."""
    with Records(folder) as records:
        for nth in range(rows):
            number = enrol(records)
            if nth < rows - _LEFT_BEHIND:
                done(number, records)
            else:
                sending(number, records)
            if nth % 10_000 == 0:
                records.commit()


def opening(folder: Path, rows: int) -> Opening:
    """Open a journal of so many rows again."""
    fill(folder, rows)
    times = [time.perf_counter()]
    with Records(folder) as records:
        times.append(time.perf_counter())
        counts = records.counts()
        times.append(time.perf_counter())
        left = records.unfinished()
        times.append(time.perf_counter())
    opened, counted, found = (after - before for before, after in pairwise(times))
    return Opening(
        rows=rows,
        size=(folder / JOURNAL).stat().st_size,
        opened=opened,
        counted=counted,
        found=found,
        counts=counts,
        left_behind=len(left),
    )


def main(seconds: float, rows: int) -> int:
    """Make the two runs and judge them."""
    with tempfile.TemporaryDirectory(dir=".", prefix="journal-") as folder:
        written = asyncio.run(pace(Path(folder) / "pace", seconds))
        print(f"{_CALLERS} at once      {written}", flush=True)
        opened = opening(Path(folder) / "opening", rows)
        print(f"open again      {opened}")
    held = [
        written.rate >= _RATE,
        opened.seconds < _SOON,
        opened.counts == Counts(done=rows - _LEFT_BEHIND, sent=_LEFT_BEHIND),
        opened.left_behind == _LEFT_BEHIND,
    ]
    print(f"held: {held}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    sys.exit(main(arguments.seconds, arguments.rows))
