"""A cell of the matrix: one kind of fault, one seed, one way with what is in doubt.

Here the client runs in this process, through ``Client.stream``, against a gateway that a named
fault strikes at about half of its requests. ``struck_runs`` has the cells in which ``volcv run`` is
a process, and what is struck is that process, its system or its certificates.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

import volcv_async as volcv
from benchmarks.oracle import Ending, Mode, Zeros, ending_of, judge, late
from volcv_async.gateway import FaultTimes, LocalGateway

PROMPTS = 12
CONCURRENCY = 4
RATE = 0.5
"""The share of requests that is struck."""

_ATTEMPT = 1.0
_DEADLINE = 6.0
_TIMEOUTS = volcv.Timeouts(connect=1.0, attempt=_ATTEMPT, deadline=_DEADLINE)
_TIMES = FaultTimes(closed=0.2, drip=0.02)
_LATENCY = 0.02
_QUEUED = Path("/proc/thread-self/schedstat")  # its second number: nanoseconds without a core
_SETTLING = 1.0  # seconds that sockets and tasks are given to go away


@attrs.frozen(kw_only=True)
class Cell:
    """What one or several cells came to; they are added up over seeds.

    Attributes:
        cells: How many.
        asked: Requests that went in.
        struck: Faults that struck.
        completed: Requests that ended with their picture.
        failed: Requests that ended without, for a known reason.
        in_doubt: Requests that ended in doubt.
        doubts: Attempts in doubt.
        again: Payments beyond the first for a request.
        zeros: What must not be.
        wrong: The same and other oddities, in words.
    """

    cells: int = 0
    asked: int = 0
    struck: int = 0
    completed: int = 0
    failed: int = 0
    in_doubt: int = 0
    doubts: int = 0
    again: int = 0
    zeros: Zeros = Zeros()
    wrong: tuple[str, ...] = ()

    def __add__(self, other: Cell) -> Cell:
        """Add up two."""
        return Cell(**{name: getattr(self, name) + getattr(other, name) for name in _FIELDS})


_FIELDS = tuple(attrs.fields_dict(Cell))


@attrs.define
class Watch:
    """Hears what a client does, and times it by a clock of its own.

    Attributes:
        doubts: Attempts in doubt, by prompt.
        late: Attempts and requests that outlived their timeout.
    """

    doubts: Counter[str] = attrs.field(factory=Counter[str])
    late: int = 0
    _began: dict[tuple[int, int], float] = attrs.field(factory=dict[tuple[int, int], float])
    _pulled: dict[str, float] = attrs.field(factory=dict[str, float])

    def __call__(self, event: volcv.Event) -> None:
        """Hear an event."""
        match event:
            case volcv.AttemptStarted(attempt=attempt):
                self._began[attempt.index, attempt.number] = awake()
            case volcv.AttemptEnded(attempt=attempt, ending=ending):
                began = self._began.pop((attempt.index, attempt.number))
                self.late += late(awake() - began, _ATTEMPT)
                self.doubts[prompt_of(attempt.request)] += ending == "in doubt"
            case _:
                pass

    def pull(self, requests: list[volcv.GeneralV14]) -> Iterator[volcv.GeneralV14]:
        """Give requests, and note when each is pulled."""
        for request in requests:
            self._pulled[request.prompt] = awake()
            yield request

    def take(self, outcome: volcv.Outcome) -> Ending:
        """Note that an outcome has come."""
        seconds = awake() - self._pulled.pop(prompt_of(outcome.request))
        self.late += late(seconds, _DEADLINE)
        return ending_of(outcome)


def awake() -> float:
    """Tell the time, in seconds, by a clock that stands while this thread waits for a core.

    On a machine that is busy with other things, a call that outlives its timeout for want of one
    has not been kept too long by its client. Off Linux it is the usual clock.
    """
    try:
        waited = int(_QUEUED.read_bytes().split()[1])
    except OSError:
        waited = 0
    return time.monotonic() - waited / 1e9


def prompt_of(request: object) -> str:
    """Give the prompt of a request."""
    return str(getattr(request, "prompt", ""))


def prompts_of(kind: str, seed: int, mode: Mode) -> list[str]:
    """Make the prompts of a cell, no two of them alike."""
    return [f"{kind}, seed {seed}, {mode}, prompt {number}" for number in range(PROMPTS)]


def picture(prompt: str, *, at_url: bool = False) -> volcv.GeneralV14:
    """Ask for the smallest picture there is."""
    return volcv.GeneralV14(prompt=prompt, width=128, height=128, return_url=at_url)


async def library_cell(kind: str, seed: int, mode: Mode) -> Cell:
    """Let a fault of the gateway strike a stream of requests, and judge what comes of it."""
    sockets, tasks = open_sockets(), asyncio.all_tasks()
    cell = await _stream(kind, seed, mode)
    left = await _left_over(sockets, tasks)
    return cell + Cell(
        zeros=Zeros(left_over=len(left)), wrong=tuple(f"left: {one}" for one in left)
    )


async def _stream(kind: str, seed: int, mode: Mode) -> Cell:
    watch, prompts = Watch(), prompts_of(kind, seed, mode)
    # Every other picture stands at a URL, so that downloads are struck, too.
    always = kind == "expired_url"
    requests = [picture(p, at_url=always or nth % 2 == 0) for nth, p in enumerate(prompts)]
    gateway = LocalGateway(latency=_LATENCY, seed=seed, fault_times=_TIMES)
    async with gateway, _client(gateway, mode, watch) as client:
        await client.generate(picture("one before all, so that this is no newcomer's mistake"))
        gateway.faults = {kind: RATE}
        endings, wrong = await _carry(client, watch, requests)
    paid = Counter({prompt: gateway.paid_by_prompt.get(prompt, 0) for prompt in prompts})
    doubts = watch.doubts if mode == "retry" else None
    zeros = judge(prompts, endings, paid, doubts=doubts) + Zeros(late=watch.late)
    if gateway.redirected:
        wrong.append(f"{gateway.redirected} requests followed a redirect")
    return count(
        endings,
        asked=len(prompts),
        struck=sum(gateway.struck.values()),
        doubts=watch.doubts.total(),
        again=sum(max(0, times - 1) for times in paid.values()),
        zeros=zeros,
        wrong=tuple(wrong),
    )


def _client(gateway: LocalGateway, mode: Mode, watch: Watch) -> volcv.Client:
    return volcv.Client(
        gateway.account(limits=volcv.Limits(concurrency=CONCURRENCY)),
        timeouts=_TIMEOUTS,
        retry=volcv.RetryPolicy(in_doubt=mode, pause=0.02, longest_pause=0.1),
        on_event=watch,
    )


async def _carry(
    client: volcv.Client, watch: Watch, requests: list[volcv.GeneralV14]
) -> tuple[list[Ending], list[str]]:
    """Take all outcomes; give them, and what ended the stream early, in words."""
    endings, wrong = list[Ending](), list[str]()
    stream = client.stream(watch.pull(requests), concurrency=CONCURRENCY)
    try:
        async with stream as outcomes:
            async for outcome in outcomes:
                endings.append(watch.take(outcome))
    except volcv.VolcvError as error:
        wrong.append(f"the stream ended with {type(error).__name__}: {error}")
    endings += [watch.take(outcome) for outcome in stream.leftover]
    return endings, wrong


def count(endings: list[Ending], *, zeros: Zeros, wrong: tuple[str, ...], **more: Any) -> Cell:  # noqa: ANN401 - the other numbers of a cell
    """Make a cell of endings and what was made of them."""
    kinds = Counter(ending.kind for ending in endings)
    return Cell(
        cells=1,
        completed=kinds["completed"],
        failed=kinds["failed"],
        in_doubt=kinds["in doubt"],
        zeros=zeros,
        wrong=(*wrong, *([str(zeros)] if zeros else [])),
        **more,
    )


def open_sockets() -> set[str]:
    """Give the sockets that this process has open, as Linux names them."""
    return set(_links())


def _links() -> Iterator[str]:
    for file in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is wanted
        with _gone():
            link = os.readlink(f"/proc/self/fd/{file}")  # noqa: PTH115 - it leads to no file
            if link.startswith("socket:"):
                yield link


@contextmanager
def _gone() -> Generator[None]:
    """Let a file be closed between being listed and being looked at."""
    try:
        yield
    except FileNotFoundError:
        return


async def _left_over(sockets: set[str], tasks: set[asyncio.Task[Any]]) -> list[str]:
    """Name the sockets and tasks that are still there when they have had time to go."""
    ends = awake() + _SETTLING
    left = _more(sockets, tasks)
    while left and awake() < ends:
        await asyncio.sleep(0.01)
        left = _more(sockets, tasks)
    return left


def _more(sockets: set[str], tasks: set[asyncio.Task[Any]]) -> list[str]:
    return [*(open_sockets() - sockets), *(repr(task) for task in asyncio.all_tasks() - tasks)]
