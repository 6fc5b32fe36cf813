"""A job of the command: from its first call to the last word that is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import islice
from pathlib import Path
from shlex import quote

import attrs

from volcv_async.cli.ahead import Means
from volcv_async.cli.interrupts import run_interruptibly
from volcv_async.cli.messages import insist, note, what_happened
from volcv_async.cli.progress import Display
from volcv_async.cli.session import Exit, typed
from volcv_async.cli.voice import Telling, Voice
from volcv_async.client import Client
from volcv_async.events import Learned
from volcv_async.job import BadRow, JobReport, Listed, Seeds, Survey, draw_gallery
from volcv_async.job import run as run_job
from volcv_async.job.gallery import drawn_locally
from volcv_async.job.lists import in_threads
from volcv_async.job.sink import IMAGES

_INTERRUPTED = (
    "Interrupted: nothing new goes out, and what is in flight is awaited. "
    "Once more cuts it off, and it may have been billed."
)
_WORTH_A_WORD = 2.0  # seconds from which on a run tells what they went to


@attrs.frozen(kw_only=True)
class Job:
    """All that a job needs, read and checked before anything is sent."""

    requests: Callable[[], Iterator[Listed | BadRow]]
    out: Path
    ahead: Survey
    drain: float
    fsync: bool = True
    embed: bool = False
    seeds: Seeds = "list"
    retry_failed: bool = False
    give_up: float | None = None
    title: str | None = None
    again: str = "Started again, it begins anew."
    means: Means = Means()
    voice: Voice = Voice()
    local: bool = False


def carry_out(job: Job, client: Callable[[], AbstractAsyncContextManager[Client]]) -> int:
    """Send what is to do, keep what comes, say what became of it; give the exit code."""
    told = job.voice.telling(job.means.of(job.ahead.to_do) + job.ahead.to_fetch + job.ahead.bad)
    if job.ahead.goes_on:
        _say_what_is_there(job)
    report = _run(job, client, told)
    _conclude(job, report, told.display.client().learned)
    return _code(report)


def _say_what_is_there(job: Job) -> None:
    note(f"Going on in {job.out}: {job.ahead.line()}.")
    if job.ahead.done and not job.local and _has_local_pictures(job.out):
        note(
            "What is done there was drawn by a local gateway, and is not sent. For pictures of the "
            "provider, give another folder with --out."
        )


def _has_local_pictures(out: Path) -> bool:
    """Look into one of its pictures."""
    return any(map(drawn_locally, islice((out / IMAGES).glob("*"), 1)))


def _run(
    job: Job, client: Callable[[], AbstractAsyncContextManager[Client]], told: Telling
) -> JobReport:
    """Run a job; where an error ends it, conclude it all the same."""
    try:
        with told.open():
            return run_interruptibly(_send(job, client, told), _INTERRUPTED)
    except BaseException as error:
        error.add_note(job.again)
        if told.display.tally.ended:
            _conclude_beside(error, job, told.display)
        raise


async def _send(
    job: Job, client: Callable[[], AbstractAsyncContextManager[Client]], told: Telling
) -> JobReport:
    async with client() as opened:
        told.display.watch(opened.statistics)
        async with told.looking():
            return await run_job(
                opened,
                told.heeded(in_threads(job.requests())),
                out=job.out,
                drain=job.drain,
                fsync=job.fsync,
                embed=job.embed,
                seeds=job.seeds,
                retry_failed=job.retry_failed,
                give_up=job.give_up,
                budget=job.means.budget,
                on_outcome=told.display.show,
                on_rows=told.written,
                on_bad_row=told.bad,
                arguments={"command": typed.get()},
            )


def _conclude_beside(error: BaseException, job: Job, shown: Display) -> None:
    """Conclude a job that an error has ended, which is what is told of in the end."""
    now, ahead = shown.client(), job.ahead
    before = {"done": ahead.done, "failed": ahead.failed, "in doubt": ahead.in_doubt}
    try:
        _conclude(job, shown.tally.report(job.out, before, now.waited), now.learned)
    except OSError as undrawn:
        error.add_note(what_happened(undrawn))


def _conclude(job: Job, report: JobReport, learned: Iterable[Learned]) -> None:
    """Draw the gallery, and say what the job came to even where that cannot be drawn.

    Raises:
        OSError: It cannot be drawn.
    """
    try:
        if report.images or report.before:
            job.voice.result(str(_draw(job)))
    finally:
        _tell(job, report, learned)


def _draw(job: Job) -> Path:
    try:
        return draw_gallery(job.out, title=job.title)
    except OSError as error:
        error.add_note(
            f"The pictures are there; for the gallery: volcv gallery {quote(str(job.out))}"
        )
        raise


def _tell(job: Job, report: JobReport, learned: Iterable[Learned]) -> None:
    job.voice.result(report.line())
    if report.seconds >= _WORTH_A_WORD and report.time_line():
        note(report.time_line())
    for lesson in learned:
        note(in_words(lesson))
    for reason in report.reasons:
        insist(reason)
    if report.some_failed:
        insist(f"Each is a row of failed.jsonl or in_doubt.jsonl in {job.out}.")
    if report.in_doubt + report.in_doubt_before:
        insist("What is in doubt may be billed: only --in-doubt retry buys it again.")
    if costs := job.means.cost_line(report.paid + report.perhaps_paid):
        note(f"Cost{', at the most' if report.perhaps_paid else ''}: {costs}.")
    if report.budget_reached:
        insist(report.budget_line())
        insist(f"To go on, with a budget for that run: {typed.get()}")


def in_words(lesson: Learned) -> str:
    """Say what is known of the limits now, as one may state it the next time."""
    taught = " and ".join(_limits(lesson))
    return f"Learned of {lesson.model} at {lesson.account}: it took {taught}."


def _limits(lesson: Learned) -> Iterator[str]:
    if lesson.rate is not None:
        pace = f"{lesson.rate:.2g}"
        yield f"{pace} {'call' if pace == '1' else 'calls'} a second"
    if lesson.concurrency is not None:
        yield f"{lesson.concurrency} in flight"


def _code(report: JobReport) -> Exit:
    if report.budget_reached:
        return Exit.BUDGET
    return Exit.DONE if report.all_done else Exit.SOME_LEFT
