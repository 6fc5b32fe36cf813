"""The live view: what it says at which width, and what is left of it when the window changes."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from volcv_async.cli.view import Canvas, View, drawing, facts
from volcv_async.errors import QuotaError, UnknownOutcomeError
from volcv_async.events import Statistics
from volcv_async.job import Tally
from volcv_async.models import GeneralV21, RawRequest
from volcv_async.results import Completed, Failed, Generation, Image, InDoubt, Outcome

SELDOM = 0.001  # drawings a second, so that a test knows what is drawn when
LONG = "千军万马 charging forward over the plain, " * 6
RATE = Statistics(limited_by="rate", throughput=2.0, in_flight=8)


def made(prompt: str) -> Outcome:
    request, generation = GeneralV21(prompt=prompt), Generation(images=(Image(),))
    return Completed(index=0, request=request, attempts=1, generation=generation)


def failed(prompt: str) -> Outcome:
    error = QuotaError("Used up.")
    return Failed(index=1, request=GeneralV21(prompt=prompt), attempts=1, error=error)


def in_doubt() -> Outcome:
    request = RawRequest(req_key="new", body={})
    return InDoubt(index=2, request=request, attempts=1, error=UnknownOutcomeError("?"))


def terminal(width: int, *, plain: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        height=24,
        force_terminal=True,
        force_interactive=True,
        no_color=plain,
        color_system="standard",
        markup=False,
        highlight=False,
        emoji=False,
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def drawn(console: Console, total: int, *outcomes: Outcome) -> list[str]:
    """The lines of one drawing."""
    tally = Tally()
    last: list[tuple[str, str]] = []
    for outcome in outcomes:
        tally.add(outcome)
        last.append(("failed", str(outcome.request)))
    console.print(Canvas(lambda: drawing(facts(tally, total, RATE, tuple(last)))))
    return re.sub(r"\x1b\[[0-9;]*m", "", written(console)).splitlines()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("width", [20, 59, 80, 200])
def test_no_line_reaches_the_edge(width: int, *, plain: bool) -> None:
    """However long a prompt and wide its letters, each line is one, with room for ^C behind."""
    lines = drawn(terminal(width, plain=plain), 10, made(LONG), failed(LONG), in_doubt())
    assert len(lines) == 5
    assert all(cell_len(line) <= width - len("^C") - 1 for line in lines)
    assert "2 failed" not in lines[1]
    assert lines[2].endswith("…")


def test_what_stands_in_the_view() -> None:
    """How far it is and how long it will take; then what came of it, and what limits it."""
    bar_and_head, counts, last = drawn(terminal(80), 9, failed("x"))
    assert re.fullmatch(r"━+[╸╺]━+ 1 of 9 · [\d,.]+/s · 4\.0 s left *", bar_and_head)
    assert counts == "0 done · 1 failed · 0 in doubt · 8 in flight · limited by rate"
    assert last.startswith("  failed  ")


def test_a_narrow_window_has_no_bar() -> None:
    """Where there is no room for both, the words are what counts."""
    head, *_ = drawn(terminal(59), 9, failed("x"))
    assert head.startswith("1 of 9 · ")


def test_an_empty_list_has_a_full_bar() -> None:
    """Of nothing, all is done, and nothing limits it."""
    head, counts = drawn(terminal(80), 0)
    assert head.rstrip() == f"{'━' * 24} 0 of 0 · 0.0/s"
    assert counts.endswith("8 in flight")


def test_without_colour_nothing_is_coloured() -> None:
    """NO_COLOR leaves no code of a colour, and the words say as much as the colours did."""
    coloured, plain = terminal(80), terminal(80, plain=True)
    colours = re.compile(r"\x1b\[(?:\d+;)*3\d")
    assert [line.rstrip() for line in drawn(coloured, 9, failed("x"))][1:] == [
        line.rstrip() for line in drawn(plain, 9, failed("x"))
    ][1:]
    assert colours.search(written(coloured))
    assert not colours.search(written(plain))


def test_the_view_shows_outcomes_and_goes() -> None:
    """It has the last three prompts, made harmless, and is cleared away at the end."""
    console = terminal(80)
    with View(console, 6, SELDOM) as view:
        view.watch(lambda: RATE)
        for outcome in (made("first"), made("a\x1b[31mred\nfox"), failed("c"), in_doubt()):
            view.show(outcome)
        assert view.client() is RATE
        console.print("said meanwhile")
    last = written(console).rpartition("4 of 6")[2]
    assert "a [31mred fox" in last
    assert "first" not in last
    assert " in doubt" in last
    assert last.rstrip().endswith("\x1b[2K")
    assert "said meanwhile" in written(console)


@pytest.mark.parametrize(("narrower", "rows"), [(200, 0), (80, 1), (40, 4)])
def test_a_window_that_becomes_narrower_leaves_no_broken_line(narrower: int, rows: int) -> None:
    """What the terminal has wrapped is cleared by as many rows more as it takes now."""
    console = terminal(200)
    with View(console, 6, SELDOM) as view:
        view.show(made("x" * 110))
        console.print("before")
        before = len(written(console))
        console.width = narrower
        console.print("after")
        redrawn = written(console)[before:].partition("after")[0]
    drawn_rows = 3
    assert redrawn.count("\x1b[2K") == drawn_rows + rows
    assert redrawn.count("\x1b[1A") == drawn_rows - 1 + rows


def test_a_window_that_becomes_wider_is_used() -> None:
    """Nothing more is cleared than was drawn, and the prompt is cut later."""
    console = terminal(80)
    with View(console, 6, SELDOM) as view:
        view.show(made("x" * 300))
        console.print("before")
        console.width = 200
        console.print("after")
        before = len(written(console))
        console.print("more")
        assert written(console)[before:].partition("more")[0].count("\x1b[2K") == 3
