"""``--log-file``: the library's log, and each event of the client, as lines with their time.

The lines are written by a thread of the standard library's own, so that a slow disk keeps nobody.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from logging.handlers import QueueHandler, QueueListener
from pathlib import Path

import attrs

from volcv_async.cli.endings import on_one_line
from volcv_async.cli.messages import insist
from volcv_async.events import Attempt, AttemptEnded, AttemptStarted, Event

_log = logging.getLogger("volcv_async")


class _File(logging.FileHandler):
    """A log file that says once when it cannot be written, and lets the job go on."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's own
        """Say that lines of the log are missing from here on."""
        if not self.failed:
            self.failed = True
            insist(f"The log {self.baseFilename} cannot be written; the run goes on without it.")


@contextmanager
def logging_to(path: Path) -> Generator[None]:
    """Append the library's log to a file for as long as this lasts.

    Raises:
        OSError: The file cannot be opened.
    """
    file = _File(path, encoding="utf-8", errors="backslashreplace")
    file.setFormatter(_formatter())
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    entrance, level = QueueHandler(lines), _log.level
    listener = QueueListener(lines, file)
    listener.start()
    _log.addHandler(entrance)
    _log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        _log.setLevel(level)
        _log.removeHandler(entrance)
        listener.stop()
        with suppress(OSError):  # of what could not be written, and was said
            file.close()


def log_event(event: Event) -> None:
    """Log an event of a client; an ``on_event``."""
    _log.info("%s", in_words(event))


def in_words(event: Event) -> str:
    """Say an event on one line."""
    match event:
        case AttemptStarted(attempt=attempt):
            prompt = on_one_line(str(getattr(attempt.request, "prompt", "")))
            return f"{_name(attempt)} goes out to {attempt.account} · {prompt}"
        case AttemptEnded(attempt=attempt, error=error):
            why = f" · {on_one_line(str(error))}" if error is not None else ""
            return f"{_name(attempt)} {event.ending} after {event.seconds:.2f} s{why}"
        case _:
            facts = attrs.asdict(event, recurse=False).items()
            said = ", ".join(f"{name} {value}" for name, value in facts)
            return on_one_line(f"{type(event).__name__}: {said}")


def _name(attempt: Attempt) -> str:
    return f"request {attempt.index}, attempt {attempt.number}:"


def _formatter() -> logging.Formatter:
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    return formatter
