"""``volcv run`` and ``volcv demo``: a list in, a folder and its gallery out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from functools import partial
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from volcv_async.cli.ahead import AmountOf, DryRun, Means, Price, foretell, means
from volcv_async.cli.clients import account_for, open_client
from volcv_async.cli.fitness import fitness
from volcv_async.cli.interrupts import run_interruptibly
from volcv_async.cli.messages import insist, note, result
from volcv_async.cli.options import (
    AsJson,
    Concurrency,
    Fields,
    InMatrix,
    Limit,
    ListFormat,
    Local,
    LogFile,
    Model,
    Quiet,
    Rate,
    Repeat,
    Sample,
    Shared,
    Strict,
    Verbose,
    Where,
    check_seconds,
    parse_axes,
    parse_conditions,
    parse_fields,
    stated_limits,
)
from volcv_async.cli.session import Exit, reading_input, typed
from volcv_async.cli.voice import Telling, Voice
from volcv_async.client import Client
from volcv_async.config import Limits, RetryPolicy
from volcv_async.errors import InvalidRequestError
from volcv_async.events import Learned
from volcv_async.job import (
    BadRow,
    JobReport,
    Listed,
    Matrix,
    Seeds,
    Survey,
    Wishes,
    draw_gallery,
    look_ahead,
    read_list,
    survey,
)
from volcv_async.job import run as run_job
from volcv_async.job.lists import STANDARD_INPUT, PromptList, in_threads, name_of, spooled
from volcv_async.models import variant

_INTERRUPTED = (
    "Interrupted: nothing new goes out, and what is in flight is awaited. "
    "Once more cuts it off, and it may have been billed."
)
_WORTH_A_WORD = 2.0  # seconds from which on a run tells what they went to
_DEMO = "demo_prompts.txt"
_DEMO_CONCURRENCY = 6
# Slow enough to be watched, quick enough to be waited for.
_DEMO_TIME_SCALE = 0.04


@attrs.frozen(kw_only=True)
class _Job:
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


def run(
    *prompts: Annotated[
        str | Path,  # it comes as a text, as axes need; a shell completes it as a path
        Parameter(
            name="LIST",
            help="Lists: txt, tsv, csv, json, jsonl, parquet; a folder of .txt; - is stdin.",
            allow_leading_hyphen=True,  # for - alone
        ),
    ],
    out: Annotated[
        Path, Parameter(name=["--out", "-o"], help="The folder for what comes of it.")
    ] = Path("out"),
    prompt_column: Annotated[
        str | None, Parameter(help="The column or key of the prompt; default: prompt.")
    ] = None,
    format: ListFormat = None,  # noqa: A002 - it is the option's name
    matrix: InMatrix = None,
    where: Where = (),
    sample: Sample = None,
    limit: Limit = None,
    repeat: Repeat = 1,
    strict: Strict = False,
    model: Model = "GeneralV21",
    fields: Fields = (),
    rate: Rate = None,
    concurrency: Concurrency = None,
    shared: Shared = None,
    local: Local = False,
    in_doubt: Annotated[
        Literal["report", "retry"],
        Parameter(help="What may have been billed already: report it, or buy it again."),
    ] = "report",
    retry_failed: Annotated[
        bool,
        Parameter(
            help="Send again what was refused for its content, or failed and may be billed.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    rerolls: Annotated[
        int, Parameter(help="Fresh seeds for a picture that was made and then refused.")
    ] = 0,
    seed: Annotated[
        Seeds,
        Parameter(help="Where seeds that are left open come from: the list, or the server."),
    ] = "list",
    give_up: Annotated[
        float, Parameter(help="Seconds of an outage after which the run ends.")
    ] = 1800.0,
    drain: Annotated[
        float, Parameter(help="Seconds that calls in flight are given after Ctrl-C.")
    ] = 60.0,
    no_fsync: Annotated[
        bool,
        Parameter(
            help="Wait for no disk; not safe from power cuts.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    embed: Annotated[
        bool,
        Parameter(
            help="Write prompt and parameters into the pictures.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_file: LogFile = None,
    dry_run: DryRun = False,
    budget: AmountOf = None,
    price: Price = None,
) -> int:
    """Turn a prompt list into a folder of images, or go on where that stopped."""
    with reading_input():
        given = _lists(list(map(str, prompts)), matrix)
        check_seconds(drain, give_up)
        voice = Voice(as_json=as_json, quiet=quiet, verbose=verbose, log=log_file)
        if dry_run:
            voice.refuse_for_a_dry_run()
        chosen = variant(model)
        values = parse_fields(chosen, fields)
        limits = stated_limits(rate, concurrency, shared, local=local)
        policy = RetryPolicy(in_doubt=in_doubt, rerolls=rerolls)
        wishes = Wishes(retry_failed=retry_failed, in_doubt=in_doubt == "retry")
        conditions = parse_conditions(where)
        can_pay = means(budget, price)
    with ExitStack() as held:
        with reading_input():
            held.enter_context(voice.speaking())
            lists = held.enter_context(spooled(given, Path(gettempdir()) if dry_run else out))
            requests = partial(
                read_list,
                *lists,
                model=chosen,
                prompt_column=prompt_column,
                fields=values,
                format=format,
                where=conditions,
                sample=sample,
                limit=limit,
                repeat=repeat,
                strict=strict or matrix is not None,  # there the words are to be corrected
            )
            _check(requests, lists, result if dry_run else note)
        account = account_for(local=local)
        if dry_run:
            with reading_input():
                ahead = look_ahead(out, requests(), wishes=wishes, seeds=seed)
            foretell(ahead, limits, account, can_pay)
            return Exit.DONE
        with reading_input():
            job = _Job(
                requests=requests,
                out=out,
                ahead=survey(out, requests(), wishes=wishes, seeds=seed),
                drain=drain,
                fsync=not no_fsync,
                embed=embed,
                seeds=seed,
                retry_failed=retry_failed,
                give_up=give_up,
                again=f"To go on where it stopped: {typed.get()}",
                means=can_pay,
                voice=voice,
            )
        return _carry_out(
            job, lambda: open_client(limits, policy, account=account, on_event=voice.on_event)
        )


def demo(
    *,
    out: Annotated[
        Path, Parameter(name=["--out", "-o"], help="The folder; numbered if it is taken.")
    ] = Path("volcv-demo"),
) -> int:
    """Draw a gallery from built-in prompts: no key, no network."""
    note("The local gateway draws these pictures on this machine. No model makes them.")
    limits = Limits(concurrency=_DEMO_CONCURRENCY)
    account_for(local=True)
    with as_file(files("volcv_async.cli").joinpath(_DEMO)) as prompts:
        with reading_input():
            job = _Job(
                requests=lambda: read_list(prompts),
                out=(fresh := _fresh(out)),
                ahead=survey(fresh, read_list(prompts), wishes=Wishes()),
                drain=0.0,
                title="volcv demo",
            )
        code = _carry_out(job, lambda: open_client(limits, time_scale=_DEMO_TIME_SCALE))
    result(f"Open it in a browser: {(job.out / 'index.html').resolve().as_uri()}")
    return code


def _carry_out(job: _Job, client: Callable[[], AbstractAsyncContextManager[Client]]) -> int:
    told = job.voice.telling(job.means.of(job.ahead.to_do) + job.ahead.to_fetch + job.ahead.bad)
    if job.ahead.goes_on:
        note(f"Going on in {job.out}: {job.ahead.line()}.")
    shown = told.display
    try:
        with told.open():
            report = run_interruptibly(_send(job, client, told), _INTERRUPTED)
    except BaseException as error:
        error.add_note(job.again)
        if shown.tally.ended:
            waited = shown.client().waited
            _conclude(job, shown.tally.report(job.out, waited=waited), shown.client().learned)
        raise
    _conclude(job, report, shown.client().learned)
    if report.budget_reached:
        return Exit.BUDGET
    return Exit.DONE if report.all_done else Exit.SOME_LEFT


async def _send(
    job: _Job, client: Callable[[], AbstractAsyncContextManager[Client]], told: Telling
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


def _conclude(job: _Job, report: JobReport, learned: Iterable[Learned]) -> None:
    if report.images or report.before:
        job.voice.result(str(draw_gallery(job.out, title=job.title)))
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


def _lists(words: Sequence[str], template: str | None) -> Sequence[Path | Matrix]:
    _refuse_options(words)
    return list(map(Path, words)) if template is None else [Matrix(template, parse_axes(words))]


def _refuse_options(words: Sequence[str]) -> None:
    if not words:
        raise InvalidRequestError("No list is given.", help="See volcv run --help.")
    for name in words:
        if name.startswith("-") and name != STANDARD_INPUT:
            cure = f"See volcv run --help. A list of that name is ./{name}."
            raise InvalidRequestError(f"Unknown option: {name}.", help=cure)


def _check(
    requests: Callable[[], Iterator[Listed | BadRow]],
    lists: Sequence[PromptList],
    say: Callable[[str], None],
) -> None:
    """Read all lists before the folder is touched, so that their mistakes leave no trace."""
    found = fitness(requests())
    if not found.good:
        names = ", ".join(map(name_of, lists))
        raise InvalidRequestError(f"{names} holds no prompts.", help="Nothing was sent.")
    if line := found.line():
        say(line)


def in_words(lesson: Learned) -> str:
    """Say what refusals have taught, as one may state it the next time."""
    rate = "" if lesson.rate is None else f"{lesson.rate:.2g} calls a second"
    slots = "" if lesson.concurrency is None else f"{lesson.concurrency} in flight"
    taught = " and ".join(filter(None, [rate, slots]))
    return f"Learned of {lesson.model} at {lesson.account}: it takes {taught}."


def _fresh(out: Path) -> Path:
    """Find a folder that is not there yet: the one given, or the next of its numbers."""
    numbered = (out.with_name(f"{out.name}-{number}") for number in count(2))
    return out if not out.exists() else next(path for path in numbered if not path.exists())
