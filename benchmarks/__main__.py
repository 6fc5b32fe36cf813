"""What it costs: client CPU a call, memory, disk.

    python -m benchmarks [calls memory disk ...] [--rounds N] [--quick] [--json FILE]

The exit code is 0 whatever the figures are: a shared machine's timings decide nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from benchmarks.calls import part as calls


def main() -> int:
    """Read the words, measure, and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", default=["calls"])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began = time.monotonic()
    figures = calls.measure(quick=given.quick, rounds=given.rounds)
    print(calls.show(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
