"""A whole job against a provider on this machine: what ends up in the folder, however it ends."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from pictures_of_tests import picture
from PIL import Image as Pillow

from volcv_async.client import Client
from volcv_async.config import Account, Bearer, Limits, RetryPolicy, Timeouts
from volcv_async.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotSentError,
)
from volcv_async.gateway import Canned, Drop, LocalGateway, Received, service_error
from volcv_async.gateway.answers import Reply, gateway_error
from volcv_async.job import JobReport, Tally, run, survey
from volcv_async.job.books import Books, enrol
from volcv_async.job.going_on import Wishes
from volcv_async.job.journal import Journal
from volcv_async.job.records import Records, Standing
from volcv_async.job.rows import NO_TRIP, Row, Trip
from volcv_async.job.running import carry
from volcv_async.job.sink import Sink
from volcv_async.job.writing import Writing
from volcv_async.models import GeneralV21
from volcv_async.results import Outcome

LIMITS = Limits(concurrency=4, adaptive=False)


def requests(*prompts: str) -> Iterator[GeneralV21]:
    for prompt in prompts:
        yield GeneralV21(prompt=prompt, width=256, height=256, use_sr=False)


def endless() -> Iterator[GeneralV21]:
    number = 0
    while True:
        yield from requests(f"prompt {number}")
        number += 1


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Held:
    """Holds every request that the gateway accepts, until it is told to let go."""

    def __init__(self) -> None:
        self.arrived = asyncio.Semaphore(0)
        self.let_go = asyncio.Event()

    async def __call__(self, _: Received) -> None:
        self.arrived.release()
        await self.let_go.wait()


async def test_every_prompt_ends_as_an_image_and_a_row(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Rows and pictures carry the prompts they were made of, and the report counts them."""
    prompts = [f"prompt {number}" for number in range(40)] + ['"quoted', " 42 ", "千军万马"]
    seen: list[Outcome] = []
    async with Client(gateway.account(limits=LIMITS)) as client:
        report = await run(client, requests(*prompts), out=tmp_path / "out", on_outcome=seen.append)
    made = {row["file_name"]: row["prompt"] for row in rows(tmp_path / "out" / "metadata.jsonl")}
    assert made == {f"images/{place:06d}.png": prompt for place, prompt in enumerate(prompts)}
    for name, prompt in made.items():
        with Pillow.open(tmp_path / "out" / name) as image:
            assert image.info["prompt"] == prompt
            assert image.size == (256, 256)
    assert isinstance(report, JobReport)
    assert (report.completed, report.images, report.paid) == (43, 43, 43)
    assert report.all_done
    assert sorted(outcome.index for outcome in seen) == list(range(43))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "images",
        "journal.sqlite",
        "journal.sqlite.lock",
        "metadata.jsonl",
        "run.json",
    ]


async def test_a_run_may_leave_the_flushes_to_the_system(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No image is waited for, all lies there as ever, and another run finds all done."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    waits: list[int] = []
    async with Client(gateway.account(limits=LIMITS)) as client:
        for fsync in (False, True):
            report = await run(
                client, requests(*"abcdefgh"), out=tmp_path / str(fsync), fsync=fsync
            )
            assert report.completed == 8
            waits.append(len(flushed))
        report = await run(client, requests(*"abcdefgh"), out=tmp_path / "False", fsync=False)
    assert (report.completed, report.before) == (0, 8)
    assert waits[1] - waits[0] >= waits[0] + 2 * 8
    assert len(list((tmp_path / "False" / "images").iterdir())) == 8


async def test_an_outcome_is_told_when_it_is_on_the_disk(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Whoever hears of an image finds its file and its row."""

    def look(outcome: Outcome) -> None:
        name = f"images/{outcome.index:06d}.png"
        assert (tmp_path / name).exists()
        assert name in [row["file_name"] for row in rows(tmp_path / "metadata.jsonl")]

    async with Client(gateway.account(limits=LIMITS)) as client:
        report = await run(client, requests(*"abcdefgh"), out=tmp_path, on_outcome=look)
    assert report.completed == 8


async def test_what_fails_stands_beside_what_is_made(tmp_path: Path) -> None:
    """A refused prompt and one in doubt have their rows, and the others their images."""

    async def script(received: Received) -> Reply | None:
        answers: dict[str | None, Reply] = {"bad": service_error(50412), "lost": Drop()}
        return answers.get(received.prompt)

    async with (
        LocalGateway(latency=0.0, answer=script) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        report = await run(client, requests("good", "bad", "lost", "fine"), out=tmp_path)
    assert (report.completed, report.failed, report.in_doubt) == (2, 1, 1)
    assert (report.paid, report.perhaps_paid) == (2, 1)
    assert not report.all_done
    assert [row["prompt"] for row in rows(tmp_path / "failed.jsonl")] == ["bad"]
    assert [row["prompt"] for row in rows(tmp_path / "in_doubt.jsonl")] == ["lost"]


async def test_a_refused_key_ends_the_job_and_loses_nothing(tmp_path: Path) -> None:
    """What was in flight when the key was refused is written before the error is raised."""
    held = Held()
    refused = gateway_error(401, "Invalid token", code="", request_id="r")

    async def script(received: Received) -> Canned | None:
        if received.prompt == "d":
            return refused
        await held(received)
        return None

    async with (
        LocalGateway(latency=0.0, answer=script) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        job = asyncio.create_task(run(client, requests(*"abcdefgh"), out=tmp_path))
        for _ in range(3):
            await held.arrived.acquire()
        held.let_go.set()
        with pytest.raises(AuthenticationError) as caught:
            await job
        assert caught.value.index == 3
        made = [row["prompt"] for row in rows(tmp_path / "metadata.jsonl")]
    assert {"a", "b", "c"} <= set(made)
    assert len(made) == gateway.paid


async def test_a_broken_list_ends_the_job_with_its_own_error(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """An error of the source is raised as itself, with the images before it on the disk."""

    def source() -> Iterator[GeneralV21]:
        yield from requests("a", "b")
        raise InvalidRequestError("list.txt, line 3: is not UTF-8.")

    async with Client(gateway.account(limits=LIMITS)) as client:
        with pytest.raises(InvalidRequestError, match="line 3"):
            await run(client, source(), out=tmp_path)
    assert sorted(row["prompt"] for row in rows(tmp_path / "metadata.jsonl")) == ["a", "b"]


async def test_a_programming_error_in_a_callback_ends_the_job_as_itself(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """It is not wrapped in a group, and what was paid for is on the disk."""

    def wrong(_: Outcome) -> None:
        raise ZeroDivisionError("a slip")

    async with Client(gateway.account(limits=LIMITS)) as client:
        with pytest.raises(ZeroDivisionError, match="a slip"):
            await run(client, endless(), out=tmp_path, on_outcome=wrong)
    assert len(rows(tmp_path / "metadata.jsonl")) == gateway.paid


async def test_a_cancelled_job_keeps_what_was_in_flight(tmp_path: Path) -> None:
    """Nothing new goes out, what was paid for is awaited and written, and then it is cancelled."""
    held = Held()
    async with (
        LocalGateway(latency=0.0, answer=held) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        job = asyncio.create_task(run(client, endless(), out=tmp_path))
        for _ in range(4):
            await held.arrived.acquire()
        job.cancel()
        held.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert gateway.paid == 4
    made = rows(tmp_path / "metadata.jsonl")
    assert sorted(row["prompt"] for row in made) == [f"prompt {number}" for number in range(4)]
    assert all((tmp_path / row["file_name"]).exists() for row in made)


async def test_a_job_cancelled_twice_says_what_is_in_doubt(tmp_path: Path) -> None:
    """The second cancellation cuts off what is in flight, and its rows say so."""
    held = Held()
    async with (
        LocalGateway(latency=0.0, answer=held) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        job = asyncio.create_task(run(client, endless(), out=tmp_path))
        for _ in range(4):
            await held.arrived.acquire()
        job.cancel()
        await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    in_doubt = [row["index"] for row in rows(tmp_path / "in_doubt.jsonl")]
    assert sorted(in_doubt) == [0, 1, 2, 3]


async def test_a_scope_that_ends_keeps_what_was_in_flight(tmp_path: Path) -> None:
    """Under ``anyio.move_on_after`` and the like it is as with a task that is cancelled."""
    held = Held()
    async with (
        LocalGateway(latency=0.0, answer=held) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        async with anyio.create_task_group() as group:
            group.start_soon(partial(run, client, endless(), out=tmp_path))
            for _ in range(4):
                await held.arrived.acquire()
            group.cancel_scope.cancel()
            held.let_go.set()
        assert gateway.paid == 4
    assert len(rows(tmp_path / "metadata.jsonl")) == 4


async def test_an_image_that_cannot_be_written_ends_the_job(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """The system's own error is raised, and the images that can be written are."""
    survey(tmp_path, [], wishes=Wishes())
    (tmp_path / "images" / "000002.png").mkdir(parents=True)
    async with Client(gateway.account(limits=LIMITS)) as client:
        with pytest.raises(IsADirectoryError):
            await run(client, endless(), out=tmp_path)
    made = {row["file_name"] for row in rows(tmp_path / "metadata.jsonl")}
    assert "images/000001.png" in made
    assert len(made) == gateway.paid - 1


async def test_a_row_says_when_its_call_left_and_how_long_it_took(tmp_path: Path) -> None:
    """Of several attempts the last one counts, whatever it came to."""
    tried: Counter[str | None] = Counter()

    async def answer(received: Received) -> Reply | None:
        tried[received.prompt] += 1
        if received.prompt == "again" and tried["again"] == 1:
            return service_error(50429)
        return Drop() if received.prompt == "lost" else None

    began, latency = datetime.now(UTC), 0.05
    async with (
        LocalGateway(latency=latency, answer=answer) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        await run(client, requests("once", "again", "lost"), out=tmp_path)
    assert tried["again"] == 2
    for row in [*rows(tmp_path / "metadata.jsonl"), *rows(tmp_path / "in_doubt.jsonl")]:
        sent = datetime.fromisoformat(row["sent"])
        assert began < sent < sent + timedelta(seconds=row["seconds"]) <= datetime.now(UTC)
        assert row["seconds"] >= latency or row["prompt"] == "lost"


class SlowSink(Sink):
    """A disk that writes nothing until it is let go."""

    def __init__(self, out: Path) -> None:
        super().__init__(out)
        self.let_go = threading.Event()

    def keep(
        self,
        outcome: Outcome,
        trip: Trip = NO_TRIP,
        earlier: Sequence[str] = (),
        columns: Mapping[str, Any] | None = None,
    ) -> tuple[Outcome, list[Row]]:
        self.let_go.wait()
        return super().keep(outcome, trip, earlier, columns)


async def test_a_slow_disk_holds_the_spending_back(gateway: LocalGateway, tmp_path: Path) -> None:
    """While nothing gets written, no more is paid for than may wait, and the window."""
    may_wait, window = 17, 4
    pulled = asyncio.Semaphore(0)

    def source() -> Iterator[GeneralV21]:
        for request in requests(*map(str, range(120))):
            yield request
            pulled.release()

    tally = Tally()
    with Records(tmp_path) as records, SlowSink(tmp_path) as sink:
        async with Client(gateway.account(limits=LIMITS)) as client, Journal(records) as journal:
            books = Books(journal, Wishes())
            stream = client.stream(books.due(source()), concurrency=window, recorder=books)
            writing = Writing(client, sink, books, tally.add)
            job = asyncio.create_task(carry(stream, writing))
            for _ in range(may_wait + window - 1):
                await pulled.acquire()
            await asyncio.wait({job}, timeout=0.3)  # a chance to go wrong
            assert stream.statistics().pulled == may_wait + window
            sink.let_go.set()
            assert await job is None
    assert tally.completed == 120


def leave_paid(records: Records, url: str, number: int) -> None:
    for request in requests(*map(str, range(number))):
        entry, _ = enrol(request, "list", records)
        records.sending(
            entry.number, attempts=1, sent=datetime.now(UTC), account="local", request=entry.request
        )
        records.paid(entry.number, request_id="id", images=[Standing(url=url, expires=None)])
    records.commit()


async def test_a_slow_disk_holds_the_fetching_back(gateway: LocalGateway, tmp_path: Path) -> None:
    """While nothing gets written, no more of an earlier run is fetched than memory is meant for."""
    may_wait, fetchers, paid = 16, 4, 40
    drawn, fetched = picture(256, 256), 0

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal fetched
        await reader.readuntil(b"\r\n\r\n")
        fetched += 1
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(drawn)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + drawn)
        await writer.drain()
        writer.close()

    tally = Tally()
    with Records(tmp_path) as records, SlowSink(tmp_path) as sink:
        async with (
            await asyncio.start_server(give, "127.0.0.1", 0) as server,
            Client(gateway.account(limits=LIMITS)) as client,
        ):
            port = server.sockets[0].getsockname()[1]
            leave_paid(records, f"http://127.0.0.1:{port}/a.png", paid)
            async with Journal(records) as journal:
                books = Books(journal, Wishes())
                stream = client.stream(books.due([]), recorder=books)
                writing = Writing(client, sink, books, tally.add)
                job = asyncio.create_task(carry(stream, writing))
                while len(writing.room._waiters or ()) < fetchers and fetched < paid:
                    await asyncio.sleep(0.01)
                held = fetched
                sink.let_go.set()
                assert await job is None
    assert held == may_wait + fetchers
    assert (tally.completed, fetched, gateway.paid) == (paid, paid, 0)


async def test_cancelled_again_while_it_writes_a_job_still_writes(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """However often that happens, what was paid for is on the disk before the job ends."""
    tally = Tally()
    with Records(tmp_path) as records, SlowSink(tmp_path) as sink:
        async with Client(gateway.account(limits=LIMITS)) as client, Journal(records) as journal:
            books = Books(journal, Wishes())
            stream = client.stream(books.due(requests(*"abcd")), recorder=books)
            job = asyncio.create_task(carry(stream, Writing(client, sink, books, tally.add)))
            while stream.statistics().taken < 4:
                await asyncio.sleep(0)
            await asyncio.wait({job}, timeout=0.1)
            for _ in range(3):
                job.cancel()
                await asyncio.sleep(0)
                assert not job.done()
            sink.let_go.set()
            with pytest.raises(asyncio.CancelledError):
                await job
        assert records.counts().done == 4
    assert tally.completed == 4


class Forgetful(Records):
    """A journal that cannot be written any more when the first image is done."""

    def done(self, number: int, rows: Sequence[Row]) -> None:
        raise OSError(f"no room for {number} and {len(rows)}")


async def test_a_journal_that_breaks_ends_the_job(gateway: LocalGateway, tmp_path: Path) -> None:
    """Its error is the job's, nothing that it does not know of is told, and the image stays."""
    tally = Tally()
    with Forgetful(tmp_path) as records, Sink(tmp_path) as sink:
        async with Client(gateway.account(limits=LIMITS)) as client, Journal(records) as journal:
            books = Books(journal, Wishes())
            stream = client.stream(books.due(requests("a")), recorder=books)
            ended = await carry(stream, Writing(client, sink, books, tally.add))
    assert str(ended) == "no room for 0 and 1"
    assert tally.completed == 0
    assert (tmp_path / "images" / "000000.png").exists()


async def test_timeouts_can_be_the_jobs_own(tmp_path: Path) -> None:
    """A job may do without the deadline that the client's single calls have."""

    async def slow(_: Received) -> None:
        await asyncio.sleep(0.3)

    brief = Timeouts(deadline=0.1)
    async with (
        LocalGateway(latency=0.0, answer=slow) as gateway,
        Client(gateway.account(limits=LIMITS), timeouts=brief) as client,
    ):
        report = await run(client, requests("a"), out=tmp_path, timeouts=Timeouts(deadline=None))
    assert report.completed == 1


async def test_a_client_without_a_provider_leaves_all_to_do(
    tmp_path: Path, gateway: LocalGateway, unused_tcp_port: int
) -> None:
    """When nothing was ever answered, the same words with the right address do it all."""
    account = Account(f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", Bearer("key"))
    once = RetryPolicy(attempts=1)
    async with Client(account, retry=once) as client:
        with pytest.raises(NotSentError):
            await run(client, requests("a"), out=tmp_path / "out")
    async with Client(gateway.account(limits=LIMITS)) as client:
        report = await run(client, requests("a"), out=tmp_path / "out")
    assert report.completed == gateway.paid == 1


async def test_an_empty_list_is_done_at_once(gateway: LocalGateway, tmp_path: Path) -> None:
    """It is a job as well, and its folder has an empty file of rows."""
    async with Client(gateway.account(limits=LIMITS)) as client:
        report = await run(client, requests(), out=tmp_path / "out")
    assert report.all_done
    assert (tmp_path / "out" / "metadata.jsonl").read_bytes() == b""
