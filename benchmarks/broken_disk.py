"""The N-th disk, database or socket operation of a small run fails, for every N.

    python -m benchmarks.broken_disk [--sweep NAME] [--every 1] [--mode report] [--prompts 6]

A sweep makes one kind of fault strike at the first operation of ``volcv run``, then at the second,
and so on until there are no more. After each, the same words are run again with nothing in their
way. Then the provider's ledger is held against the folder: nothing is lost, nothing is paid twice
(with ``--mode retry``: no more than was in doubt), and database, rows and pictures are whole; and
neither run may end in a traceback, or hang.

The faults are real failures of system calls (see ``shim.c``), so this needs Linux and gcc. Each run
is a process forked from one that has imported everything already. The exit code is 1 if a zero is
not one.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import shutil
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import attrs

from benchmarks.commands import Command, End, write_list
from benchmarks.oracle import Mode, Zeros, doubted, judge_folder, read_folder
from benchmarks.shim import DISK, FILLING, SOCKETS, Control, Fault, Kind
from volcv_async.gateway import LocalGateway

_WORKERS = 2
_AT_URL = ("-p", "return_url=true")
_PATIENCE = 60  # seconds after which a run is taken for hung

_WARM = """
import json, os, signal, sys
import volcv_async.cli.run, volcv_async.transport
from volcv_async.cli import main

def run(words, log):
    signal.alarm(int(sys.argv[1]))
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    code = 70
    try:
        code = main(words)
    finally:
        if code == 70:
            import traceback; traceback.print_exc()
        sys.stdout.flush(); sys.stderr.flush()
        os._exit(code)

for line in sys.stdin:
    words, log = json.loads(line)
    child = os.fork()
    if not child:
        run(words, log)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@attrs.frozen(kw_only=True)
class Sweep:
    """One kind of fault that is made to strike everywhere.

    Attributes:
        name: What to call it.
        kinds: The operations that are counted and fail.
        error: What they fail with.
        times: How many fail in a row; 0: all from there on.
    """

    name: str
    kinds: Kind
    error: int
    times: int = 1

    def fault(self, out: Path, nth: int) -> Fault:
        """Give the fault that strikes at the ``nth`` operation."""
        return Fault(kinds=self.kinds, folder=out, first=nth, times=self.times, error=self.error)


SWEEPS = (
    Sweep(name="one write fails", kinds=DISK, error=errno.EIO),
    Sweep(name="no space, once", kinds=FILLING, error=errno.ENOSPC),
    Sweep(name="no space from then on", kinds=FILLING, error=errno.ENOSPC, times=0),
    Sweep(name="one read fails", kinds=Kind.READ, error=errno.EIO),
    Sweep(name="no file can be opened", kinds=Kind.OPEN, error=errno.EMFILE, times=0),
    Sweep(name="a socket is reset", kinds=SOCKETS, error=errno.ECONNRESET),
    Sweep(name="the network is gone", kinds=Kind.CONNECT, error=errno.ENETUNREACH, times=6),
)


class Warm:
    """A process that has imported everything and forks a ``volcv run`` when it is told to."""

    def __init__(self, process: Process, control: Control) -> None:
        self._process, self.control = process, control

    async def run(self, command: Command, log: Path) -> End:
        """Run it to its end."""
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{json.dumps([command.words, str(log)])}\n".encode())
        code = int(await self._process.stdout.readline())
        return End(code=None if code == -signal.SIGALRM else code, said=_taken(log))


def _taken(log: Path) -> str:
    """Read what a process said, and take it away."""
    said = log.read_text(encoding="utf-8", errors="replace")
    log.unlink()
    return said


@asynccontextmanager
async def warm(url: str, work: Path) -> AsyncGenerator[Warm]:
    """Start such a process; it ends with its standard input."""
    control = Control(work)
    anywhere = Command(url=url, prompts=work, out=work)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _WARM,
        str(_PATIENCE),
        stdin=PIPE,
        stdout=PIPE,
        env=anywhere.environment(control.environment),
    )
    try:
        yield Warm(process, control)
    finally:
        await process.communicate(b"")  # which closes its input


@attrs.frozen(kw_only=True)
class Strike:
    """What one fault, and the run after it, came to.

    Attributes:
        sweep: Which sweep it belongs to.
        nth: Which operation was struck.
        seen: How many operations the struck run made.
        hit: What was struck; none, if the run ended before.
        code: What the struck run ended with.
        completed: Prompts with their picture after both.
        in_doubt: Prompts in doubt after both.
        zeros: What must not be.
        wrong: The same and other oddities, in words.
    """

    sweep: Sweep
    nth: int
    seen: int
    hit: Kind
    code: int | None
    completed: int
    in_doubt: int
    zeros: Zeros
    wrong: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Bench:
    """Where the runs take place.

    Attributes:
        gateway: The provider.
        work: A folder for all.
        prompts: How many prompts a run has.
        mode: What becomes of what is in doubt.
    """

    gateway: LocalGateway
    work: Path
    prompts: int
    mode: Mode

    def command(self, name: str, *, at_url: bool) -> tuple[list[str], Command]:
        """Make a run with prompts and a folder of its own; its pictures may stand at URLs."""
        prompts = [f"{name}, prompt {number}" for number in range(self.prompts)]
        path = write_list(self.work / f"{name}.txt", prompts)
        return prompts, Command(
            url=self.gateway.url,
            prompts=path,
            out=(self.work / name).resolve(),
            options=("--concurrency", "2", "--in-doubt", self.mode, *(_AT_URL * at_url)),
        )


async def strike(bench: Bench, warmed: Warm, sweep: Sweep, nth: int) -> Strike:
    """Run with one fault, run again without, and judge; ``nth`` 0 strikes nothing."""
    at_url = not nth or Random(nth).random() < 0.5
    prompts, command = bench.command(f"{sweep.name} {nth}", at_url=at_url)
    log, control = bench.work / f"{sweep.name} {nth}.log", warmed.control
    control.arm(sweep.fault(command.out, nth))
    struck = await warmed.run(command, log)
    control.disarm()
    doubts = dict.fromkeys(doubted(command.out), 1) if bench.mode == "retry" else None
    seen, hit = control.seen, control.last if control.failed else Kind(0)
    again = await warmed.run(command, log)
    folder = read_folder(command.out)
    paid = bench.gateway.paid_by_prompt
    mine = {prompt: paid[prompt] for prompt in prompts if prompt in paid}
    zeros = judge_folder(prompts, folder, mine, doubts=doubts)
    ends = [f"struck: {struck.wrong}"] if struck.wrong else []
    ends += [f"then: {again.wrong or again.last_line}"] if again.wrong or again.code == 3 else []
    wrong = (*ends, *folder.torn, *([str(zeros)] if zeros else []))
    shutil.rmtree(command.out, ignore_errors=True)
    return Strike(
        sweep=sweep,
        nth=nth,
        seen=seen,
        hit=hit,
        code=struck.code,
        completed=len(folder.of("completed")),
        in_doubt=len(folder.of("in doubt")),
        zeros=zeros + Zeros(torn=len(ends)),
        wrong=wrong,
    )


async def sweep_all(bench: Bench, sweep: Sweep, every: int) -> list[Strike]:
    """Strike at every operation of a run, or at every so-manieth, a few side by side."""
    strikes: list[Strike] = []
    async with warm(bench.gateway.url, bench.work) as warmed:
        counted = await strike(bench, warmed, sweep, 0)
    places = iter(range(1, counted.seen + 1, every))

    async def work(left: Iterator[int]) -> None:
        async with warm(bench.gateway.url, bench.work) as warmed:
            for nth in left:
                strikes.append(await strike(bench, warmed, sweep, nth))  # noqa: PERF401 - one by one

    async with asyncio.TaskGroup() as workers:
        for _ in range(_WORKERS):
            workers.create_task(work(places))
    return [counted, *strikes]


def summary(sweep: Sweep, strikes: list[Strike], prompts: int, seconds: float) -> str:
    """Say in one line what a sweep came to."""
    struck = [one for one in strikes if one.hit]
    codes = Counter(one.code for one in struck)
    said = " ".join(f"{code} ({times})" for code, times in sorted(codes.items(), key=str))
    zeros = sum((one.zeros for one in strikes), Zeros())
    counts = [
        strikes[0].seen,
        len(struck),
        prompts * len(strikes),
        sum(one.completed for one in strikes),
        sum(one.in_doubt for one in strikes),
        zeros.lost,
        zeros.mispaired,
        zeros.paid_twice,
        zeros.torn,
    ]
    return f"{sweep.name:<24}" + "".join(f"{n:>11,}" for n in counts) + f"{seconds:>8.0f}   {said}"


_HEAD = "".join(
    f"{name:>11}"
    for name in (
        "operations",
        "struck",
        "prompts",
        "completed",
        "in doubt",
        "lost",
        "mispaired",
        "paid twice",
        "torn",
    )
)


async def run(sweeps: list[Sweep], every: int, prompts: int, mode: Mode) -> int:
    """Make the sweeps, print the table, and give the exit code."""
    code = 0
    print(f"{'':<24}{_HEAD}{'seconds':>8}   exit codes of the struck", flush=True)
    with tempfile.TemporaryDirectory() as work:
        async with LocalGateway(latency=0.0) as gateway:
            bench = Bench(gateway=gateway, work=Path(work), prompts=prompts, mode=mode)
            for sweep in sweeps:
                began = time.monotonic()
                strikes = await sweep_all(bench, sweep, every)
                seconds = time.monotonic() - began
                print(summary(sweep, strikes, prompts, seconds), flush=True)
                for one in strikes:
                    for text in one.wrong:
                        print(f"    operation {one.nth} ({one.hit.name}): {text}", flush=True)
                        code = 1
    return code


def main() -> int:
    """Read the words and make the sweeps."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [sweep.name for sweep in SWEEPS]
    parser.add_argument("--sweep", choices=names, action="append", help="only this one")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth operation")
    parser.add_argument("--prompts", type=int, default=6)
    parser.add_argument("--mode", choices=("report", "retry"), default="report")
    given = parser.parse_args()
    began = time.monotonic()
    chosen = [sweep for sweep in SWEEPS if sweep.name in (given.sweep or names)]
    code = asyncio.run(run(chosen, given.every, given.prompts, given.mode))
    print(f"{time.monotonic() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
