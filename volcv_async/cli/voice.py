"""How much a run says, and where: to a person, to a program, into a log."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import attrs

from volcv_async.cli.endings import Rows, as_line, as_object, as_objects, bad_as_line
from volcv_async.cli.logfile import log_event, logging_to
from volcv_async.cli.messages import errors, hushed, note, note_in_a_row, result
from volcv_async.cli.objects import Output, standard_output
from volcv_async.cli.progress import Display, Lines
from volcv_async.cli.view import View
from volcv_async.errors import ConfigurationError
from volcv_async.events import OnEvent
from volcv_async.job import BadRow, Item
from volcv_async.results import Outcome

_TICK = 0.5  # seconds between two looks at how things stand


@attrs.frozen(kw_only=True)
class Voice:
    """What was asked for.

    Attributes:
        as_json: One JSON object an image on standard output, and nothing else there.
        quiet: Only errors.
        verbose: A line for each request.
        log: The file that the log is appended to.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    log: Path | None = None

    def __attrs_post_init__(self) -> None:
        if self.quiet and self.verbose:
            raise ConfigurationError("--quiet and -v: one asks for less, the other for more.")

    def refuse_for_a_dry_run(self) -> None:
        """Refuse what a dry run, which is words on standard output alone, could not keep to.

        Raises:
            ConfigurationError: That was asked for.
        """
        asked = {"--json": self.as_json, "--quiet": self.quiet, "--log-file": self.log is not None}
        for option in (name for name, given in asked.items() if given):
            raise ConfigurationError(
                f"--dry-run and {option}: a dry run only says, in words, what would be sent."
            )

    @contextmanager
    def speaking(self) -> Generator[None]:
        """Be quiet, and write the log, where that was asked for.

        Raises:
            OSError: The log cannot be opened.
        """
        with ExitStack() as held:
            if self.log is not None:
                held.enter_context(logging_to(self.log))
            if self.quiet:
                held.enter_context(hushed())
            yield

    def result(self, line: str) -> None:
        """Say a line of the result: on standard output, unless that is for objects alone."""
        (note if self.as_json else result)(line)

    @property
    def on_event(self) -> OnEvent | None:
        """Who hears of the client's events, beside what is said of them anyway."""
        return log_event if self.log is not None else None

    def telling(self, total: int) -> Telling:
        """Tell of a job of so many requests."""
        return Telling(
            display=self._display(total),
            output=standard_output() if self.as_json else None,
            verbose=self.verbose,
        )

    def _display(self, total: int) -> Display:
        if self.quiet:
            return Display()
        # Objects that scroll over a terminal would tear a view that stays in its place.
        torn = self.as_json and sys.stdout.isatty()
        return View(errors, total) if errors.is_terminal and not torn else Lines(errors, total)


@attrs.frozen(kw_only=True)
class Telling:
    """Who is told of a job while it runs; its display and its output are open meanwhile."""

    display: Display
    output: Output | None
    verbose: bool

    @contextmanager
    def open(self) -> Generator[None]:
        """Show and write for as long as this lasts.

        Raises:
            OSError: Standard output cannot be written to, though it has a reader.
        """
        with ExitStack() as held:
            if self.output is not None:
                held.enter_context(self.output)
            held.enter_context(self.display)
            yield

    def heeded(
        self, source: Iterable[Item] | AsyncIterable[Item]
    ) -> Iterable[Item] | AsyncIterable[Item]:
        """Give what a source gives, as fast as standard output is read where that matters."""
        return source if self.output is None else self.output.read_along(source)

    def written(self, outcome: Outcome, rows: Rows) -> None:
        """Tell of an outcome that is on the disk."""
        if self.output is not None:
            self.output.write(as_objects(outcome, rows))
        if self.verbose:
            note_in_a_row(as_line(outcome, rows))

    def bad(self, row: BadRow) -> None:
        """Tell of a row of the list that is no request."""
        self.display.show_bad(row)
        if self.output is not None:
            self.output.write(as_object(row))
        if self.verbose:
            note_in_a_row(bad_as_line(row))

    @asynccontextmanager
    async def looking(self) -> AsyncGenerator[None]:
        """Have the display look now and then how things stand."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look() -> asyncio.TimerHandle:
            nonlocal timer
            self.display.look_again()
            timer = loop.call_later(_TICK, look)
            return timer

        timer = look()
        try:
            yield
        finally:
            timer.cancel()
