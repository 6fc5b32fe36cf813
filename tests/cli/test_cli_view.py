"""The live view: what it says at which width, and what is left of it when the window changes."""

from __future__ import annotations

import io
import re
from typing import Literal

import pytest
from PIL import Image as Pillow
from rich.cells import cell_len
from rich.console import Console

from volcv_async.cli.view import Canvas, View, drawing, facts
from volcv_async.errors import InvalidRequestError, QuotaError, UnknownOutcomeError
from volcv_async.events import Statistics
from volcv_async.job import BadRow, Tally
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


def terminal(
    width: int,
    *,
    plain: bool = False,
    height: int = 24,
    colours: Literal["standard", "truecolor"] = "standard",
) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        height=height,
        force_terminal=True,
        force_interactive=True,
        no_color=plain,
        color_system=colours,
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


def test_a_bad_row_of_the_list_is_shown_as_failed() -> None:
    """What is wrong with it stands where others have their prompt."""
    console = terminal(80)
    with View(console, 6, SELDOM) as view:
        error = InvalidRequestError("a.csv, line 2: There is no model 'V9'.")
        view.show_bad(BadRow("a.csv", 2, error, {}))
    last = written(console).rpartition("1 of 6")[2]
    assert "1 failed" in last
    assert "a.csv, line 2: There is no model 'V9'." in last


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


def square(colour: str, side: int = 64) -> Outcome:
    """One of a single colour."""
    file = io.BytesIO()
    Pillow.new("RGB", (side, side), colour).save(file, "PNG")
    generation = Generation(images=(Image.of(file.getvalue()),))
    return Completed(index=0, request=GeneralV21(prompt="x"), attempts=1, generation=generation)


def pictures(console: Console, *outcomes: Outcome) -> list[str]:
    """The rows of pictures in the last drawing, after one drawing for each outcome."""
    with View(console, 9, SELDOM) as view:
        for outcome in outcomes:
            view.show(outcome)
            console.print("again")
    last_drawing = written(console).rpartition("again")[2].splitlines()
    return [row for row in last_drawing if "▄" in row][-8:]


RED, BLUE = "38;2;255;0;0;48;2;255;0;0m", "38;2;0;0;255;48;2;0;0;255m"


def test_the_last_pictures_stand_side_by_side() -> None:
    """Where a terminal has the colours, each is 16 columns of half cells, the newest at the end."""
    rows = pictures(terminal(80, colours="truecolor"), square("red"), square("blue"))
    assert len(rows) == 8
    for row in rows:
        assert re.sub(r"\x1b\[[\d;]*m", "", row).split() == ["▄" * 16] * 2
        assert row.index(RED) < row.index(BLUE)


@pytest.mark.parametrize("side", [1, 2, 16])
def test_a_picture_that_is_small_already_is_shown_as_it_is(side: int) -> None:
    """It is not made larger, and what the file held is at hand when that is closed."""
    *_, row = pictures(terminal(80, colours="truecolor"), square("red", side))
    assert row.count(RED) == side


@pytest.mark.parametrize(("width", "fitting"), [(12, 0), (40, 2), (200, 4)])
def test_as_many_pictures_as_there_is_room_for(width: int, fitting: int) -> None:
    """Of ten, the last that fit; and never a line that reaches the edge."""
    rows = pictures(terminal(width, colours="truecolor"), *[square("red")] * 9, square("blue"))
    shown = [re.sub(r"\x1b\[[\d;]*m", "", row) for row in rows]
    assert [len(row.split()) for row in shown] == [fitting] * (8 if fitting else 0)
    assert all(cell_len(row.rstrip()) < width for row in shown)
    assert all(row.count(BLUE) == row.count(RED) / (fitting - 1) for row in rows)


def test_where_pictures_would_crowd_the_view_there_are_none() -> None:
    """On a low terminal, with fewer colours, or without any, it is words alone."""
    assert not pictures(terminal(80, colours="truecolor", height=19), square("red"))
    assert not pictures(terminal(80), square("red"))
    assert not pictures(terminal(80, plain=True), square("red"))


def test_what_cannot_be_shown_small_is_left_out() -> None:
    """Failures, what was not downloaded, too many pixels, and what only looks like a picture."""
    generation = Generation(images=(Image(data=b"none", width=9, height=9),))
    broken = Completed(index=0, request=GeneralV21(prompt="x"), attempts=1, generation=generation)
    huge = Image(data=b"never looked at", width=10_000, height=8_001)
    large = Completed(
        index=0,
        request=GeneralV21(prompt="x"),
        attempts=1,
        generation=Generation(images=(huge,)),
    )
    outcomes = (square("red"), failed("x"), made("x"), broken, large)
    rows = pictures(terminal(80, colours="truecolor"), *outcomes)
    assert [row.count(RED) > 0 for row in rows] == [True] * 8
