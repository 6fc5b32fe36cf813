"""A provider for a command that runs its own event loop: the local gateway in another thread."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
from anyio.from_thread import start_blocking_portal

from volcv_async.gateway import Answer, LocalGateway


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
