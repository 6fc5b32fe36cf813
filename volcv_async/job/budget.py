"""How many images a run may still buy: the arithmetic of it, under a thin layer that waits.

A request has a place in the budget from its pulling to its end. What may have been billed uses the
place up, and a repetition must find another; what was not billed gives it back. So whatever is in
flight, used and held together are never more than the budget.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

import attrs

from volcv_async.errors import ConfigurationError, VolcvError

USED_UP = "the budget of this run is used up."
"""Why a request that may be repeated stays, as the end of a sentence."""


@attrs.define
class Purse:
    """The places of a budget. Pure.

    Attributes:
        limit: How many there are.
        used: Those whose call was paid for, or may have been.
        held: Those of requests that are under way.
    """

    limit: int
    used: int = 0
    held: int = 0

    def take(self) -> bool:
        """Take a place; False where none is free."""
        if self.used + self.held >= self.limit:
            return False
        self.held += 1
        return True

    def use(self) -> None:
        """Use up a place that is held."""
        self.held -= 1
        self.used += 1

    def give_back(self) -> None:
        """Give back a place that is held."""
        self.held -= 1


class Budget:
    """Keeps the spending of one run beneath a limit, whatever is in flight.

    Args:
        limit: How many images it may pay for; None: without end.

    Attributes:
        reached: Whether a request of the list had to stay; not whether one may not go out again.

    Raises:
        ConfigurationError: The limit makes no sense.
    """

    def __init__(self, limit: int | None) -> None:
        if limit is not None and limit < 1:
            raise ConfigurationError(
                f"run(budget={limit!r}) makes no sense.",
                help="It is a number of images, from 1; None is without a limit.",
            )
        self._purse = None if limit is None else Purse(limit)
        self._holders: set[int] = set()  # requests under way that hold a place
        self._changed = asyncio.Event()
        self.reached = False

    async def allows(self, index: int) -> bool:
        """Wait until a request has a place, or until it is certain that there will be none.

        Args:
            index: Its place in the stream.
        """
        while not self._take(index):
            assert self._purse is not None  # noqa: S101 - without one, any may go
            if not self._purse.held:
                self.reached = True
                return False
            self._changed.clear()
            await self._changed.wait()
        return True

    def answered(self, index: int) -> None:
        """Count what a request's attempt has paid for."""
        self._let_go(index, used=True)

    def failed(self, index: int, error: VolcvError) -> str | None:
        """Count an attempt that gave no image; say why it must not be repeated, if it must not."""
        if error.billed == "no":
            return None
        self._let_go(index, used=True)
        return None if self._take(index) else USED_UP

    def over(self, index: int) -> None:
        """Give back the place of a request that is over, if it still holds one."""
        self._let_go(index, used=False)

    def _take(self, index: int) -> bool:
        if self._purse is None:
            return True
        taken = self._purse.take()
        if taken:
            self._holders.add(index)
        return taken

    def _let_go(self, index: int, *, used: bool) -> None:
        if self._purse is None or index not in self._holders:
            return
        self._holders.remove(index)
        if used:
            self._purse.use()
        else:
            self._purse.give_back()
        self._changed.set()


def affordable(amount: Decimal, price: Decimal) -> int:
    """Give the images that an amount of money buys at a price each."""
    return int(amount // price)


def cost(images: int, price: Decimal) -> str:
    """Say what so many images cost at a price each, without zeros at the end."""
    return f"{(images * price).normalize():,f}"
