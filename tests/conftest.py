"""What all tests share: nothing may be left behind, and a provider on this machine."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from volcv_async.gateway import LocalGateway

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.load_profile("patient")

SAMPLES = Path(__file__).parent / "samples"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hold every asynchronous test to leaving no task behind."""
    for item in items:
        tested: object = getattr(item, "function", None)
        if inspect.iscoroutinefunction(tested):
            item.add_marker(pytest.mark.usefixtures("no_stray_tasks"))


@pytest.fixture
async def no_stray_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind."""
    before = asyncio.all_tasks()
    yield
    stray = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert not stray, f"tasks were left behind: {stray}"


@pytest.fixture
async def gateway() -> AsyncIterator[LocalGateway]:
    """Run a provider without limits that answers at once."""
    async with LocalGateway(latency=0.0) as running:
        yield running


@pytest.fixture
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own account out of the environment."""
    monkeypatch.delenv("VOLCV_BASE_URL", raising=False)
    monkeypatch.delenv("VOLCV_API_KEY", raising=False)


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_account: None) -> Path:  # noqa: ARG001 - it only has to be done
    """Work in an empty folder, with no account in the environment."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
