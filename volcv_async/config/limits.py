"""What an account allows: calls a second, calls in flight; for one process, or many together."""

from __future__ import annotations

from typing import Any

import attrs

from volcv_async.config.checks import maybe, number, positive, seconds, whole, wrong
from volcv_async.config.urls import StoreUrl, check_store, store_url


def _quota_name(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise wrong(instance, field, value, "a text, or None for the account's name")


@attrs.frozen
class SharedRate:
    """A rate that several processes or machines keep together, each by the same store.

    It needs ``pip install 'volcv-async[shared]'``. Those who state different rates for one name
    each hold to their own number, with the calls of all counted; so the smallest waits longest.
    While the store cannot be reached, calls wait.

    Attributes:
        url: The store: ``sqlite:///relative.sqlite`` (from the folder that the process runs in) or
            ``sqlite:////absolute.sqlite``, a file on a disk of this machine, for its processes;
            ``redis://``, ``rediss://`` or ``unix://``, a Redis server, for many machines. It prints
            without user and password.
        rate: Calls a second of all together, above 0. With n the rate rounded up, at most n
            leave in any n / rate seconds, and a tenth of those, or ``Limits(burst=...)``, at once.
        name: What the quota is called in the store; those who give the same store and name share
            it. None: the account's name, which is its group, or its host; of several accounts at
            one host, the second is ``host#2``.

    Raises:
        ConfigurationError: A value makes no sense; the text shows no password.
    """

    url: StoreUrl = attrs.field(converter=store_url, validator=check_store)
    rate: float = attrs.field(validator=positive)
    name: str | None = attrs.field(default=None, kw_only=True, validator=maybe(_quota_name))


@attrs.frozen
class SharedConcurrency:
    """A cap on the calls in flight of several processes or machines together, by leases.

    In a Redis server it needs ``pip install 'volcv-async[shared]'``. Those who state different
    numbers for one name each hold to their own, with the calls of all counted; so the smallest
    waits longest. While the store cannot be reached, calls wait.

    Attributes:
        url: The store, as in ``SharedRate``.
        concurrency: Calls in flight of all together, from 1.
        name: What the quota is called in the store; those who give the same url and name share
            it. None: the account's name, which is its group or host.
        lease: Seconds, above 0, after which a process that died has given its slots back. A
            living one renews them every quarter of that, on its event loop: one that blocks it
            for longer, or that alone cannot reach the store for longer, counts as dead, and there
            may be more in flight than stated until its calls are over.

    Raises:
        ConfigurationError: A value makes no sense; the text shows no password.
    """

    url: StoreUrl = attrs.field(converter=store_url, validator=check_store)
    concurrency: int = attrs.field(validator=whole)
    name: str | None = attrs.field(default=None, kw_only=True, validator=maybe(_quota_name))
    lease: float = attrs.field(default=4.0, kw_only=True, validator=positive)


def _rate(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, SharedRate) and (not number(value) or value <= 0):
        raise wrong(instance, field, value, "a number above 0, or SharedRate(...)")


def _concurrency(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not isinstance(value, SharedConcurrency) and not whole:
        raise wrong(instance, field, value, "a whole number from 1, or SharedConcurrency(...)")


@attrs.frozen
class Limits:
    """What an account allows. Calls wait for their turn; they do not fail.

    A number binds this client alone. Where several processes use one account, give a
    ``SharedRate`` or a ``SharedConcurrency``: its number is then that of all together.

    Attributes:
        rate: Calls a second. In any w seconds, w the longer of 1 s and 1/rate, at most
            ⌈rate · w⌉ calls leave, evenly spaced. None: not stated; no limit until the provider
            refuses, then what it accepted.
        burst: How many of those may leave together, from 1.
        concurrency: Calls in flight, from 1. None: not stated; starts at 2 and is learned, up to
            16; without ``adaptive`` it is 16.
        adaptive: Slow down beneath what is stated when the provider refuses, and come back up.
        ramp: Seconds, from 0, over which calls in flight and the rate rise from a single call to
            what is allowed, at the start and after a rest; for providers that refuse a sudden
            rise.

    Raises:
        ConfigurationError: A value makes no sense.
    """

    rate: float | SharedRate | None = attrs.field(default=None, validator=maybe(_rate))
    burst: int = attrs.field(default=1, validator=whole)
    concurrency: int | SharedConcurrency | None = attrs.field(
        default=None, validator=maybe(_concurrency)
    )
    adaptive: bool = True
    ramp: float = attrs.field(default=0.0, validator=seconds)

    @property
    def calls_a_second(self) -> float | None:
        """The rate as a number, whether shared or not; None if not stated."""
        return self.rate.rate if isinstance(self.rate, SharedRate) else self.rate

    @property
    def slots(self) -> int | None:
        """The calls in flight as a number, whether shared or not; None if not stated."""
        if isinstance(self.concurrency, SharedConcurrency):
            return self.concurrency.concurrency
        return self.concurrency
