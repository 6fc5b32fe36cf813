"""Plain SVG: horizontal bars in the colours of the page they stand in, and the same in words.

Drawn inline the text takes the page's own colour; on its own, one for light or for dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias
from xml.sax.saxutils import escape

import attrs

_WIDTH, _NAMES, _VALUES = 760, 210, 110  # of all, of what stands left and right of the bars
_ROW, _BAR, _HEAD, _GAP, _TOP = 22, 12, 34, 18, 34
_STYLE = (
    "svg.bars:root { color: #1f2328; background: #fff } "
    "@media (prefers-color-scheme: dark) "
    "{ svg.bars:root { color: #e6e6e6; background: #131416 } }"
)


@attrs.frozen(kw_only=True)
class Bar:
    """A value with a name.

    Attributes:
        name: Stands to its left.
        value: How long it is.
        label: Stands to its right.
        between: What the middle half of its values lay between.
        ours: It is the one that all is about.
    """

    name: str
    value: float
    label: str
    between: tuple[float, float] | None = None
    ours: bool = False


@attrs.frozen(kw_only=True)
class Panel:
    """Bars on one scale.

    Attributes:
        title: What they are of.
        bars: They, from the top.
        start: Where bars begin: at 0 on an even scale; above 0, the scale is one of ratios to it,
            and what is less goes to the left.
        start_label: Stands where they begin.
        room_for: Values that the scale has room for, too, so that it is another panel's.
    """

    title: str
    bars: Sequence[Bar]
    start: float = 0.0
    start_label: str = ""
    room_for: Sequence[float] = ()


@attrs.frozen(kw_only=True)
class Chart:
    """Panels under each other.

    Attributes:
        title: Stands above all.
        description: Says the same to those who do not see it.
        panels: From the top.
    """

    title: str
    description: str
    panels: Sequence[Panel]


Scale: TypeAlias = Callable[[float], float]
"""Gives the place of a value between the names and the labels, in pixels from the left."""


def svg(chart: Chart) -> str:
    """Draw a chart."""
    tops = _tops(chart.panels)
    drawn = (_panel(panel, top) for panel, top in zip(chart.panels, tops, strict=False))
    mark = "".join(word[0] for word in chart.title.lower().split() if word[0].isalnum())
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bars" viewBox="0 0 {_WIDTH} {tops[-1]}"'
        f' role="img" aria-labelledby="{mark}-title {mark}-desc" width="100%"'
        ' font-family="system-ui, sans-serif" font-size="13" fill="currentColor">'
    )
    parts = [
        opening,
        f'<title id="{mark}-title">{escape(chart.title)}</title>',
        f'<desc id="{mark}-desc">{escape(chart.description)}</desc>',
        f"<style>{_STYLE}</style>",
        _text(0, 18, chart.title, 'font-size="16" font-weight="600"'),
        *(line for lines in drawn for line in lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _tops(panels: Sequence[Panel]) -> list[int]:
    """Give where each panel begins, and where all end, in pixels from the top."""
    tops = [_TOP]
    for panel in panels:
        tops.append(tops[-1] + _HEAD + _ROW * len(panel.bars) + _GAP)
    return tops


def _panel(panel: Panel, top: int) -> Iterable[str]:
    scale, first = scaled(panel), top + _HEAD
    zero, bottom = scale(panel.start), first + _ROW * len(panel.bars)
    yield _text(0, top + 18, panel.title, 'font-weight="600"')
    yield _text(zero, top + 18, panel.start_label, 'font-size="11" text-anchor="middle"')
    for nth, bar in enumerate(panel.bars):
        yield from _bar(bar, scale, zero, first + _ROW * nth)
    yield (
        f'<path d="M{zero:.1f} {first - 6}V{bottom}" stroke="currentColor" stroke-opacity=".6"/>'
    )


def scaled(panel: Panel) -> Scale:
    """Make the scale on which all bars of a panel have room."""
    ends = [panel.start, *panel.room_for, *(bar.value for bar in panel.bars)]
    ends += [end for bar in panel.bars for end in bar.between or ()]
    turn: Scale = math.log if panel.start else float
    low, high = turn(min(ends)), turn(max(ends))
    room = (_WIDTH - _NAMES - _VALUES) / ((high - low) or 1.0)
    return lambda value: _NAMES + room * (turn(value) - low)


def _bar(bar: Bar, scale: Scale, zero: float, top: int) -> Iterable[str]:
    end, weight = scale(bar.value), 'font-weight="600"' if bar.ours else ""
    colour = 'fill="#2f81f7"' if bar.ours else 'fill-opacity=".35"'
    left, middle = min(zero, end), top + _ROW // 2
    right = max([zero, end, *map(scale, bar.between or ())])
    yield _text(_NAMES - 12, middle + 4, bar.name, f'text-anchor="end" {weight}')
    yield (
        f'<rect x="{left:.1f}" y="{middle - _BAR // 2}" width="{abs(end - zero):.1f}"'
        f' height="{_BAR}" {colour}/>'
    )
    if bar.between:
        low, high = map(scale, bar.between)
        yield f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="currentColor"/>'
    yield _text(right + 6, middle + 4, bar.label, weight)


def _text(x: float, y: float, said: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(said)}</text>'.replace(" >", ">")
