"""Single parts by themselves: codec, gate, checks of a picture, a checksum, a row, the journal.

    python -m pytest benchmarks/parts.py --no-cov

It takes pytest-benchmark (the extra ``bench``). Where a figure is of many at once, its name says of
how many. No bar is held here; ``benchmarks.journal`` has the journal's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks import journal as books
from benchmarks.calls.samples import SIDES, SIZES, Size, body, png
from volcv_async.codec import decode, encode
from volcv_async.config import Limits
from volcv_async.governor import Gate, Governor
from volcv_async.images import inspect
from volcv_async.job.identity import identity
from volcv_async.job.journal import Journal
from volcv_async.job.pictures import Kept
from volcv_async.job.records import Records
from volcv_async.job.rows import image_row
from volcv_async.job.sink import Sink
from volcv_async.models import GeneralV21
from volcv_async.outage import Outage
from volcv_async.reply import Reply
from volcv_async.results import Completed, Generation, Image

_MANY = 1000
_SLOTS = 16
_CALLERS = 64

_ASKED = GeneralV21(
    prompt="Vast armies charging forward across a plain at dawn, banners in the wind",
    seed=1234567890,
    width=512,
    height=512,
)


@pytest.fixture
def runner() -> Generator[asyncio.Runner]:
    """Give a loop that stays the same."""
    with asyncio.Runner() as runner:
        yield runner


def test_encode(benchmark: BenchmarkFixture) -> None:
    """A request to its body."""
    benchmark(encode, _ASKED)


def test_identity(benchmark: BenchmarkFixture) -> None:
    """What makes a request of a list the same in the next run."""
    benchmark(identity, _ASKED)


@pytest.mark.parametrize("size", SIZES)
def test_decode(benchmark: BenchmarkFixture, size: Size) -> None:
    """A reply to a generation, its picture checked."""
    reply = Reply(status=200, headers={}, body=body("provider", size), received=0.0)
    benchmark(decode, reply)


@pytest.mark.parametrize("size", SIDES)
def test_inspect(benchmark: BenchmarkFixture, size: Size) -> None:
    """A picture walked, with its checksums."""
    benchmark(inspect, png(*SIDES[size]))


@pytest.mark.parametrize("size", SIDES)
def test_row(benchmark: BenchmarkFixture, size: Size) -> None:
    """What is written down of an image, its SHA-256 included."""
    image = Image.of(png(*SIDES[size]))
    kept = Kept(path=Path("images/000000.png"), image=image, request_id="an id")
    benchmark(image_row, _ASKED, kept, "images")


@pytest.mark.parametrize("fsync", [True, False], ids=["fsync", "no fsync"])
def test_keep(benchmark: BenchmarkFixture, tmp_path: Path, *, fsync: bool) -> None:
    """An image of 300 KB to the disk, and its row, by one of the threads that write."""
    image = Image.of(png(*SIDES["medium"]))
    made = Generation(images=(image,), request_id="an id")
    numbers = iter(range(1_000_000))

    def keep() -> None:
        outcome = Completed(index=next(numbers), request=_ASKED, attempts=1, generation=made)
        sink.keep(outcome)

    with Sink(tmp_path, fsync=fsync) as sink:
        benchmark(keep)


@pytest.mark.parametrize("callers", [1, 2 * _SLOTS], ids=["free slots", "all slots taken"])
def test_1000_grants(benchmark: BenchmarkFixture, runner: asyncio.Runner, callers: int) -> None:
    """A turn at the gate, and giving it back, a thousand times: at once, or in a line."""
    gate = Gate({Governor(Limits(concurrency=_SLOTS)): Outage(1, 1)})

    async def come_and_go() -> None:
        for _ in range(_MANY // callers):
            turn = gate.turn_now() or await gate.turn()
            await asyncio.sleep(0)
            gate.over(turn)

    async def all_of_them() -> None:
        await asyncio.gather(*(come_and_go() for _ in range(callers)))

    benchmark(lambda: runner.run(all_of_them()))


@pytest.mark.parametrize("fsync", [True, False], ids=["fsync", "no fsync"])
def test_192_records(
    benchmark: BenchmarkFixture, runner: asyncio.Runner, tmp_path: Path, *, fsync: bool
) -> None:
    """64 callers at once, each with three changes that are durable one after the other."""

    async def all_of_them(journal: Journal) -> None:
        await asyncio.gather(*(books.follow(journal) for _ in range(_CALLERS)))

    with Records(tmp_path, fsync=fsync) as records:
        journal = Journal(records)
        runner.run(_entered(journal))
        benchmark(lambda: runner.run(all_of_them(journal)))
        runner.run(_left(journal))


async def _entered(journal: Journal) -> None:
    await journal.__aenter__()


async def _left(journal: Journal) -> None:
    await journal.__aexit__(None, None, None)
