"""``volcv run`` as a real process against a provider of ours, which tells when to strike it."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from volcv_async.gateway import Received

VOLCV = str(Path(sys.executable).with_name("volcv"))
TINY = ("--model", "GeneralV14", "-p", "width=128", "-p", "height=128")
"""The smallest picture that a model draws."""

HUNG = 120.0
"""Seconds after which a run that should have ended is taken for hung."""

GOOD_CODES = frozenset({0, 1, 2, 3, 130})
"""What a run may end with that was struck; 2 is that nothing was sent."""


@attrs.frozen(kw_only=True)
class Command:
    """One ``volcv run``, to be started again and again with the same words.

    Attributes:
        url: The provider's endpoint.
        prompts: The list.
        out: The folder.
        options: Words besides.
        trusted: The certificates of the authorities that it trusts; None: the system's.
    """

    url: str
    prompts: Path
    out: Path
    options: tuple[str, ...] = ()
    trusted: Path | None = None

    @property
    def words(self) -> list[str]:
        """The words after ``volcv``."""
        return ["run", str(self.prompts), "-o", str(self.out), *TINY, *self.options]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The process's environment, with the account in it."""
        account = {"VOLCV_BASE_URL": self.url, "VOLCV_API_KEY": "local-key"}
        trusted = {"SSL_CERT_FILE": str(self.trusted)} if self.trusted else {}
        return {**os.environ, **account, **trusted, **(more or {})}

    async def start(self, more: Mapping[str, str] | None = None) -> Process:
        """Start it, with more in its environment."""
        return await asyncio.create_subprocess_exec(
            VOLCV, *self.words, env=self.environment(more), stdout=DEVNULL, stderr=PIPE
        )


@attrs.frozen(kw_only=True)
class End:
    """How a process ended.

    Attributes:
        code: Its exit code; the negative number of a signal that ended it; None if it hung.
        said: What it wrote to standard error.
    """

    code: int | None
    said: str

    @property
    def wrong(self) -> str:
        """What is wrong with it, in words; empty if nothing is."""
        if self.code is None:
            return "it hung"
        if "Traceback" in self.said:
            return f"a traceback: {self.last_line}"
        return "" if self.code in GOOD_CODES else f"exit code {self.code}: {self.last_line}"

    @property
    def last_line(self) -> str:
        """The last that it wrote."""
        return (self.said.strip().splitlines() or [""])[-1]


async def ended(process: Process, seconds: float = HUNG) -> End:
    """Wait for a process; one that hangs is killed."""
    try:
        async with asyncio.timeout(seconds):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        _, said = await process.communicate()
        return End(code=None, said=said.decode(errors="replace"))
    return End(code=process.returncode, said=said.decode(errors="replace"))


class Arrivals:
    """Counts what arrives at a gateway, as its ``answer``, and says when so many have."""

    def __init__(self) -> None:
        self.count = 0
        self._awaited: dict[int, asyncio.Event] = {}

    async def __call__(self, _: Received) -> None:
        """Count one, and let the gateway go on as usual."""
        self.count += 1
        if self.count in self._awaited:
            self._awaited[self.count].set()

    async def more(self, number: int, process: Process) -> bool:
        """Wait until so many more have arrived; tell whether they did before a process ended."""
        event = self._awaited[self.count + number] = asyncio.Event()
        return await before_its_end(event, process)


async def before_its_end(event: asyncio.Event, process: Process) -> bool:
    """Wait for an event; tell whether it came before a process ended."""
    waiting = [asyncio.create_task(event.wait()), asyncio.create_task(process.wait())]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
    return event.is_set()


def write_list(path: Path, prompts: Sequence[str]) -> Path:
    """Write a prompt list, a line each."""
    path.write_text("".join(f"{prompt}\n" for prompt in prompts), encoding="utf-8")
    return path
