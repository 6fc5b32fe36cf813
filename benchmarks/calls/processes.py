"""Processes of this benchmark: on a core of their own, asked by a line, answering by a line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Line: TypeAlias = dict[str, Any]
"""A line of JSON."""


def cores() -> tuple[str, str]:
    """Give the server's core and the client's; they are one and the same if there is but one."""
    mine = sorted(os.sched_getaffinity(0))
    return str(mine[0]), str(mine[-1])


def pin(core: str) -> None:
    """Keep this process, and what it starts, on one core."""
    os.sched_setaffinity(0, {int(core)})


class Child:
    """A process that answers each line with a line."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name, self._process = name, process

    def hear(self) -> Line:
        """Wait for its next line."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}")
        heard: Line = json.loads(line)
        return heard

    def ask(self, *words: object) -> Line:
        """Give it a line, and wait for its answer."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        print(*words, file=self._process.stdin, flush=True)
        return self.hear()


@contextmanager
def child(room: str, *words: str, **more: str) -> Generator[Child]:
    """Start a room of this package as a process; it ends with its standard input.

    Its environment has ``more`` in it, and no proxy.
    """
    plain = {name: os.environ[name] for name in os.environ if not name.lower().endswith("_proxy")}
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", f"benchmarks.calls.{room}", *words],
        stdin=pipe,
        stdout=pipe,
        text=True,
        env={**plain, **more},
    ) as process:
        yield Child(" ".join([room, *words]), process)


def peak() -> int:
    """Give the most memory this process ever had, in bytes.

    ``ru_maxrss`` would begin with that of its parent.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
