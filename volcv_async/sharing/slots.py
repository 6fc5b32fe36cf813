"""Calls in flight that several processes keep together, by leases that are renewed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

from volcv_async.sharing.absence import Absence

_AGAIN = 0.03  # seconds after which to ask again when nothing is free
_RENEWALS = 4  # a lease


class SlotStore(Protocol):
    """Where leases lie, each under a token."""

    async def settle(self, *, keep: Collection[str], drop: Collection[str], want: str) -> bool:
        """Do all at once: lease to the tokens to keep, forget those to drop, count what is left.

        Args:
            keep: Tokens that are leased from now, whether they are still known or not.
            drop: Tokens that are known no longer.
            want: A token that is leased if a slot is free; empty where none is wanted.

        Returns:
            Whether there was a slot for the token that was wanted.

        Raises:
            OSError: The store cannot be reached, or the connection to it was lost meanwhile.
        """
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...


class Slots:
    """A quota of calls in flight. A task renews the leases while any is held.

    Args:
        store: Where leases lie.
        lease: Seconds after which a lease that is not renewed is over. For as long, nothing is
            taken when a store that was lost is back, so that all may state what they hold.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, store: SlotStore, lease: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._lease = lease
        self._absence = Absence(lease, clock)
        self._held: set[str] = set()
        self._unwanted: set[str] = set()  # may stand in the store, and must not
        self._turn = asyncio.Lock()
        self._failures = 0  # times that the store was out of reach
        self._failure = ""  # what was said then
        self._renewal: asyncio.Task[None] | None = None

    async def take(self) -> float:
        """Take a slot: 0.0 if it was had, else the seconds after which to ask again.

        Raises:
            OSError: The store cannot be reached.
        """
        rest = self._absence.rest()
        if rest > 0:
            return rest
        token = secrets.token_hex(8)
        if not await self._settle(want=token):
            return self._absence.rest() or _AGAIN
        self._held.add(token)
        self._renewal = self._renewal or asyncio.create_task(self._renew())
        return 0.0

    async def give_back(self) -> None:
        """Give back one slot; where the store cannot be told, its lease runs out.

        Raises:
            OSError: The store cannot be reached.
        """
        if self._held:
            self._unwanted.add(self._held.pop())
        if not self._held:
            await self._stop_renewing()
        await self._settle()

    async def close(self) -> None:
        """Give back what is held, and let go of the store."""
        self._unwanted |= self._held
        self._held.clear()
        await self._stop_renewing()
        with suppress(OSError):  # the leases run out
            await self._settle()
        await self._store.close()

    async def _settle(self, *, want: str = "", renew: bool = False) -> bool:
        """Tell the store what has changed, one at a time, and note whether it was reached.

        Who waited for its turn while another was told that the store is out of reach is told so,
        too; and who wanted a slot, while another was told that it is back, has to wait for the
        rest that follows.
        """
        failures = self._failures
        async with self._turn:
            if self._failures != failures:
                raise ConnectionError(self._failure)
            if self._absence.rest() > 0:
                want = ""
            drop = frozenset(self._unwanted)
            if not (want or drop or renew):
                return False  # whoever had the turn before told it
            keep = tuple(self._held) if renew or self._absence.lasts else ()
            self._unwanted |= {want} - {""}  # until it is known to be had
            try:
                had = await self._store.settle(keep=keep, drop=drop, want=want)
            except OSError as error:
                self._absence.begins()
                self._failures += 1
                self._failure = str(error)
                raise
            self._unwanted -= drop
            if self._absence.ends() and had:
                return False
            self._unwanted.discard(want)
            return had

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease / _RENEWALS)
            with suppress(OSError):  # the next time states it again
                await self._settle(renew=True)

    async def _stop_renewing(self) -> None:
        task, self._renewal = self._renewal, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
