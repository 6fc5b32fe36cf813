"""The tables."""

from __future__ import annotations

from benchmarks.calls.figures import Figures, Play, Track
from benchmarks.calls.programme import BARE
from benchmarks.calls.rounds import Spread, spread

_HEAD = (
    f"{'':<28}{'ratio':>8}{'middle half':>16}{'CPU ms':>10}{'calls/s':>10}"
    f"{'stall ms':>10}{'peak MiB':>10}{'client':>8}{'server':>8}"
)


def text(figures: Figures) -> str:
    """Give all as text for a terminal."""
    return "\n\n".join(_scene(play) for play in figures.plays)


def _scene(play: Play) -> str:
    scene = play.scene
    rows = [_row(play, track) for track in play.tracks]
    return "\n".join([f"{scene.size} replies, connections {scene.mode}", _HEAD, *rows])


def _row(play: Play, track: Track) -> str:
    ratio = play.ratio(track.name, BARE) or Spread(1.0, 1.0, 1.0)
    stall = f"{1e3 * spread(track.stalls).median:.1f}" if track.stalls else "-"
    peak = f"{track.peak / 2**20:.0f}" if track.peak else "-"
    return (
        f"{track.name:<28}{ratio.median:>8.3f}{f'{ratio.low:.3f}-{ratio.high:.3f}':>16}"
        f"{1e3 * spread(track.cpu).median:>10.3f}{spread(track.rate).median:>10,.0f}"
        f"{stall:>10}{peak:>10}"
        f"{spread(track.client).median:>8.0%}{spread(track.server).median:>8.0%}"
    )
