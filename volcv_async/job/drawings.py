"""Plain drawings in SVG: columns over time, bars with names. Pure.

Each has a title and a description, and classes in the place of colours, for the page to choose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

import attrs

WIDTH, HEIGHT = 560, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 40, 34
_NAMES = 190  # pixels for the name of a bar
_ROW = 24
_STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_HEADROOM = 1.1  # so that a line never lies on the edge
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@attrs.frozen(kw_only=True)
class Over:
    """What stands over the time: its length in seconds, and the breaks in it.

    Attributes:
        seconds: How long it is.
        breaks: Where something is left out: its place in these seconds, its width there, and what
            to say of it.
    """

    seconds: float
    breaks: Sequence[tuple[float, float, str]] = ()

    def x(self, at: float) -> float:
        """Give the place of a time in the drawing."""
        return _LEFT + at / self.seconds * (WIDTH - _LEFT - _RIGHT)


@attrs.frozen
class Key:
    """What the drawing says of a kind of mark, at its top.

    Attributes:
        kind: The class of the mark.
        said: What it is called.
    """

    kind: str
    said: str


@attrs.frozen
class Line:
    """A line of steps over the columns.

    Attributes:
        steps: From where on, in seconds, it is how high.
        said: What it is called.
    """

    steps: Sequence[tuple[float, float]]
    said: str


def columns(
    title: str,
    about: str,
    over: Over,
    heights: Sequence[tuple[float, float]],
    *,
    upper: Key,
    line: Line | None = None,
) -> str:
    """Draw two columns, one on the other, for each equal part of the time.

    Args:
        title: What it is.
        about: What it shows, in a sentence.
        over: The time.
        heights: Of each part: the lower column, and the upper one.
        upper: What the upper ones are.
        line: What the columns are held against.
    """
    highest = [low + high for low, high in heights]
    highest += [_HEADROOM * height for _, height in (line.steps if line else ())]
    top = _round_up(max(highest))
    wide = over.seconds / len(heights)

    def column(place: int, low: float, height: float, kind: str) -> str:
        x, right = over.x(place * wide), over.x((place + 1) * wide)
        y = _y(low + height, top)
        return (
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(right - x - 0.5, 0.5):.1f}" '
            f'height="{_y(low, top) - y:.1f}"/>'
        )

    drawn = [column(place, 0, low, "bar") for place, (low, _) in enumerate(heights) if low]
    stacked = [
        column(place, low, high, upper.kind) for place, (low, high) in enumerate(heights) if high
    ]
    keys = [_key(upper)] if stacked else []
    lines = [_steps(over, top, line.steps), _key(Key("limit", line.said))] if line else []
    return _svg(title, about, HEIGHT, [*_axes(over, top), *drawn, *stacked, *keys, *lines])


def bars(
    title: str, about: str, lengths: Mapping[str, float], unit: str = "", apart: str = ""
) -> str:
    """Draw a bar with its name for each, in the order they come.

    Args:
        title: What it is.
        about: What it shows, in a sentence.
        lengths: Of each, by name.
        unit: What stands behind a number.
        apart: Which of them is another thing than the others, and looks so.
    """
    longest = max(lengths.values()) or 1
    room = WIDTH - _NAMES - 90

    def bar(place: int, name: str, length: float) -> str:
        y = _TOP + place * _ROW
        wide = max(length / longest * room, 1)
        kind = "other" if name == apart else "bar"
        return (
            f'<text x="{_NAMES - 8}" y="{y + 15}" text-anchor="end">{escape(_cut(name))}</text>'
            f'<rect class="{kind}" x="{_NAMES}" y="{y + 3}" width="{wide:.1f}" height="16" rx="3"/>'
            f'<text x="{_NAMES + wide + 6:.1f}" y="{y + 15}">{_figure(length)}{escape(unit)}</text>'
        )

    drawn = [bar(place, *one) for place, one in enumerate(lengths.items())]
    return _svg(title, about, _TOP + len(lengths) * _ROW + 12, drawn)


def time_span(seconds: float) -> str:
    """Say a span of time in its largest fitting unit."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _svg(title: str, about: str, height: float, body: Iterable[str]) -> str:
    inside = "\n".join(body)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<desc>{escape(about)}</desc>\n"
        f'<text class="head" x="14" y="20">{escape(title)}</text>\n{inside}\n</svg>'
    )


def _axes(over: Over, top: float) -> Iterator[str]:
    yield from (_break(over, *one) for one in over.breaks)
    for height in (0, top / 2, top):
        y = _y(height, top)
        ends = f'x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        yield f'<line class="axis" {ends}/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{height:.3g}</text>'
    y = HEIGHT - 12
    yield f'<text x="{_LEFT}" y="{y}">0</text>'
    last = time_span(over.seconds)
    yield f'<text x="{WIDTH - _RIGHT}" y="{y}" text-anchor="end">{last} of sending</text>'


def _break(over: Over, at: float, wide: float, about: str) -> str:
    x, right = over.x(at), over.x(at + wide)
    return (
        f'<rect class="gap" x="{x:.1f}" y="{_TOP}" width="{right - x:.1f}" '
        f'height="{HEIGHT - _TOP - _BOTTOM}"><title>{escape(about)}</title></rect>'
    )


def _key(key: Key) -> str:
    ends = f'x="{WIDTH - _RIGHT}" y="20" text-anchor="end"'
    return f'<text class="{key.kind}" {ends}>{escape(key.said)}</text>'


def _steps(over: Over, top: float, steps: Sequence[tuple[float, float]]) -> str:
    (first, height), *later = steps
    drawn = f"M{over.x(first):.1f} {_y(height, top):.1f}"
    drawn += "".join(f"H{over.x(at):.1f}V{_y(height, top):.1f}" for at, height in later)
    return f'<path class="limit" d="{drawn}H{over.x(over.seconds):.1f}"/>'


def _y(height: float, top: float) -> float:
    return HEIGHT - _BOTTOM - height / top * (HEIGHT - _TOP - _BOTTOM)


def _round_up(height: float) -> float:
    """Give the next number that reads well on an axis."""
    if height <= 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(height))
    return float(next(step * size for step in _STEPS if step * size >= height * 0.999))


def _figure(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"  # noqa: PLR2004 - three digits


def _cut(name: str) -> str:
    most = 28
    return name if len(name) <= most else f"{name[: most - 1]}…"
