"""A whole run to disk against a script that writes plain files: images a second, CPU an image.

    python -m benchmarks.disk [--quick] [--rounds N]

Replies of 400 KB, 16 at once, from a server on a core of its own; each contender is a process on
the other one, from its start to its end, and they take turns. Bars, connections kept as the script
keeps them, both of images a second in the same round:

* with journal, checks and checksums, and fsync off: at least 1.5 times the script;
* with fsync on: at least 0.8 times.

Both are measured with a fresh connection for each call, too, as a run has them unless told
otherwise, against the script with the same. Then the number of threads that write is varied.

The images lie on the disk that holds the working folder. They are cut to nothing after each turn
and removed at the end only: for minutes after files were removed, ext4 finds places for new ones
so slowly that nothing else would be measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs
import cattrs

from benchmarks.calls.processes import Child, child, cores, pin
from benchmarks.calls.rounds import Spread, ratios, spread, turns

BARE = "bare script, plain write"
QUICKER = "volcv-async, fsync off"
SAFE = "volcv-async"

_BARS: Mapping[str, float] = {QUICKER: 1.5, SAFE: 0.8}
_THREADS = (1, 2, 4, 6, 8, 12)


@attrs.frozen
class Contender:
    """Who takes part.

    Attributes:
        name: What to call it.
        room: Its module beside this one.
        words: What it is told beside where to send and where to write.
    """

    name: str
    room: str
    words: tuple[str, ...] = ()


_KEPT = (
    Contender(BARE, "disk_bare"),
    Contender(QUICKER, "disk_job", ("no-fsync",)),
    Contender(SAFE, "disk_job"),
)


@attrs.define
class Track:
    """What a contender came to; a value a round.

    Attributes:
        name: Whose it is.
        rate: Images a second.
        cpu: CPU an image, in seconds.
    """

    name: str
    rate: list[float] = attrs.field(factory=list[float])
    cpu: list[float] = attrs.field(factory=list[float])


@attrs.frozen
class Figures:
    """All that was measured.

    Attributes:
        images: Images in a turn.
        kept: With connections that are kept.
        fresh: With a fresh one for each call.
        threads: With so many threads that write.
    """

    images: int
    kept: list[Track]
    fresh: list[Track]
    threads: list[Track]


@attrs.define
class Stage:
    """Where it goes on.

    Attributes:
        url: Where to send.
        folder: Where to write.
        images: How many in a turn.
    """

    url: str
    folder: Path
    images: int
    turns: int = 0

    def play(self, contenders: Sequence[Contender], rounds: int) -> list[Track]:
        """Let all take turns."""
        tracks = {one.name: Track(one.name) for one in contenders}
        for nth in range(rounds):
            for one in turns(contenders, nth):
                self._take_turn(one, tracks[one.name])
        return list(tracks.values())

    def _take_turn(self, one: Contender, track: Track) -> None:
        self.turns += 1
        out = self.folder / str(self.turns)
        os.sync()
        seconds, cpu = timed(one, self.url, self.images, out)
        track.rate.append(self.images / seconds)
        track.cpu.append(cpu / self.images)
        empty(out.rglob("*.png"))


def timed(one: Contender, url: str, images: int, out: Path) -> tuple[float, float]:
    """Run a contender on the client's core; give its time and its CPU time, in seconds."""
    words = [sys.executable, "-m", f"benchmarks.{one.room}", url, str(images), str(out), *one.words]
    began = time.perf_counter()
    with subprocess.Popen(words, preexec_fn=lambda: pin(cores()[1])) as process:  # noqa: PLW1509, S603 - one thread; our own program
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended: {process.returncode}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def empty(files: Iterable[Path]) -> None:
    """Give the room of files back and leave them there."""
    for file in files:
        os.truncate(file, 0)


def fresh(contenders: Iterable[Contender]) -> list[Contender]:
    """Give the same contenders a fresh connection for each call."""
    return [attrs.evolve(one, words=(*one.words, "fresh")) for one in contenders]


def threads() -> list[Contender]:
    """Give a job with one number of threads after the other."""
    return [
        Contender(f"{threads} threads{name}", "disk_job", (f"writers={threads}", *words))
        for name, words in (("", ()), (", fsync off", ("no-fsync",)))
        for threads in _THREADS
    ]


def measure(*, quick: bool, rounds: int | None = None) -> dict[str, object]:
    """Measure, and give the figures as they go into a JSON file."""
    rounds = rounds or (2 if quick else 5)
    images = 500 if quick else 2000
    with (
        tempfile.TemporaryDirectory(dir=".", prefix="disk-") as folder,
        child("server", cores()[0]) as server,
    ):
        stage = Stage(_address(server), Path(folder), images)
        kept = stage.play(_KEPT, rounds)
        anew = stage.play(fresh(_KEPT), max(1, rounds // 2))
        varied = stage.play(threads(), max(1, rounds // 2))
    plain: dict[str, object] = cattrs.unstructure(Figures(images, kept, anew, varied))
    return plain


def _address(server: Child) -> str:
    return f"http://127.0.0.1:{server.hear()['plain']}/medium"


def show(figures: Mapping[str, object]) -> str:
    """Give the tables as text."""
    told = cattrs.structure(figures, Figures)
    tables = [
        _table("connections kept", told.kept),
        _table("a fresh connection for each call", told.fresh),
        _table("connections kept, threads that write", told.threads, told.threads[0].name),
    ]
    return "\n\n".join([*tables, *_judged(told.kept)])


def _table(title: str, tracks: Sequence[Track], to: str = BARE) -> str:
    head = f"{title:<40}{'images/s':>10}{'ratio':>8}{'middle half':>16}{'CPU ms/image':>14}"
    return "\n".join([head, *(_row(track, _faster(track, tracks, to)) for track in tracks)])


def _row(track: Track, ratio: Spread) -> str:
    half = f"{ratio.low:.2f}-{ratio.high:.2f}"
    rate, cpu = spread(track.rate).median, 1e3 * spread(track.cpu).median
    return f"{track.name:<40}{rate:>10,.0f}{ratio.median:>8.2f}{half:>16}{cpu:>14.2f}"


def _faster(track: Track, tracks: Sequence[Track], to: str) -> Spread:
    """Set the images a second of one against another's, round by round."""
    (other,) = (one for one in tracks if one.name == to)
    return spread(ratios(track.rate, other.rate))


def _judged(tracks: Sequence[Track]) -> list[str]:
    """Say whether the bars are held."""
    said: list[str] = []
    for track in tracks:
        if track.name in _BARS:
            bar, ratio = _BARS[track.name], _faster(track, tracks, BARE).median
            held = "held" if ratio >= bar else "missed"
            said.append(f"{track.name}: {ratio:.2f} times the script, at least {bar}: {held}")
    return said


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    given = parser.parse_args()
    print(show(measure(quick=given.quick, rounds=given.rounds)))
