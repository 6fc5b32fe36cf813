"""The tables, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.calls.bars import BARS
from benchmarks.calls.figures import Figures, Play, Scene, Track
from benchmarks.calls.programme import BARE
from benchmarks.calls.rounds import ratios, spread
from benchmarks.calls.samples import SIZES

COLUMNS = (
    *("client CPU", "middle half", "ms a call", "calls/s"),
    *("stall ms", "peak MiB", "client", "server"),
)


def text(figures: Figures) -> str:
    """Give all as text for a terminal."""
    scenes = [_scene(play) for play in figures.plays]
    return "\n\n".join([*scenes, _bars(figures), said(figures)])


def _scene(play: Play) -> str:
    rows = [(track.name, *cells(play, track)) for track in play.tracks]
    return "\n".join([title(play.scene), *_aligned([("", *COLUMNS), *rows])])


def title(scene: Scene) -> str:
    """Say what a table is of."""
    return f"{scene.size.capitalize()} replies, connections {scene.mode}"


def cells(play: Play, track: Track) -> tuple[str, ...]:
    """Give a contender's row."""
    ratio = play.ratio(track.name, BARE)
    return (
        f"{ratio.median:.3f}" if ratio else "",
        f"{ratio.low:.3f}-{ratio.high:.3f}" if ratio else "",
        f"{1e3 * spread(track.cpu).median:.3f}",
        f"{spread(track.rate).median:,.0f}",
        f"{1e3 * spread(track.stalls).median:.1f}" if track.stalls else "",
        f"{track.peak / 2**20:.0f}" if track.peak else "",
        f"{spread(track.client).median:.0%}",
        f"{spread(track.server).median:.0%}",
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set cells under each other, the first of a row to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if nth else cell.ljust(width)
            for nth, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _bars(figures: Figures) -> str:
    rows = [(bar.name, *(bar.verdict(figures, size) for size in SIZES)) for bar in BARS]
    return "\n".join(_aligned([("bars of volcv-async", *SIZES), *rows]))


def said(figures: Figures) -> str:
    """Say what one has to know beside the figures."""
    on = ", ".join(f"{name} {value}" for name, value in figures.machine.items())
    missing = [
        f"Not here: {name}, because {package} is not installed."
        for name, package in figures.missing.items()
    ]
    return "\n".join(
        [
            f"Medians of {figures.rounds} rounds. {busy(figures)}",
            f"On {on}.",
            *missing,
        ]
    )


def busy(figures: Figures) -> str:
    """Say how much the server had to do, where that was the most beside a client in Python."""
    share, name, play = max(
        (spread(ratios(track.server, track.client)).median, track.name, play)
        for play in figures.plays
        for track in play.tracks
        if track.peak
    )
    return (
        f"For each second of CPU of a client in Python, the server took {share:.2f} s at the most "
        f"({name}; {play.scene.size}, {play.scene.mode})."
    )
