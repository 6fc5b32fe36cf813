"""The command: count, compare with what is recorded, and fail if a step is dearer.

    python -m benchmarks.hot_path [--record] [--markdown FILE] [--instructions]

The exit code is 1 if a step, or all together, is called for a tenth more than is recorded in
``hot_path.json``, by at least one call a request; or if reading a reply takes a tenth more memory.
Figures are recorded for the versions that CI installs. With others only the rooms of this library
are compared, and what differs is said.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.hot_path import figures, judging, measuring, pages
from benchmarks.hot_path.figures import Costs
from benchmarks.hot_path.judging import Compared

_RECORD = "python -m benchmarks.hot_path --record"


def report(found: Costs, recorded: Costs | None) -> int:
    """Print all that is to be said; give the exit code."""
    print(*judging.table(found, recorded), sep="\n")
    for size, memory in found.memory.items():
        print(f"{size} reply: {memory.peak:,} B at the most for {memory.picture:,} B of picture")
    if recorded is None:
        print(f"\nNothing is recorded to compare it with: {_RECORD}")
        return 1
    if differs := judging.differing(found, recorded):
        print(
            f"\nOnly this library's own steps are compared, for here are other versions: {differs}"
        )
    compared = list(judging.compare(found, recorded))
    print("\n" + "\n".join(_said(compared, recorded)))
    return int(any(one.dearer for one in compared))


def _said(compared: Sequence[Compared], recorded: Costs) -> Sequence[str]:
    dearer = [f"{one}." for one in compared if one.dearer]
    cheaper = [f"{one}." for one in compared if one.cheaper]
    if dearer:
        dearer.append(
            "A request costs more in this step than it did; if that is wanted, record it and make "
            f"the table of the documentation anew: {_RECORD}"
        )
    if cheaper:
        cheaper.append(f"That is less than is recorded; keep it so: {_RECORD}")
    return [*dearer, *cheaper] or [f"No step is dearer than recorded with {recorded.name}."]


def words() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hot_path", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--record", action="store_true", help="record what is found")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page's tables")
    parser.add_argument(
        "--instructions", action="store_true", help="show the processor's instructions, too"
    )
    return parser.parse_args()


def main() -> int:
    """Do what is asked for."""
    given, recorded = words(), figures.read()
    found = measuring.costs()
    if given.record:
        recorded = figures.with_(recorded, found)
        figures.write(recorded)
    if given.markdown:
        given.markdown.write_text(pages.markdown(found, measuring.shares()), encoding="utf-8")
    code = report(found, figures.nearest(recorded, found.versions))
    if given.instructions:
        for size, count in measuring.instructions().items():
            print(f"{size} reply: {count:,.0f} instructions a request, by valgrind")
    return code


if __name__ == "__main__":
    sys.exit(main())
