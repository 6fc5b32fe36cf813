"""What tests of the command share: a provider for it, its lists, its process, and its rows.

The command runs its own event loop, so its provider is the local gateway in another thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from volcv_async.gateway import Answer, Drop, LocalGateway, Received, Reply, service_error

VOLCV = str(Path(sys.executable).with_name("volcv"))
SMALL = ["-p", "width=256", "-p", "height=256", "-p", "use_sr=false"]


def write(name: str, content: str | bytes) -> str:
    """Write a list, and give its name."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def rows(path: str | Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


async def good_bad_lost(received: Received) -> Reply | None:
    """Refuse what is bad, let go of what is lost, and draw all else; an answer."""
    answers: dict[str | None, Reply] = {"bad": service_error(50412), "lost": Drop()}
    return answers.get(received.prompt)


@contextmanager
def provider(
    environment: pytest.MonkeyPatch, answer: Answer | None = None
) -> Generator[LocalGateway]:
    """Run a gateway, and let the environment name it."""
    gateway = LocalGateway(latency=0.0, answer=answer)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(gateway),
    ):
        environment.setenv("VOLCV_BASE_URL", gateway.url)
        environment.setenv("VOLCV_API_KEY", "local-key")
        yield gateway


async def start(
    gateway: LocalGateway, *words: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Start the command as a process of its own, at a gateway."""
    return await asyncio.create_subprocess_exec(
        VOLCV,
        *words,
        env={**os.environ, "VOLCV_BASE_URL": gateway.url, "VOLCV_API_KEY": "local-key"},
        stdout=stdout,
        stderr=stderr,
    )


def read_to_the_end(terminal: int) -> str:
    """Read what a terminal is shown, until nobody has it open any more."""
    chunks: list[bytes] = []
    with os.fdopen(terminal, "rb", buffering=0) as screen, suppress(OSError):  # closed at its end
        while chunk := screen.read(4096):
            chunks.append(chunk)
    return b"".join(chunks).decode()
