"""Whether an attempt has begun to leave: what tells *not sent* from *in doubt*."""

from __future__ import annotations

from collections.abc import Callable

import attrs


def _nobody() -> None:
    """Be told, and do nothing."""


@attrs.define
class Sending:
    """What is known of an attempt while it goes out.

    Attributes:
        on_begin: Called when its first byte is about to leave.
        begun: Whether its first byte may have left.
    """

    on_begin: Callable[[], None] = _nobody
    begun: bool = False

    def begin(self) -> None:
        """Note that the first byte is about to leave."""
        self.begun = True
        self.on_begin()
