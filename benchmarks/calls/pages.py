"""What the documentation shows of the figures: tables in Markdown, and charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks import drawing
from benchmarks.calls import table
from benchmarks.calls.bars import BARS
from benchmarks.calls.contenders import AT_ONCE
from benchmarks.calls.figures import Figures, Play, Scene, Track
from benchmarks.calls.programme import BARE, OURS, OURS_ON_UVLOOP
from benchmarks.calls.rounds import spread
from benchmarks.calls.samples import SIZES, Size

_OURS = (OURS, OURS_ON_UVLOOP)
_BODIES: Mapping[Size, str] = {"small": "600 B", "medium": "400 KB", "large": "5.3 MB"}


def pages(figures: Figures) -> Mapping[str, str]:
    """Give the files, by name."""
    return {
        "calls-bars.txt": _bars(figures),
        "calls-reused.txt": _ratios(figures, Scene(size="small")),
        "calls-fresh.txt": _ratios(figures, Scene(size="small", fresh=True)),
        "calls-tls.txt": _ratios(figures, Scene(size="small", tls=True)),
        "calls-tls-fresh.txt": _ratios(figures, Scene(size="small", tls=True, fresh=True)),
        "calls-all.txt": _all(figures),
        "calls-machine.txt": table.said(figures) + "\n",
        "calls-cpu.svg": drawing.svg(_cpu(figures)),
        "calls-stalls.svg": drawing.svg(_stalls(figures)),
        "calls-memory.svg": drawing.svg(_memory(figures)),
    }


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _bars(figures: Figures) -> str:
    rows = [[bar.name, *(bar.verdict(figures, size) for size in SIZES)] for bar in BARS]
    return _markdown(["volcv-async", *SIZES], rows)


def _same(figures: Figures, scene: Scene) -> list[Play]:
    """Give the plays of a scene in all sizes."""
    return [
        play
        for play in figures.plays
        if (play.scene.fresh, play.scene.tls) == (scene.fresh, scene.tls)
    ]


def _ratios(figures: Figures, scene: Scene) -> str:
    """Give a table of ratios, all sizes side by side."""
    plays = _same(figures, scene)
    if not plays:
        return "Not measured here.\n"
    head = [f"{play.scene.size}, {_BODIES[play.scene.size]}" for play in plays]
    rows = [
        [_name(track.name), *(_ratio(play, track.name) for play in plays)]
        for track in plays[0].tracks
    ]
    return _markdown([f"client CPU, {BARE} = 1", *head], rows)


def _name(name: str) -> str:
    return f"**{name}**" if name in _OURS else name


def _ratio(play: Play, name: str) -> str:
    ratio = play.ratio(name, BARE)
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})" if ratio else ""


def _all(figures: Figures) -> str:
    """Give all figures of all scenes."""
    return "\n".join(
        f"### {table.title(play.scene)}\n\n"
        + _markdown(
            ["", *table.COLUMNS],
            [[_name(track.name), *table.cells(play, track)] for track in play.tracks],
        )
        for play in figures.plays
    )


def _cpu(figures: Figures) -> drawing.Chart:
    plays = _same(figures, Scene(size="small"))
    bars = [[_bar(play, track) for track in play.tracks] for play in plays]
    ends = [end for those in bars for bar in those for end in bar.between or ()]
    return drawing.Chart(
        title="Client CPU a call, relative to a bare aiohttp script (logarithmic)",
        description="Less is better; bars to the left of 1 take less CPU than the script. "
        + " ".join(map(_in_words, plays, bars)),
        panels=[
            drawing.Panel(
                title=f"{play.scene.size} replies, {_BODIES[play.scene.size]}",
                bars=sorted(those, key=lambda bar: bar.value),
                start=1.0,
                start_label="less ← 1 → more",
                room_for=ends,
            )
            for play, those in zip(plays, bars, strict=True)
        ],
    )


def _bar(play: Play, track: Track) -> drawing.Bar:
    ratio = play.ratio(track.name, BARE) or spread([1.0])
    return drawing.Bar(
        name=track.name,
        value=ratio.median,
        label=f"{ratio.median:.2f}",
        between=(ratio.low, ratio.high),
        ours=track.name in _OURS,
    )


def _in_words(play: Play, bars: Sequence[drawing.Bar]) -> str:
    each = (f"{bar.name} {bar.label}" for bar in sorted(bars, key=lambda bar: bar.value))
    return f"{play.scene.size.capitalize()} replies: {', '.join(each)}."


def _stalls(figures: Figures) -> drawing.Chart:
    return _even(
        figures,
        "Longest stall of the event loop, in ms",
        ("medium", "large"),
        lambda track: 1e3 * spread(track.stalls).median if track.stalls else None,
    )


def _memory(figures: Figures) -> drawing.Chart:
    return _even(
        figures,
        "Peak memory of the process, in MiB",
        ("large",),
        lambda track: track.peak / 2**20 if track.peak else None,
    )


def _even(
    figures: Figures,
    title: str,
    sizes: Sequence[Size],
    value: Callable[[Track], float | None],
) -> drawing.Chart:
    """Draw values of some sizes on even scales, the least first."""
    panels = [
        drawing.Panel(
            title=f"{size} replies, {_BODIES[size]}, {AT_ONCE} in flight",
            bars=_values(play, value),
        )
        for size in sizes
        if (play := figures.at(Scene(size=size)))
    ]
    words = (
        f"{panel.title.capitalize()}: {', '.join(f'{bar.name} {bar.label}' for bar in panel.bars)}."
        for panel in panels
    )
    return drawing.Chart(
        title=title, description=f"Less is better. {' '.join(words)}", panels=panels
    )


def _values(play: Play, value: Callable[[Track], float | None]) -> list[drawing.Bar]:
    found = ((value(track), track.name) for track in play.tracks)
    return [
        drawing.Bar(name=name, value=value, label=f"{value:.0f}", ours=name in _OURS)
        for value, name in sorted((value, name) for value, name in found if value is not None)
    ]
