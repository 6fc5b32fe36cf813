"""A whole job: requests from a list, their outcomes into a folder, every step in its journal.

The stream decides how many calls are under way. This room takes what it gives and has it written
down, and takes no more while too much is unwritten. However a job ends, what was
made is on the disk before the end is told, and the next run goes on from there, with what this one
has learned of the limits.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs

from volcv_async.client import Client
from volcv_async.config import Timeouts
from volcv_async.job.books import Books, Seeds
from volcv_async.job.budget import Budget
from volcv_async.job.ceiling import Ceiling
from volcv_async.job.going_on import Wishes
from volcv_async.job.journal import Journal
from volcv_async.job.lessons import Lessons
from volcv_async.job.lists import BadRow, Item
from volcv_async.job.records import Records
from volcv_async.job.recovery import recover, refuse_foreign, write_failures
from volcv_async.job.report import JobReport, Tally
from volcv_async.job.run_card import card, check, lasting
from volcv_async.job.sink import Sink
from volcv_async.job.streak import Streak
from volcv_async.job.writing import OnRows, Writing
from volcv_async.results import Outcome
from volcv_async.stream import OutcomeStream


async def run(
    client: Client,
    requests: Iterable[Item] | AsyncIterable[Item],
    *,
    out: str | os.PathLike[str],
    concurrency: int | None = None,
    drain: float = 60.0,
    timeouts: Timeouts | None = None,
    seeds: Seeds = "list",
    retry_failed: bool = False,
    give_up: float | None = 1800.0,
    budget: int | None = None,
    fsync: bool = True,
    embed: bool = False,
    on_outcome: Callable[[Outcome], None] | None = None,
    on_rows: OnRows | None = None,
    on_bad_row: Callable[[BadRow], None] | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> JobReport:
    """Send all requests of a list that are to do, and keep their images in a folder.

    The folder gets ``images/000012.png`` and so on, numbered from 0 as the list first came, with a
    row each in ``metadata.jsonl``; ``failed.jsonl`` and ``in_doubt.jsonl`` where there is something
    to say in them; and ``run.json``, the card of this run. An image is exactly as it came.
    ``journal.sqlite`` knows what became of each request, so that the same call goes on after a
    crash: a request is known by what it asks for, and equal ones by which of them they are, not by
    their place, so the list may have been reordered, lengthened or shortened meanwhile.

    When the source or the account ends the job with an error, or its task is cancelled, nothing new
    goes out; what is in flight is given ``drain`` seconds, and what was made is written down before
    the error goes on. A second cancellation cuts off what is in flight.

    Args:
        client: Who sends. Its ``RetryPolicy(in_doubt="retry")`` goes for what an earlier run left
            in doubt, too.
        requests: The list, which may be endless; it is read only as calls can go out. With each
            request may come columns, which go into the rows of its images (``Listed``). In the
            place of a request may come a row that is none (``BadRow``): it counts as failed and is
            a row of ``failed.jsonl`` for as long as it is in the list. Where the list is
            the ``failed.jsonl`` of this folder, which is written anew when a run begins, read it
            to its end before.
        out: The folder. It is made if need be; one of an earlier run is gone on with.
        concurrency: The window, as for ``Client.stream``.
        drain: Seconds that calls in flight are given when the job is ended early.
        timeouts: How long to wait, in seconds; None: as the client does, but without a deadline,
            since in a long job a request may well wait longer than one says.
        seeds: Where a seed comes from that a request leaves open (None or -1): ``"list"``, from
            what the request is, so that the same list gives the same seeds; or ``"server"``.
        retry_failed: Send again, too, what was refused for its content, and what failed and was or
            may have been billed.
        give_up: Seconds of an outage after which the job ends; None: never.
        budget: How many images this run may pay for; what is in flight, what is in doubt, and what
            was refused and may have been billed counts as paid. Then nothing more goes out, nor
            again; the report's ``budget_reached`` says so where a request of the list had to stay.
            The next call goes on from there, with a budget of its own. None: without a limit.
        fsync: Whether what is written is on the disk before it counts. Without, a run is quicker
            where the disk is slow, and one that is killed still loses nothing; but a power cut may
            take the images and the knowledge of the last half minute or so, paid or not.
        embed: Whether a PNG or JPEG gets what it was made of into its metadata, in the way
            AUTOMATIC1111 writes it; every byte that came stays.
        on_outcome: Called with every outcome once it is written down; its ``index`` is its number
            in the folder. What time it takes is the consumer's, as the report says.
        on_rows: Called right before that, with the outcome and the rows it has become in
            ``metadata.jsonl``, ``failed.jsonl`` or ``in_doubt.jsonl``.
        on_bad_row: Called with every row that is no request, when its turn comes.
        arguments: What else ``run.json`` is to say of how the run was started; values of JSON.

    Raises:
        ConfigurationError: The folder is in use by another run, or holds what is not a job's; or
            the client cannot work as it is set up, ``budget`` makes no sense, or ``arguments`` are
            no JSON.
        AuthenticationError: No account's key is taken.
        AccessDeniedError: One request after the other was refused so; ``QuotaError`` likewise.
        NotSentError: Nothing was ever answered, or an outage lasted longer than ``give_up``.
        OSError: Something cannot be written, such as on a full disk. What can still be written is.
    """
    folder, tally, spending = Path(out), Tally(), Budget(budget)
    wishes = Wishes(retry_failed=retry_failed, in_doubt=client.retry.in_doubt == "retry")
    said = {
        "concurrency": concurrency,
        "drain": lasting(drain),
        "seeds": seeds,
        "retry_failed": retry_failed,
        "in_doubt": client.retry.in_doubt,
        "rerolls": client.retry.rerolls,
        "give_up": lasting(give_up),
        "budget": budget,
        "fsync": fsync,
        "embed": embed,
        **(arguments or {}),
    }
    check(said)

    async with _journal(folder, fsync=fsync) as journal:

        def note_bad(row: BadRow) -> None:
            tally.add_bad(row.error)
            if on_bad_row is not None:
                on_bad_row(row)

        books = Books(journal, wishes, seeds, spending, note_bad)
        lessons = Lessons(client, journal)
        await lessons.recall()
        ceiling = Ceiling(partial(_slots, client, concurrency))
        outcomes = client.stream(
            books.due(requests),
            concurrency=concurrency,
            drain=drain,
            timeouts=timeouts or attrs.evolve(client.timeouts, deadline=None),
            recorder=books,
            give_up=give_up,
        )

        def note(outcome: Outcome) -> None:
            tally.add(outcome)
            lessons.write_now_and_then()
            ceiling.look_now_and_then()
            if on_outcome is not None:
                with outcomes.consumer_at_work():
                    on_outcome(outcome)

        def figures() -> JobReport:
            waited = outcomes.statistics().waited
            return tally.report(folder, books.kept, waited, budget_reached=spending.reached)

        async with card(folder, said, figures, lambda: ceiling.steps, fsync=fsync):
            try:
                with Sink(folder, fsync=fsync, embed=embed) as sink:
                    ending = await carry(outcomes, Writing(client, sink, books, note, on_rows))
            finally:
                lessons.write()
                ceiling.look()
                books.note_latency()
            _raise(ending)
        return figures()


def _slots(client: Client, window: int | None) -> int:
    """Give how many calls may be in flight now."""
    slots = client.statistics().slots
    return slots if window is None else min(slots, window)


def _raise(ending: BaseException | None) -> None:
    """End as a job ended, if it did not end well."""
    if ending is not None:
        raise ending


@asynccontextmanager
async def _journal(folder: Path, *, fsync: bool) -> AsyncGenerator[Journal]:
    """Open the journal of a folder, mend what a run that died left, and leave all in order."""
    refuse_foreign(folder)
    with ExitStack() as held:
        opening = Records(folder, fsync=fsync)
        records = await anyio.to_thread.run_sync(held.enter_context, opening)
        async with Journal(records) as journal:
            await journal.do(partial(recover, folder))
            await journal.do(partial(write_failures, folder))
            try:
                yield journal
            finally:
                with anyio.CancelScope(shield=True):
                    await journal.do(partial(write_failures, folder))


async def carry(outcomes: OutcomeStream, writing: Writing) -> BaseException | None:
    """Carry all outcomes to the folder; give the error that ended it early."""
    ended: BaseException | None = None
    try:
        with anyio.CancelScope() as scope:
            writing.stop = scope.cancel
            async with anyio.create_task_group() as fetchers:
                await writing.fetch_rest(fetchers)
                await _hand_over(outcomes, writing)
    except BaseExceptionGroup as group:
        ended = group.exceptions[0]
    finally:
        await writing.finish()
    return writing.error or ended


async def _hand_over(outcomes: OutcomeStream, writing: Writing) -> None:
    streak = Streak()
    try:
        async with outcomes:
            async for outcome in outcomes:
                writing.write(outcome)
                # Only now: an outcome that was taken must not be lost to a cancellation here.
                with outcomes.consumer_waits_for("disk"):
                    await writing.room.acquire()
                ending = streak.add(outcome)
                if ending is not None:
                    raise ending
    finally:
        raised = [outcome for outcome in outcomes.raised if writing.may_cost(outcome)]
        for outcome in [*outcomes.leftover, *raised]:
            writing.write(outcome)
