"""The live view of a terminal: how far it is, what came of it, the last prompts and pictures.

It is drawn by a thread of rich's, four times a second, from facts that the loop leaves for it; it
is gone when it is left. What else is said meanwhile is printed above it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs
from rich.console import Console, ConsoleOptions, ConsoleRenderable, Group, RenderHook, RenderResult
from rich.control import Control
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import ControlType, Segment, SegmentLines
from rich.table import Table
from rich.text import Text

from volcv_async.bottleneck import NAMES
from volcv_async.cli.endings import on_one_line, prompt_of, state_of
from volcv_async.cli.progress import Display, left, pace
from volcv_async.events import Statistics
from volcv_async.job import BadRow, Tally, duration
from volcv_async.results import Outcome

if TYPE_CHECKING:
    from volcv_async.cli.previews import Previews

_LAST = 3  # prompts that are shown
_BAR = 24  # columns
_ROOM_FOR_BAR = 60  # columns from which on there is a bar
_MARGIN = 3  # columns at the right: the terminal writes ^C behind the last line
_STYLES = {"done": "green", "failed": "red", "in doubt": "yellow"}


@attrs.frozen(kw_only=True)
class Facts:
    """What is shown, as it stood at one moment.

    Attributes:
        ended: Requests that have ended, in whichever way.
        total: Requests there are.
        head: How far it is, in words.
        counts: What came of them, and what holds it up, in words.
        last: State and prompt of the last few.
    """

    ended: int
    total: int
    head: str
    counts: str
    last: tuple[tuple[str, str], ...] = ()


class View(Display):
    """A few lines that stay where they are.

    Args:
        console: The terminal.
        total: The requests there are.
        per_second: How often it is drawn, beside when something else is said.
    """

    def __init__(self, console: Console, total: int, per_second: float = 4.0) -> None:
        super().__init__()
        self._console, self._total = console, total
        self._last: deque[tuple[str, str]] = deque(maxlen=_LAST)
        self._facts = facts(self.tally, total, Statistics())
        self._previews = _previews(console)
        self._canvas = Canvas(self._draw)
        self._live = Live(
            self._canvas,
            console=console,
            refresh_per_second=per_second,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._console.push_render_hook(Mended(self._console, self._canvas))
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        self._console.pop_render_hook()

    def show(self, outcome: Outcome) -> None:
        """Count an outcome, and leave it for the next drawing."""
        super().show(outcome)
        if self._previews is not None:
            self._previews.add(outcome)
        self._last.append((state_of(outcome), prompt_of(outcome)))
        self.look_again()

    def show_bad(self, row: BadRow) -> None:
        """Count a row of the list that is no request, and leave it for the next drawing."""
        super().show_bad(row)
        self._last.append(("failed", on_one_line(str(row.error))))
        self.look_again()

    def look_again(self) -> None:
        """Leave for the next drawing how things stand now."""
        self._facts = facts(self.tally, self._total, self.client(), tuple(self._last))

    def _draw(self) -> ConsoleRenderable:
        drawn = drawing(self._facts)
        return drawn if self._previews is None else Group(drawn, self._previews)


def _previews(console: Console) -> Previews | None:
    """Give a strip of pictures where the terminal has the colours for them."""
    if console.color_system != "truecolor":
        return None
    from volcv_async.cli.previews import Previews  # noqa: PLC0415 - it imports Pillow

    return Previews()


def facts(
    tally: Tally, total: int, now: Statistics, last: tuple[tuple[str, str], ...] = ()
) -> Facts:
    """Put into words how things stand."""
    seconds = left(tally, total, now)
    head = [f"{tally.ended:,} of {total:,}", f"{pace(tally):.1f}/s"]
    if seconds:
        head.append(f"{duration(seconds)} left")
    counts = [
        f"{tally.completed:,} done",
        f"{tally.failed:,} failed",
        f"{tally.in_doubt:,} in doubt",
        f"{now.in_flight:,} in flight",
    ]
    if now.limited_by is not None and tally.ended < total:
        counts.append(f"limited by {NAMES[now.limited_by]}")
    return Facts(
        ended=tally.ended,
        total=total,
        head=" · ".join(head),
        counts=" · ".join(counts),
        last=last,
    )


def drawing(shown: Facts) -> ConsoleRenderable:
    """Draw facts: a line with a bar, a line of counts, and a line for each prompt."""
    return Group(
        _Head(shown),
        _line(Text(shown.counts)),
        *(_line(_ending(state, prompt)) for state, prompt in shown.last),
    )


@attrs.frozen
class _Head:
    """How far it is: with a bar, where there is room for one."""

    shown: Facts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = _line(Text(self.shown.head))
        if options.max_width < _ROOM_FOR_BAR:
            yield text
            return
        # Of nothing at all, all is done.
        total = max(self.shown.total, 1)
        ended = self.shown.ended if self.shown.total else 1
        line = Table.grid(padding=(0, 1))
        line.add_row(ProgressBar(total=total, completed=ended, width=_BAR), text)
        yield line


def _ending(state: str, prompt: str) -> Text:
    return Text.assemble((f"{state:>8}", _STYLES[state]), "  ", (prompt, "dim"))


def _line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


class Canvas:
    """Draws lines that leave the last columns free, and remembers how wide each was.

    Args:
        draw: Gives the lines.

    Attributes:
        columns: How wide the terminal was.
        widths: How wide each line was.
    """

    def __init__(self, draw: Callable[[], ConsoleRenderable]) -> None:
        self._draw = draw
        self.columns = 0
        self.widths: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.update(width=max(1, options.max_width - _MARGIN))
        lines = console.render_lines(self._draw(), room, pad=False)
        self.columns = options.max_width
        self.widths = [Segment.get_line_length(line) for line in lines]
        yield SegmentLines(lines, new_lines=True)

    def more_rows(self, columns: int) -> int:
        """Tell how many rows more the lines take since the terminal has become narrower."""
        return sum(max(0, width - 1) // columns for width in self.widths)


class Mended(RenderHook):
    """Clears what a terminal that became narrower has wrapped, which rich does not know of."""

    def __init__(self, console: Console, canvas: Canvas) -> None:
        self._console, self._canvas = console, canvas

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Go up and clear as many rows more as there have become."""
        columns = self._console.width
        if columns >= self._canvas.columns:
            return renderables
        rows = self._canvas.more_rows(columns)
        up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        return [Control(*(up * rows)), *renderables]
