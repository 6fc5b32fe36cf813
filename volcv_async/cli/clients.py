"""A command's client: at the account of the environment, or at a local gateway of its own.

The gateway is imported only where one is asked for, by ``volcv.gateway``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import attrs

import volcv_async as volcv
from volcv_async.cli.notices import Notices
from volcv_async.client import Client
from volcv_async.config import Account, Limits, RetryPolicy, from_environment
from volcv_async.config.accounts import LOOPBACK
from volcv_async.config.urls import split_url
from volcv_async.events import OnEvent

LOCAL_TIME_SCALE = 0.01
"""How quick a local gateway is, where 1 is as slow as the provider."""

_LOCAL_CONCURRENCY = 8


def account_for(*, local: bool) -> Account | None:
    """Find the account of the environment; None where a local gateway is asked for.

    It is asked before the folder is touched, so that what is missing leaves no trace.

    Raises:
        ConfigurationError: The environment names none.
        ModuleNotFoundError: What the local gateway draws with is not installed.
    """
    if not local:
        return from_environment()
    from volcv_async.gateway.pictures import load_painter  # noqa: PLC0415 - with the gateway

    load_painter()
    return None


def is_on_this_machine(account: Account | None) -> bool:
    """Tell whether calls stay on this machine: to a local gateway, whoever has started it."""
    return account is None or split_url(account.url).hostname in LOOPBACK


def local_limits(limits: Limits) -> Limits:
    """Give the limits of a local gateway: what is stated, and nothing to be learned."""
    concurrency = limits.concurrency or _LOCAL_CONCURRENCY
    return attrs.evolve(limits, concurrency=concurrency, adaptive=False)


@asynccontextmanager
async def open_client(
    limits: Limits,
    retry: RetryPolicy | None = None,
    *,
    account: Account | None = None,
    time_scale: float = LOCAL_TIME_SCALE,
    on_event: OnEvent | None = None,
) -> AsyncGenerator[Client]:
    """Open a client at an account, or without one at a local gateway of its own.

    Its events are said as far as they matter to who waits, and told to ``on_event``.
    """
    notices = Notices(on_event)
    if account is not None:
        async with Client(account, limits=limits, retry=retry, on_event=notices) as client:
            yield client
        return
    async with (
        volcv.gateway.LocalGateway(time_scale=time_scale) as gateway,
        Client(
            gateway.account(limits=local_limits(limits)), retry=retry, on_event=notices
        ) as client,
    ):
        yield client
