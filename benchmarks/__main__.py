"""What the library costs, and what others cost, measured side by side.

    python -m benchmarks [PART ...] [--quick] [--rounds N] [--json FILE] [--write FOLDER]

Parts:

* calls: client CPU a call, memory and stalls, against scripts written by hand and other clients;
* memory: what long lists take;
* disk: what keeping pictures and books takes;
* startup: what an import and the help of the command take;
* parts: single functions; that one is for pytest-benchmark, and only named here.

Each part prints its table, with the bars that it holds itself to. The exit code is 0 whatever the
figures are, since the timings of a shared machine decide nothing; only an error makes it another.
With ``--write`` the tables, charts and figures of the documentation are made anew: the files that
``pages`` of a part gives, or else its table; and its figures as JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

PARTS: Mapping[str, str] = {
    "calls": "benchmarks.calls.part",
    "memory": "benchmarks.memory",
    "disk": "benchmarks.disk",
    "startup": "benchmarks.startup",
}
"""Modules with ``measure(*, quick)``, which gives figures as they go into JSON, and ``show``."""

_BY_PYTEST = "parts"
_HINT = "python -m pytest benchmarks/parts.py --no-cov"


def measured(module: Any, given: argparse.Namespace) -> dict[str, object]:  # noqa: ANN401 - a part
    """Measure a part, in so many rounds if it knows rounds."""
    measure: Callable[..., dict[str, object]] = module.measure
    rounds = {"rounds": given.rounds} if "rounds" in signature(measure).parameters else {}
    return measure(quick=given.quick, **rounds)


def pages(part: str, module: Any, figures: dict[str, object]) -> Mapping[str, str]:  # noqa: ANN401
    """Give the files that a part has for the documentation; its table at the least."""
    given: Callable[..., Mapping[str, str]] | None = getattr(module, "pages", None)
    drawn = given(figures) if given else {f"{part}.txt": module.show(figures) + "\n"}
    return {f"{part}.json": as_json(figures), **drawn}


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def as_json(figures: Mapping[str, object]) -> str:
    """Write figures down, a list of numbers on one line."""
    text = json.dumps(figures, indent=1)
    return re.sub(r"\[[-\d.e,\s]+\]", lambda found: " ".join(found[0].split()), text) + "\n"


def words() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    names = [*PARTS, _BY_PYTEST]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(names)}; or all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer others, no TLS")
    parser.add_argument("--rounds", type=int, help="how often the contenders take their turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="make the page's files anew")
    given = parser.parse_args()
    given.parts = given.parts or names
    if unknown := set(given.parts) - set(names):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(names)}")
    return given


def main() -> int:
    """Read the words, measure, print the tables, and write what is to be written."""
    given = words()
    began = time.monotonic()
    all_figures: dict[str, object] = {}
    for part in given.parts:
        if part == _BY_PYTEST:
            print(f"{part}: {_HINT}\n")
            continue
        module = import_module(PARTS[part])
        figures = all_figures[part] = measured(module, given)
        print(f"{module.show(figures)}\n", flush=True)
        if given.write:
            write(given.write, pages(part, module, figures))
    if given.json:
        given.json.write_text(as_json(all_figures), encoding="utf-8")
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
