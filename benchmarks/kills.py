"""``volcv run`` killed at random moments, and started again with the same words.

    python -m benchmarks.kills [--runs 200] [--seed 0]

Each run is a list of 200 to 400 prompts and a folder of its own. It is killed with SIGKILL three to
five times: mostly after a random number of further requests has reached the provider, now and then
after a random time, which may be before it has sent anything. After each kill the journal is read
and checked; then it is started again with the same words, and in the end let finish. Half of the
runs report what is in doubt, half buy it again. Two run side by side.

What the provider was paid for each prompt is held against the folder: nothing is lost, nothing is
paid twice beyond what was under way at a kill (not even that, where it is reported), and every
database, row and picture is whole. The exit code is 1 if that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random

import attrs

from benchmarks.commands import Arrivals, Command, ended, write_list
from benchmarks.oracle import Folder, Mode, Zeros, judge_folder, look_at_journal, read_folder
from volcv_async.gateway import LocalGateway

_SIDE_BY_SIDE = 2
_BY_TIME = 0.25  # the share of kills that go by the clock
_LONGEST = 1.2  # seconds after the start at which those come, at the latest
_TIME_SCALE = 0.002  # calls of some 30 ms
_IN_FLIGHT = "8"


@attrs.frozen(kw_only=True)
class Result:
    """What one or several runs came to.

    Attributes:
        runs: How many.
        kills: How often a process was killed.
        prompts: Prompts on the lists.
        completed: Prompts with their picture in the end.
        in_doubt: Prompts in doubt in the end.
        under_way: Calls that the journal knew to be under way, over all kills.
        again: Payments beyond the first for a prompt.
        zeros: What must not be.
        wrong: The same and other oddities, in words.
    """

    runs: int = 0
    kills: int = 0
    prompts: int = 0
    completed: int = 0
    in_doubt: int = 0
    under_way: int = 0
    again: int = 0
    zeros: Zeros = Zeros()
    wrong: tuple[str, ...] = ()

    def __add__(self, other: Result) -> Result:
        """Add up two."""
        both = {name: getattr(self, name) + getattr(other, name) for name in _FIELDS}
        return Result(**both)


_FIELDS = tuple(attrs.fields_dict(Result))


@attrs.define
class Killing:
    """One run on its way: it knows the random numbers, and keeps what each kill left."""

    command: Command
    arrivals: Arrivals
    random: Random
    kills: int = 0
    under_way: Counter[str] = attrs.field(factory=Counter[str])
    wrong: list[str] = attrs.field(factory=list[str])

    async def kill(self, prompts: int) -> bool:
        """Start it and kill it; tell whether it was still there to be killed."""
        process = await self.command.start()
        if self.random.random() < _BY_TIME:
            await asyncio.sleep(self.random.uniform(0, _LONGEST))
        else:
            await self.arrivals.more(self.random.randint(1, prompts // 5), process)
            await asyncio.sleep(self.random.uniform(0, 0.05))
        alive = process.returncode is None
        if alive:
            process.kill()
            self.kills += 1
        end = await ended(process)
        if not alive and end.wrong:
            self.wrong.append(end.wrong)
        journal = look_at_journal(self.command.out)
        self.under_way.update(journal.under_way)
        self.wrong += journal.torn
        return alive

    async def finish(self) -> None:
        """Let it come to its end."""
        end = await ended(await self.command.start())
        if end.wrong or end.code not in {0, 1}:
            self.wrong.append(end.wrong or f"it ended with {end.code}: {end.said}")


async def one_run(number: int, seed: int, work: Path) -> Result:
    """Kill one run again and again, let it finish, and judge it."""
    random = Random(f"kills {seed}, run {number}")
    mode: Mode = "retry" if number % 2 else "report"
    prompts = [f"run {number}, prompt {nth}" for nth in range(random.randint(200, 400))]
    arrivals = Arrivals()
    async with LocalGateway(time_scale=_TIME_SCALE, seed=number, answer=arrivals) as gateway:
        command = Command(
            url=gateway.url,
            prompts=write_list(work / f"list {number}.txt", prompts),
            out=work / f"out {number}",
            options=("--concurrency", _IN_FLIGHT, "--in-doubt", mode),
        )
        killing = Killing(command, arrivals, random)
        kills = random.randint(3, 5)
        while killing.kills < kills and await killing.kill(len(prompts)):
            pass
        await killing.finish()
        result = _judge(mode, prompts, killing, read_folder(command.out), gateway.paid_by_prompt)
    shutil.rmtree(command.out)
    return _named(number, result)


def _judge(
    mode: Mode, prompts: list[str], killing: Killing, folder: Folder, paid: Mapping[str, int]
) -> Result:
    doubts = killing.under_way if mode == "retry" else None
    zeros = judge_folder(prompts, folder, paid, doubts=doubts)
    return Result(
        runs=1,
        kills=killing.kills,
        prompts=len(prompts),
        completed=len(folder.of("completed")),
        in_doubt=len(folder.of("in doubt")),
        under_way=killing.under_way.total(),
        again=sum(paid.values()) - len(paid),
        zeros=zeros + Zeros(torn=len(killing.wrong)),
        wrong=(*killing.wrong, *folder.torn, *_undone(mode, folder), *([str(zeros)] * bool(zeros))),
    )


def _undone(mode: Mode, folder: Folder) -> list[str]:
    """Say what should have ended otherwise: nothing fails here, and ``retry`` leaves no doubt."""
    failed, doubted = len(folder.of("failed")), len(folder.of("in doubt"))
    left = failed + (doubted if mode == "retry" else 0)
    return [f"{failed} failed, {doubted} in doubt"] if left else []


def _named(number: int, result: Result) -> Result:
    return attrs.evolve(result, wrong=tuple(f"run {number}: {text}" for text in result.wrong))


async def all_runs(runs: int, seed: int) -> dict[Mode, Result]:
    """Make the runs, a few side by side, and add them up by mode."""
    sums: dict[Mode, Result] = {"report": Result(), "retry": Result()}
    side_by_side = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(number: int, work: Path) -> None:
        async with side_by_side:
            result = await one_run(number, seed, work)
        mode: Mode = "retry" if number % 2 else "report"
        sums[mode] += result
        for text in result.wrong:
            print(text, flush=True)

    with tempfile.TemporaryDirectory() as work:
        async with asyncio.TaskGroup() as tasks:
            for number in range(runs):
                tasks.create_task(one(number, Path(work)))
    return sums


def table(sums: Mapping[Mode, Result]) -> str:
    """Say it in a table."""
    columns = ("runs", "kills", "prompts", "completed", "in_doubt", "under_way", "again")
    zeros = ("lost", "mispaired", "paid_twice", "torn")
    names = [name.replace("_", " ") for name in (*columns, *zeros)]
    lines = ["        " + "".join(f"{name:>11}" for name in names)]
    for mode, result in sums.items():
        values = [getattr(result, name) for name in columns]
        values += [getattr(result.zeros, name) for name in zeros]
        lines.append(f"{mode:<8}" + "".join(f"{value:>11,}" for value in values))
    return "\n".join(lines)


def main() -> int:
    """Make the runs and judge them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    began = time.monotonic()
    sums = asyncio.run(all_runs(given.runs, given.seed))
    print(table(sums))
    print(f"under way: calls that the journals knew at the kills; {time.monotonic() - began:.0f} s")
    return 1 if any(result.zeros or result.wrong for result in sums.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
