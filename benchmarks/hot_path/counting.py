"""What is called, and where time is spent, by step.

A call of a function is counted for the room whose file the function is in, or else for the room
that called it. What a function of a library does then is the library's: aiohttp's, asyncio's, or,
of any other, still the caller's. A coroutine that goes on after waiting is counted as called again,
since each frame between the event loop and it is entered again.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeAlias

from benchmarks.hot_path.steps import LIBRARIES, SCENE, roots, step_of_file

Called: TypeAlias = Counter[tuple[str, str]]
"""Calls, by step and function."""

_EACH = 0.001  # seconds of CPU between two looks; the system may take them less often


class Attribution:
    """Tells of a frame whose it is."""

    def __init__(self) -> None:
        self._roots = roots()
        self._known: dict[CodeType, str | None] = {}

    def own(self, frame: FrameType) -> str | None:
        """Whose file it is in; None if anybody's."""
        code = frame.f_code
        if code not in self._known:
            self._known[code] = step_of_file(code.co_filename, self._roots)
        return self._known[code]

    def inside(self, frame: FrameType | None) -> str:
        """For whom it works: what it calls, and the time that it takes, are theirs."""
        while frame is not None:
            step = self.own(frame)
            if step is not None:
                return step
            frame = frame.f_back
        return SCENE

    def called(self, frame: FrameType) -> str:
        """Whose call it is that made this frame."""
        own = self.own(frame)
        if own is not None and own not in LIBRARIES:
            return own
        caller = self.own(frame.f_back) if frame.f_back is not None else None
        if caller is not None and caller not in (*LIBRARIES, SCENE):
            return caller
        return own or self.inside(frame.f_back)


@contextmanager
def counted() -> Generator[Called]:
    """Count all calls of functions meanwhile, in Python and in C; those of the scene are left out.

    Classes that are written in C are called without anybody being told.
    """
    whose, called = Attribution(), Called()

    def note(frame: FrameType, event: str, function: Any) -> None:  # noqa: ANN401 - whatever it is
        if event == "call":
            called[whose.called(frame), _name(frame.f_code)] += 1
        elif event == "c_call":
            called[whose.inside(frame), _name_in_c(function)] += 1

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)
        for step, name in list(called):
            if step == SCENE:
                del called[step, name]


def _name(code: CodeType) -> str:
    if code.co_filename.startswith("<"):
        return f"{code.co_qualname} of {code.co_filename.strip('<>').rpartition(' ')[2]}"
    file = Path(code.co_filename)
    folder = file.parent.name
    within = f"{folder}/" if folder != "volcv_async" and not folder.startswith("python") else ""
    return f"{within}{file.name}: {code.co_qualname}"


def _name_in_c(function: Any) -> str:  # noqa: ANN401 - a function in C
    if function is time.monotonic:  # whatever stands in for it
        return "time.monotonic"
    module = getattr(function, "__module__", None)
    return f"{module}.{function.__qualname__}" if module else str(function.__qualname__)


@contextmanager
def sampled() -> Generator[Counter[str]]:
    """Look again and again, by the CPU time that passes, which step is at work."""
    whose, seen = Attribution(), Counter[str]()

    def look(_: int, frame: FrameType | None) -> None:
        seen[whose.inside(frame)] += 1

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _EACH, _EACH)
    try:
        yield seen
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
