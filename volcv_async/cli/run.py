"""``volcv run``: a list in, a folder and its gallery out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Literal

from cyclopts import Parameter

from volcv_async.cli.ahead import AmountOf, DryRun, Price, foretell, means
from volcv_async.cli.clients import account_for, is_on_this_machine, open_client
from volcv_async.cli.fitness import aloud, fitness, refuse_part
from volcv_async.cli.job import Job, carry_out
from volcv_async.cli.messages import note, result
from volcv_async.cli.objects import goes_into_a_pipe
from volcv_async.cli.options import (
    CALLS,
    GOING_ON,
    LIST,
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
from volcv_async.cli.voice import Voice
from volcv_async.config import RetryPolicy
from volcv_async.errors import InvalidRequestError
from volcv_async.job import (
    BadRow,
    Listed,
    Matrix,
    Seeds,
    Wishes,
    look_ahead,
    read_list,
    survey,
)
from volcv_async.job.lists import STANDARD_INPUT, PromptList, name_of, spooled
from volcv_async.models import variant

_ENTERING = "Looking up what is done"


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
        str | None, Parameter(group=LIST, help="The column or key of the prompt; default: prompt.")
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
        Parameter(
            group=GOING_ON, help="What may have been billed already: report it, or buy it again."
        ),
    ] = "report",
    retry_failed: Annotated[
        bool,
        Parameter(
            group=GOING_ON,
            help="Send again what was refused for its content, or failed and may have been billed.",
            negative=(),
            show_default=False,
        ),
    ] = False,
    rerolls: Annotated[
        int,
        Parameter(group=CALLS, help="Fresh seeds for a picture that was made and then refused."),
    ] = 0,
    seed: Annotated[
        Seeds,
        Parameter(
            group=CALLS, help="Where seeds that are left open come from: the list, or the server."
        ),
    ] = "list",
    give_up: Annotated[
        float, Parameter(group=GOING_ON, help="Seconds of an outage after which the run ends.")
    ] = 1800.0,
    drain: Annotated[
        float,
        Parameter(group=GOING_ON, help="Seconds that calls in flight are given after Ctrl-C."),
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
    as_json: AsJson = None,
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
        objects = goes_into_a_pipe() and not dry_run if as_json is None else as_json
        voice = Voice(as_json=objects, quiet=quiet, verbose=verbose, log=log_file)
        if dry_run:
            voice.refuse_for_a_dry_run()
        chosen = variant(model)
        values = parse_fields(chosen, fields)
        limits = stated_limits(rate, concurrency, shared, local=local)
        policy = RetryPolicy(in_doubt=in_doubt, rerolls=rerolls)
        wishes = Wishes(retry_failed=retry_failed, in_doubt=in_doubt == "retry")
        conditions = parse_conditions(where)
        can_pay = means(budget, price)
        if conditions or sample or limit:
            refuse_part(given, out)
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
                ahead = look_ahead(out, aloud(requests(), _ENTERING), wishes=wishes, seeds=seed)
            foretell(ahead, limits, account, can_pay)
            return Exit.DONE
        with reading_input():
            job = Job(
                requests=requests,
                out=out,
                ahead=survey(out, aloud(requests(), _ENTERING), wishes=wishes, seeds=seed),
                drain=drain,
                fsync=not no_fsync,
                embed=embed,
                seeds=seed,
                retry_failed=retry_failed,
                give_up=give_up,
                again=f"To go on where it stopped: {typed.get()}",
                means=can_pay,
                voice=voice,
                local=is_on_this_machine(account),
            )
        return carry_out(
            job, lambda: open_client(limits, policy, account=account, on_event=voice.on_event)
        )


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
    found = fitness(aloud(requests(), "Checking the list"))
    if not found.good:
        names = ", ".join(map(name_of, lists))
        raise InvalidRequestError(f"{names} holds no prompts.", help="Nothing was sent.")
    if line := found.line():
        say(line)
