"""What tests of the command share: a provider for it, its lists, and the rows that it leaves.

The command runs its own event loop, so its provider is the local gateway in another thread.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from volcv_async.gateway import Answer, LocalGateway

VOLCV = str(Path(sys.executable).with_name("volcv"))
SMALL = ["-p", "width=256", "-p", "height=256", "-p", "use_sr=false"]


def write(name: str, content: str | bytes) -> str:
    """Write a list, and give its name."""
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def rows(path: str | Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


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
