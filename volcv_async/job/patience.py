"""Waiting that no cancellation cuts short: for what must be on the disk before a job may end."""

from __future__ import annotations

import asyncio

import anyio


async def see_through(ended: asyncio.Future[None]) -> asyncio.CancelledError | None:
    """Wait for a future, whoever cancels; give the last cancellation."""
    cancelled: asyncio.CancelledError | None = None
    # Shielded from anyio's cancel scopes, which would cancel again and again.
    with anyio.CancelScope(shield=True):
        while not ended.done():
            try:
                await asyncio.wait({ended})
            except asyncio.CancelledError as cancellation:
                cancelled = cancellation
    return cancelled
