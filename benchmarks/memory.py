"""What long lists take of memory: the peak of a process, over the length of its source.

    python -m benchmarks.memory [--quick]

``client.stream`` over a generator, 16 calls at once, each length in a process of its own. Bars:

* a million small requests take at most 1.1 times what a thousand take, and less than 64 MiB;
* with 16 large replies (5.3 MB each) in flight it is less than 200 MiB.

``--quick`` leaves the million out, and holds a hundred thousand to its bars.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping

import attrs
import cattrs

from benchmarks.calls.processes import child, cores, pin

_LENGTHS = (1_000, 100_000, 1_000_000)
_LARGE = 160
_GROWTH = 1.1
_SMALL_BAR, _LARGE_BAR = 64, 200  # in MiB


@attrs.frozen
class Figures:
    """All that was measured; peaks in bytes.

    Attributes:
        small: Of small replies, by the length of the source.
        large: Of large replies.
    """

    small: dict[int, int]
    large: int


def peak(url: str, calls: int) -> int:
    """Give the peak of a process that makes so many calls."""
    words = [sys.executable, "-m", "benchmarks.memory_stream", url, str(calls)]
    said = subprocess.run(  # noqa: S603 - our own program
        words,
        check=True,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: pin(cores()[1]),
    )
    return int(said.stdout)


def measure(*, quick: bool) -> dict[str, object]:
    """Measure, and give the figures as they go into a JSON file."""
    lengths = _LENGTHS[:-1] if quick else _LENGTHS
    with child("server", cores()[0]) as server:
        root = f"http://127.0.0.1:{server.hear()['plain']}"
        small = {calls: peak(f"{root}/small", calls) for calls in lengths}
        figures = Figures(small, peak(f"{root}/large", _LARGE))
    plain: dict[str, object] = cattrs.unstructure(figures)
    return plain


def show(figures: Mapping[str, object]) -> str:
    """Give the table as text."""
    told = cattrs.structure(figures, Figures)
    rows = [f"{f'{calls:,} small replies':<28}{_mib(of):>8.1f}" for calls, of in told.small.items()]
    large = f"{f'{_LARGE} large, 16 in flight':<28}{_mib(told.large):>8.1f}"
    return "\n".join([f"{'':<28}{'peak MiB':>8}", *rows, large, "", *_judged(told)])


def _judged(told: Figures) -> list[str]:
    """Say whether the bars are held."""
    shortest, longest = min(told.small), max(told.small)
    growth = told.small[longest] / told.small[shortest]
    most, large = _mib(told.small[longest]), _mib(told.large)
    bars = (
        (f"{longest:,} over {shortest:,}: {growth:.3f}, at most {_GROWTH}", growth <= _GROWTH),
        (f"{longest:,}: {most:.1f} MiB, less than {_SMALL_BAR}", most < _SMALL_BAR),
        (f"large: {large:.1f} MiB, less than {_LARGE_BAR}", large < _LARGE_BAR),
    )
    return [f"{bar}: {'held' if holds else 'missed'}" for bar, holds in bars]


def _mib(size: int) -> float:
    return size / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    print(show(measure(quick=given.quick)))
