"""Has everything looked at: the server in one process, and each look in another."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import cattrs

from benchmarks.calls.processes import child, cores
from benchmarks.calls.samples import Size
from benchmarks.hot_path.figures import Costs, Memory, versions

COUNTED: tuple[Size, ...] = ("small", "medium")
"""Sizes of replies with which calls are counted."""

_READ: tuple[Size, ...] = ("medium", "large")  # those with a picture
_FEW, _MANY = 64, 192  # requests, run under valgrind
_COLLECTED = re.compile(r"Collected : (\d+)")
_FIXED = {"PYTHONHASHSEED": "0"}
_LEFT_OUT = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "PYTHONMALLOC")

Shares: TypeAlias = Mapping[str, Mapping[str, float]]
"""The share of CPU time that a step takes, by size of reply and step."""


@contextmanager
def served() -> Generator[str]:
    """Start the server; give its URL, without a path."""
    with child("server", cores()[0]) as server:
        yield f"http://127.0.0.1:{server.hear()['plain']}"


def costs() -> Costs:
    """Count what requests cost."""
    with served() as url:
        return Costs(
            versions=versions(),
            calls={size: _look("calls", size, url) for size in COUNTED},
            memory={size: cattrs.structure(_look("memory", size, url), Memory) for size in _READ},
        )


def shares() -> Shares:
    """Look where the time of requests goes; that differs a little each time."""
    with served() as url:
        return {size: _look("shares", size, url) for size in COUNTED}


def instructions() -> Mapping[str, float]:
    """Count what the processor does for a request, in instructions, by size of reply.

    That is for those who want to know. It differs between processors and builds, takes minutes,
    and needs valgrind; without it there is nothing.
    """
    if shutil.which("valgrind") is None:
        return {}
    with served() as url:
        return {
            size: (_executed(size, _MANY, url) - _executed(size, _FEW, url)) / (_MANY - _FEW)
            for size in COUNTED
        }


def _executed(size: Size, number: int, url: str) -> int:
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    said = _run([*words, *_worker("batch", f"{size}:{number}", url)]).stderr
    collected = _COLLECTED.search(said)
    if collected is None:
        raise RuntimeError(f"valgrind said no figure: {said}")
    return int(collected[1])


def _look(look: str, size: Size, url: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(_run(_worker(look, size, url)).stdout)


def _worker(look: str, size: str, url: str) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.hot_path.worker", look, size, url]


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    done = subprocess.run(  # noqa: S603 - our own program
        words, env={**plain, **_FIXED}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    return done
