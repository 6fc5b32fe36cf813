"""Memory for images, so that the system need not clear it anew for each.

glibc takes a block above a threshold from the system and gives it back when it is freed; so each
reply of 400 KB costs some hundred page faults, a third of all its CPU time. The threshold rises to
the largest such block that was ever freed, up to 32 MiB, and blocks below it are used again. A
process that has met one large image is fast from then on; ``warm_up`` spares it the wait.
"""

from __future__ import annotations

LARGE = 16 * 1024 * 1024
"""Bytes from which on a block is given back at once; no reply that is known is so long."""


def warm_up() -> None:
    """Let blocks below ``LARGE`` be used again from now on. Where there is no glibc, nothing is.

    The block is never touched, so it takes no memory and a few microseconds.
    """
    bytes(LARGE)  # calloc, where a bytearray would be written to
