"""Limits that several processes or machines keep together, each by the same store.

A store is an SQLite file, for the processes of one machine, or a Redis server. Of what is kept
there two things are told apart from how:

* ``rate``: calls a second; ``slots``: calls in flight, by leases that are renewed. Both rest for a
  while when a store that was lost is back (``absence``), as what it held may be gone.
* ``sqlite_store``, ``sqlite_rate`` and ``redis_store`` know how to ask. Rates lie in the buckets of
  pyrate-limiter. These modules are imported when they are needed, as they come with an extra.
"""

from __future__ import annotations

from collections.abc import Mapping

from volcv_async.config import Limits, SharedConcurrency, SharedRate
from volcv_async.errors import ConfigurationError, SlowDown
from volcv_async.sharing.rate import Rate, RateStore, window
from volcv_async.sharing.slots import Slots, SlotStore
from volcv_async.sharing.sqlite_store import SqliteSlots

__all__ = ["Rate", "Slots", "open_quotas", "open_rate", "open_slots"]


def open_quotas(limits: Limits, name: str) -> Mapping[SlowDown, Rate | Slots]:
    """Make a quota of each limit that is shared, as ``open_rate`` and ``open_slots`` do.

    Slots come first, since a departure that is taken and then waits loses its place.
    """
    quotas: dict[SlowDown, Rate | Slots] = {}
    if isinstance(limits.concurrency, SharedConcurrency):
        quotas["concurrency"] = open_slots(limits.concurrency, name)
    if isinstance(limits.rate, SharedRate):
        quotas["rate"] = open_rate(limits.rate, name, burst=limits.burst)
    return quotas


def open_rate(shared: SharedRate, name: str, *, burst: int = 1) -> Rate:
    """Make a quota of calls a second, in a running loop; it connects when it is first asked.

    Args:
        shared: What is shared, and where.
        name: What the quota is called where ``shared`` does not say.
        burst: How many may leave together.

    Raises:
        ConfigurationError: The extra that it needs is not installed.
    """
    try:
        store = _rate_store(shared, shared.name or name, burst)
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return Rate(store, window(shared.rate).seconds)


def open_slots(shared: SharedConcurrency, name: str) -> Slots:
    """Make a quota of calls in flight, in a running loop; it connects when it is first asked.

    Args:
        shared: What is shared, and where.
        name: What the quota is called where ``shared`` does not say.

    Raises:
        ConfigurationError: The extra that it needs is not installed.
    """
    try:
        store = _slot_store(shared, shared.name or name)
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return Slots(store, shared.lease)


def _rate_store(shared: SharedRate, name: str, burst: int) -> RateStore:
    if shared.url.file is not None:
        from volcv_async.sharing.sqlite_rate import SqliteRate  # noqa: PLC0415 - an extra

        return SqliteRate(shared.url.file, name, window(shared.rate, burst))
    from volcv_async.sharing.redis_store import RedisRate  # noqa: PLC0415 - an extra

    return RedisRate(shared.url, name, window(shared.rate, burst))


def _slot_store(shared: SharedConcurrency, name: str) -> SlotStore:
    if shared.url.file is not None:
        return SqliteSlots(shared.url.file, name, shared.concurrency, shared.lease)
    from volcv_async.sharing.redis_store import RedisSlots  # noqa: PLC0415 - an extra

    return RedisSlots(shared.url, name, shared.concurrency, shared.lease)


def _missing(error: ModuleNotFoundError) -> ConfigurationError:
    return ConfigurationError(
        f"Shared limits need the package {error.name}, which is not installed.",
        help="Install it with: pip install 'volcv-async[shared]'",
    )
