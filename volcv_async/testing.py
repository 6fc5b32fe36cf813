"""For tests of code that makes images: the local gateway as pytest fixtures.

A root `conftest.py` opts in with `pytest_plugins = ["volcv_async.testing"]`. Nothing is patched:
the code under test sends to a real server on a free port of this machine. The server runs in a
thread of its own, so that tests may be plain functions, or asynchronous under any plugin, and may
block as they like. Fixtures are all there is here, and `Hold`, which stops time at the provider.

PYTEST_DONT_REWRITE: it asserts nothing, and may be imported before pytest loads it.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any, Self, TypeAlias, TypeVar

import pytest
from anyio.from_thread import start_blocking_portal

from volcv_async import gateway as provider

__all__ = [
    "Hold",
    "StartGateway",
    "start_volcv_gateway",
    "volcv_environment",
    "volcv_gateway",
]

StartGateway: TypeAlias = Callable[[provider.LocalGateway], provider.LocalGateway]

_T = TypeVar("_T")
_MARKER = "volcv_gateway"
_SAYS_HOW_LONG = {"latency", "time_scale"}


class Hold:
    """Keeps every call at the provider until its block ends.

    What happens between "sent" and "made" is tested with it in order, without sleeping:
    `with Hold() as hold: gateway.answer = hold; ...`. After the block the calls go on as usual,
    also where it ended in an error, so that no client waits for them in vain.

    Args:
        patience: how long `arrived` waits for a call, in seconds.
    """

    def __init__(self, *, patience: float = 10.0) -> None:
        self._patience = patience
        self._arrived: Future[provider.Received] = Future()
        self._over: Future[None] = Future()

    async def arrived(self) -> provider.Received:
        """Wait until a call is held, and give the first. In a plain test, `asyncio.run` it.

        Raises:
            TimeoutError: if none came.
        """
        try:
            async with asyncio.timeout(self._patience):
                return await _shared(self._arrived)
        except TimeoutError:
            raise TimeoutError(
                f"No call came to the provider within {self._patience:g} s, so none is held. "
                "Is this Hold the answer of the gateway that the code under test sends to?"
            ) from None

    async def __call__(self, received: provider.Received) -> None:
        """Keep this call; the gateway awaits this, as it would any `answer`."""
        if not self._arrived.done():
            self._arrived.set_result(received)
        await _shared(self._over)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set_result(None)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, for `--strict-markers` and `pytest --markers`."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**options): what volcv_async.gateway.LocalGateway takes, by name, such as "
        "rate=5, concurrency=2, time_scale=0.1, faults={'reset_in_body': 1.0}",
    )


@pytest.fixture
def start_volcv_gateway() -> Iterator[StartGateway]:
    """Give a function that starts a gateway; all of them end with the test."""
    with start_blocking_portal("asyncio") as portal, ExitStack() as running:
        yield lambda gateway: running.enter_context(portal.wrap_async_context_manager(gateway))


@pytest.fixture
def volcv_gateway(
    request: pytest.FixtureRequest, start_volcv_gateway: StartGateway
) -> provider.LocalGateway:
    """Run a gateway for this test, which answers at once unless its marker says otherwise."""
    return start_volcv_gateway(_as_marked(list(request.node.iter_markers(_MARKER))))


@pytest.fixture
def volcv_environment(
    volcv_gateway: provider.LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> provider.LocalGateway:
    """Name this test's gateway in the environment, where a bare `Client()` finds it."""
    bearer = volcv_gateway.account().credentials.authorization()
    monkeypatch.setenv("VOLCV_BASE_URL", volcv_gateway.url)
    monkeypatch.setenv("VOLCV_API_KEY", bearer.removeprefix("Bearer "))
    return volcv_gateway


def _as_marked(marks: list[pytest.Mark]) -> provider.LocalGateway:
    """Make the gateway that these ask for, the nearest first; refuse what it does not take."""
    options: dict[str, Any] = {}
    for mark in reversed(marks):
        options |= mark.kwargs
    if not _SAYS_HOW_LONG & options.keys():
        options["latency"] = 0.0
    try:
        return provider.LocalGateway(*(word for mark in marks for word in mark.args), **options)
    except (TypeError, ValueError) as wrong:
        raise pytest.fail.Exception(
            f"No gateway can be as @pytest.mark.{_MARKER} says: {wrong}\n"
            "The marker takes the options of volcv_async.gateway.LocalGateway, by name.",
            pytrace=False,
        ) from None


async def _shared(future: Future[_T]) -> _T:
    """Wait for it on this loop, and leave it to others when this wait is cancelled."""
    return await asyncio.shield(asyncio.wrap_future(future))
