"""What the command says, and to whom when nobody listens any more."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest

import volcv_async as volcv
from volcv_async.cli import messages
from volcv_async.cli.job import in_words
from volcv_async.cli.notices import Notices


@pytest.fixture(autouse=True)
def heard_again() -> Iterator[None]:
    """Have what went quiet speak again."""
    yield
    messages.errors.quiet = False


@pytest.fixture
def broken_pipe() -> Iterator[TextIO]:
    """Open a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor has no path
        yield stream


def test_a_reader_of_errors_that_has_gone_ends_nothing(
    broken_pipe: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When standard error breaks, the command goes quiet and the job goes on."""
    monkeypatch.setattr(sys, "stderr", broken_pipe)
    for _ in range(3):
        messages.note("still here")
    assert messages.errors.quiet


def test_errors_that_cannot_be_written_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is full, the command goes quiet and the job goes on."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        for _ in range(3):
            messages.note("still here")
    assert messages.errors.quiet


def test_a_reader_of_results_that_has_gone_ends_nothing(
    broken_pipe: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When standard output breaks, the rest of the results goes nowhere."""
    monkeypatch.setattr(sys, "stdout", broken_pipe)
    for _ in range(3):
        messages.result("a picture")
    assert os.fstat(broken_pipe.fileno()).st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116 - as of the descriptor


def test_the_words_of_others_give_the_terminal_no_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What would clear the screen is a space; an end of a line stays one."""
    messages.insist("Error: \x1b[2Jrefused\x9b0m\nWait.")
    assert capsys.readouterr().err == "Error:  [2Jrefused 0m\nWait.\n"


def test_results_are_harmless_on_a_terminal_and_themselves_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A program gets a name as it is, whatever is in it."""
    controller, terminal = os.openpty()
    with open(terminal, "w", encoding="utf-8") as shown:  # noqa: PTH123 - a descriptor has no path
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", shown)
            messages.result("a\x1b[2Jfox")
        seen = os.read(controller, 100)
    os.close(controller)
    messages.result("a\x1b[2Jfox")
    assert seen == b"a [2Jfox\r\n"
    assert capfd.readouterr().out == "a\x1b[2Jfox\n"


def attempt_at(account: str) -> volcv.Attempt:
    return volcv.Attempt(
        request=volcv.GeneralV21(prompt="a cat"),
        index=0,
        number=1,
        account=account,
        started=datetime.now(UTC),
    )


def failed(account: str, text: str) -> volcv.AttemptEnded:
    return volcv.AttemptEnded(
        attempt=attempt_at(account),
        ending="in doubt",
        seconds=1.0,
        error=volcv.UnknownOutcomeError(text),
    )


def probed(*, answered: bool, lasting: float, next_probe: float, next_call: float) -> volcv.Event:
    return volcv.OutageProbed(
        account="studio",
        answered=answered,
        lasting=lasting,
        next_probe=next_probe,
        next_call=next_call,
    )


def test_what_pillow_thinks_of_a_picture_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    """The library's own warnings are lines; Pillow's, of metadata that nobody reads, are not."""
    with messages.warnings_as_lines():
        warnings.warn("Low disk.", volcv.VolcvWarning, stacklevel=1)
        warnings.warn_explicit("Corrupt EXIF data.", UserWarning, "", 1, "PIL.TiffImagePlugin")
    assert capsys.readouterr().err == "Warning: Low disk.\n"


def test_an_outage_is_said_with_its_account_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """An outage is said with its account and last error, then how it goes, and its end."""
    say = Notices()
    say(volcv.AttemptStarted(attempt=attempt_at("studio")))
    say(failed("studio", "No word."))
    say(failed("attic", "A word of another account."))
    say(volcv.OutageBegan(account="studio", in_a_row=5))
    say(probed(answered=False, lasting=61.2, next_probe=8.0, next_call=89.0))
    say(probed(answered=True, lasting=69.4, next_probe=16.0, next_call=0.0))
    say(volcv.OutageEnded(account="studio"))
    assert capsys.readouterr().err.splitlines() == [
        "No readable answer from studio 5 times in a row. The last: No word.",
        "Nothing more is sent there until a probe, which costs nothing, is answered.",
        "No answer from studio for 61 s; the next probe in 8 s.",
        "A probe is answered by studio; one request goes there.",
        "There are answers from studio again; calls go there as before.",
    ]


def test_a_long_pause_and_a_store_that_is_back_are_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A pause that the provider asks for is said if it is long; so is the return of a store."""
    say = Notices()
    say(volcv.AccountPaused(account="studio", seconds=2.0))
    say(volcv.AccountPaused(account="studio", seconds=80_000.0))
    say(volcv.SharedLimitBack(account="studio"))
    assert capsys.readouterr().err.splitlines() == [
        "studio asks for a pause; nothing goes there for 22 h 13 min.",
        "The shared limit of studio can be reached again.",
    ]


@pytest.mark.parametrize(
    ("rate", "concurrency", "takes"),
    [
        (1.987, None, "it took 2 calls a second."),
        (1.0, None, "it took 1 call a second."),
        (None, 4, "it took 4 in flight."),
        (0.25, 4, "it took 0.25 calls a second and 4 in flight."),
    ],
)
def test_what_was_learned_is_said_as_it_may_be_stated(
    rate: float | None, concurrency: int | None, takes: str
) -> None:
    """A lesson names the model, the account, and what was found."""
    lesson = volcv.Learned(account="studio", model="m", rate=rate, concurrency=concurrency)
    assert in_words(lesson) == f"Learned of m at studio: {takes}"
