"""How long a start takes: of the library, and of its command, beside ``import aiohttp``.

    python -m benchmarks.startup [--quick]

Each is a fresh interpreter with its bytecode at hand; all take turns, and a ratio is that of two
processes of one round. ``import volcv_async`` shall cost at most 80 ms over Python itself, ``volcv
--help`` take at most 180 ms, and nothing of the command's here may import aiohttp. Milliseconds are
those of the machine at that hour; ratios can be compared.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import cattrs

from benchmarks.calls.rounds import ratios, spread, turns

_FULL, _QUICK = 41, 9  # rounds
_BARE, _BESIDE = "python", "import aiohttp"
_VOLCV = str(Path(sys.executable).with_name("volcv"))
_STARTS: Mapping[str, Sequence[str]] = {
    _BARE: ("-c", "pass"),
    _BESIDE: ("-c", "import aiohttp"),
    "import volcv_async": ("-c", "import volcv_async"),
    "from volcv_async import Client": ("-c", "from volcv_async import Client"),
    "volcv --version": (_VOLCV, "--version"),
    "volcv --help": (_VOLCV, "--help"),
    "volcv run --help": (_VOLCV, "run", "--help"),
    "completion of volcv run --model": (_VOLCV, "__complete", "run", "--model", ""),
}
_HEAD = f"{'':<33}{'ms':>7}{'over python':>13}{'ratio':>8}{'middle half':>15}{'aiohttp':>11}"


@attrs.frozen
class Start:
    """One way to start.

    Attributes:
        seconds: How long it took, from the start of the process to its end; a value a round.
        aiohttp: Whether it imported aiohttp.
    """

    seconds: list[float]
    aiohttp: bool


def measure(*, quick: bool) -> dict[str, object]:
    """Let all take turns, and give what each round came to."""
    starts = {name: Start([], _imports_aiohttp(words)) for name, words in _STARTS.items()}
    for nth in range(_QUICK if quick else _FULL):
        for name in turns(list(starts), nth):
            starts[name].seconds.append(_seconds(_STARTS[name]))
    plain: dict[str, object] = cattrs.unstructure(starts)
    return plain


def _seconds(words: Sequence[str]) -> float:
    began = time.perf_counter()
    _python(words)
    return time.perf_counter() - began


def _imports_aiohttp(words: Sequence[str]) -> bool:
    """Look once, which writes the bytecode, too."""
    listed = _python(("-X", "importtime", *words)).stderr
    return any(line.rpartition("|")[2].strip() == "aiohttp" for line in listed.splitlines())


def _python(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, *words],
        env={**os.environ, "COLUMNS": "80"},
        check=True,
        capture_output=True,
        text=True,
    )


def show(figures: Mapping[str, object]) -> str:
    """Give the table as text."""
    starts = cattrs.structure(figures, dict[str, Start])
    rows = [_row(name, start, starts) for name, start in starts.items()]
    return "\n".join(["start of a process, against import aiohttp", _HEAD, *rows])


def _row(name: str, start: Start, starts: Mapping[str, Start]) -> str:
    took = spread(start.seconds).median
    over = took - spread(starts[_BARE].seconds).median
    ratio = spread(ratios(start.seconds, starts[_BESIDE].seconds))
    return (
        f"{name:<33}{1e3 * took:>7.0f}{1e3 * over:>13.0f}{ratio.median:>8.2f}"
        f"{f'{ratio.low:.2f}-{ratio.high:.2f}':>15}"
        f"{'imported' if start.aiohttp else 'no':>11}"
    )


if __name__ == "__main__":
    print(show(measure(quick="--quick" in sys.argv)))
