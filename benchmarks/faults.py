"""Every fault there is, again and again, with an oracle that counts what was paid for.

    python -m benchmarks.faults [--seeds 20] [--kind NAME] [--mode report] [--write FILE]

Each kind of fault meets the client with every seed, once where attempts in doubt are reported and
once where they are repeated: a dozen small requests, four in flight, about half of them struck. The
faults that the local gateway knows by name strike a stream in this process; the others strike a
real ``volcv run``, which is then run again. What the client says is held against the gateway's
ledger, and each picture against the prompt that it names.

All zeros must be zeros: requests lost, outcomes paired wrongly, paid twice (where attempts in doubt
are repeated: beyond what was in doubt), calls that outlive their timeout by more than a second,
tasks and sockets left over, files torn. The exit code is 1 if one is not. ``--write`` puts the
table into a page.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

from benchmarks.cells import CONCURRENCY, PROMPTS, RATE, Cell, library_cell
from benchmarks.oracle import NAMES, Mode
from benchmarks.struck_runs import STRUCK_RUNS, command_cell
from volcv_async.gateway import FAULTS

_WORKERS = 4  # cells mostly wait
MODES: tuple[Mode, ...] = ("report", "retry")

KINDS: Mapping[str, str] = {
    **{name: fault.does for name, fault in FAULTS.items()},
    **{name: does for name, (does, _) in STRUCK_RUNS.items()},
}
"""Every kind of fault, and what it does in a sentence."""

Sums = dict[tuple[str, Mode], Cell]


def cell(kind: str, seed: int, mode: Mode) -> Cell:
    """Carry out one cell, in whichever process."""
    play = command_cell if kind in STRUCK_RUNS else library_cell
    return asyncio.run(play(kind, seed, mode))


def _each(
    kinds: Sequence[str], seeds: int, modes: Sequence[Mode]
) -> Iterator[tuple[int, str, Mode]]:
    for seed, kind in product(range(seeds), kinds):
        for mode in modes:
            yield seed, kind, mode


def all_cells(kinds: Sequence[str], seeds: int, modes: Sequence[Mode]) -> Sums:
    """Carry out all cells in a few processes, and add them up; say at once what is wrong."""
    sums: Sums = {}
    with ProcessPoolExecutor(_WORKERS) as workers:
        # Seed by seed, so that kinds which wait share the processors with those that work.
        places: dict[Future[Cell], tuple[str, Mode, int]] = {
            workers.submit(cell, kind, seed, mode): (kind, mode, seed)
            for seed, kind, mode in _each(kinds, seeds, modes)
        }
        for future in as_completed(places):
            kind, mode, seed = places[future]
            done = future.result()
            sums[kind, mode] = sums.get((kind, mode), Cell()) + done
            for text in done.wrong:
                print(f"{kind}, seed {seed}, {mode}: {text}", flush=True)
    return sums


_ZEROS = tuple(name.replace("_", " ") for name in NAMES)


def _numbers(sums: Sums, kind: str, mode: Mode) -> dict[str, int]:
    """Give the numbers of a kind, by the heads of their columns."""
    one = sums[kind, mode]
    zeros = [getattr(one.zeros, name) for name in NAMES]
    counts = {"asked": one.asked, "struck": one.struck, "completed": one.completed}
    counts |= {"failed": one.failed, "in doubt": one.in_doubt}
    if mode == "retry":
        counts |= {"doubts": one.doubts, "paid again": one.again}
    return counts | dict(zip(_ZEROS, zeros, strict=True))


def table(sums: Sums, kinds: Sequence[str], mode: Mode) -> str:
    """Say it in columns, for a terminal."""
    wide = max(len(mode), *map(len, kinds)) + 1
    lines = [f"{mode:<{wide}}{' '.join(_numbers(sums, kinds[0], mode))}"]
    for kind in kinds:
        row = [f"{n:>{len(head)},}" for head, n in _numbers(sums, kind, mode).items()]
        lines.append(f"{kind:<{wide}}{' '.join(row)}")
    return "\n".join(lines)


def page(sums: Sums, kinds: Sequence[str], seeds: int) -> str:
    """Make the page of the documentation."""
    how = {"seeds": seeds, "prompts": PROMPTS, "concurrency": CONCURRENCY, "rate": f"{RATE:.0%}"}
    parts = [_INTRODUCTION.format(**how), *_rows(sums, kinds, "report"), _REPEATED]
    return "\n".join([*parts, *_rows(sums, kinds, "retry")]) + "\n"


def _rows(sums: Sums, kinds: Sequence[str], mode: Mode) -> Iterator[str]:
    """Give the lines of a table in Markdown; what each fault does stands in the first."""
    heads = list(_numbers(sums, kinds[0], mode))
    told = mode == "report"
    yield f"| fault | {'what happens | ' * told}{' | '.join(heads)} |"
    yield f"|---|{'---|' * told}{'--:|' * len(heads)}"
    totals = [0] * len(heads)
    for kind in kinds:
        numbers = list(_numbers(sums, kind, mode).values())
        totals = [sum(both) for both in zip(totals, numbers, strict=True)]
        does = f"{KINDS[kind]} | " if told else ""
        yield f"| `{kind}` | {does}{' | '.join(f'{n:,}' for n in numbers)} |"
    yield f"| **all** | {'| ' * told}{' | '.join(f'**{n:,}**' for n in totals)} |"


_INTRODUCTION = """# Faults, and what they cost

```{{literalinclude}} ../examples/half_a_reply.py
:language: python
```

```{{literalinclude}} ../examples/half_a_reply.out
:language: text
```

What was struck may have been paid for and is said to be in doubt; nothing is paid for twice. So it
is with every other fault:

```
python -m benchmarks.faults --write docs/reference/faults.md
```

made the tables below. Each kind of fault met the client with {seeds} seeds: {prompts} requests,
{concurrency} in flight, about {rate} of them struck. The faults that the local gateway knows by
name (`volcv serve --faults`) struck a stream; the others struck a `volcv run`, which was then run
again with the same words. `unsolicited_reply` finds nothing to strike, because each paid call has
a connection of its own.

## In doubt, and reported

With `in_doubt="report"`, the default: requests asked for, faults that struck, and how the requests
ended. The last six must be zero:

- lost: requests without an outcome, payments that the client calls none, and pictures that were
  paid for and can no longer be had;
- mispaired: outcomes with another's picture, or two for one request;
- paid twice: what the provider's ledger counts beyond the first for a prompt;
- late: calls that outlived their timeout, or their drain, by more than a second in which there was
  a core to run on;
- left over: tasks and sockets still there when all is over;
- torn: databases, rows and pictures that are not whole.
"""

_REPEATED = """
## In doubt, and repeated

With `in_doubt="retry"`: the same, with the attempts that were in doubt, and the payments beyond the
first for a prompt, which are never more than those were. Paid twice is what goes beyond that.
"""


def main() -> int:
    """Carry out the matrix, print it, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", help="only this one")
    parser.add_argument("--mode", choices=MODES, action="append", help="only this one")
    parser.add_argument("--write", type=Path, help="the page to write")
    given = parser.parse_args()
    began = time.monotonic()
    kinds: list[str] = given.kind or list(KINDS)
    modes: list[Mode] = given.mode or list(MODES)
    sums = all_cells(kinds, given.seeds, modes)
    for mode in modes:
        print(table(sums, kinds, mode))
    print(f"{sum(one.cells for one in sums.values())} cells, {time.monotonic() - began:.0f} s")
    if given.write:
        given.write.write_text(page(sums, kinds, given.seeds), encoding="utf-8")
    return 1 if any(one.zeros or one.wrong for one in sums.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
