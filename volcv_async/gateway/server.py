"""The gateway's front door: what a test or a command asks of it."""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from volcv_async.config import Account, Bearer, Limits
from volcv_async.gateway.answers import Answer
from volcv_async.gateway.faults import Faults, FaultTimes
from volcv_async.gateway.faults.draws import AT_ACCEPT, Draws
from volcv_async.gateway.faults.mischief import Mischief
from volcv_async.gateway.latency import Constant, Latency, Spread
from volcv_async.gateway.ledger import Ledger, Received
from volcv_async.gateway.limits import Limiter
from volcv_async.gateway.links import BUCKET
from volcv_async.gateway.pictures import load_painter
from volcv_async.gateway.premises import Premises
from volcv_async.gateway.protocol import PATH
from volcv_async.gateway.provider import Provider

_LARGEST_BODY = 16 * 1024 * 1024
_TIMES = FaultTimes()


class LocalGateway:
    """The provider on this machine: an async context manager over a real HTTP server.

    It may be entered again after it was left, on another event loop too; the ledger goes on, the
    port is another one unless it was given. Entering and leaving may happen in different tasks.
    Leaving cuts off what is in flight.

    Args:
        key: the bearer key that it asks for.
        rate: requests a second that it accepts, judged over a sliding second (over 1/rate
            seconds where that is longer); `None` for no limit. What is over it gets 50429.
        concurrency: requests that it works on at once; `None` for no limit. What is over it gets
            50430. A slot is free before its reply is written.
        latency: how long a generation takes, in seconds: constant, or a distribution. `None` is
            the provider's own spread by model, times `time_scale`.
        time_scale: what the provider's own spread is multiplied by; 1.0 is as slow as the
            provider. A `latency` that is given is taken as it is.
        seed: what latencies, faults, and the seeds that requests leave open, follow from.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        url_lifetime: how long the address of a picture lives, in seconds; the provider's is 24 h
            (official), perhaps 1 h.
        answer: scripts the provider. It is awaited with each request that was accepted, before
            its generation; what it returns is the reply, and `None` means to go on as usual.
            While it waits, the request is held and keeps its slot. If it raises, aiohttp logs
            the error and answers 500.
        faults: what goes wrong, by the names in `FAULTS`: a mapping of names to shares of 0 to 1,
            together at most 1, drawn from the seed; or a list of a name or `None` for each
            request, after which nothing goes wrong; or a function that is given the request's
            place, from 0, and gives a name or `None`. Every request at the paid path is one,
            whatever its method, in order of arrival.
        fault_times: how long the slow faults take.
        tls: serves https with this, such as a certificate that has expired; `None` serves http.

    Raises:
        ValueError: if a limit, a latency, the scale, a fault or its rate cannot be.
    """

    def __init__(
        self,
        *,
        key: str = "local-key",
        rate: float | None = None,
        concurrency: int | None = None,
        latency: float | Latency | None = None,
        time_scale: float = 0.01,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        url_lifetime: float = 86_400.0,
        answer: Answer | None = None,
        faults: Faults | None = None,
        fault_times: FaultTimes = _TIMES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._key = key
        self._ledger = Ledger()
        self._draws = Draws(seed, faults)
        self._premises = Premises(host, port, tls, fault_times)
        self._provider = Provider(
            key=key,
            limiter=Limiter(rate, concurrency),
            latency=_as_latency(latency, time_scale),
            seed=seed,
            url_lifetime=url_lifetime,
            answer=answer,
            mischief=Mischief(self._draws, fault_times, self._premises),
            ledger=self._ledger,
        )

    def __repr__(self) -> str:
        """The state in one line, without the key."""
        where = f"at {self._premises.origin}" if self._premises.origin else "not running"
        return (
            f"<LocalGateway {where}: {len(self.requests)} received, {self.paid} paid, "
            f"{self.in_flight} in flight>"
        )

    @property
    def url(self) -> str:
        """The whole endpoint, path included, as in `VOLCV_BASE_URL`.

        Raises:
            RuntimeError: if the gateway is not running.
        """
        if self._premises.origin is None:
            raise RuntimeError(
                "This gateway has no address, because it is not running. "
                "Enter it first: async with LocalGateway() as gateway: ..."
            )
        return self._premises.origin + PATH

    @property
    def paid(self) -> int:
        """Generations run, whether or not their reply arrived."""
        return self._ledger.paid

    @property
    def paid_by_prompt(self) -> Mapping[str, int]:
        """Generations run, by prompt."""
        return dict(self._ledger.paid_by_prompt)

    @property
    def requests(self) -> list[Received]:
        """Everything that came to the paid path, in order of arrival."""
        return self._ledger.received

    @property
    def faults(self) -> Faults | None:
        """What goes wrong. Set it while the gateway runs to begin or to end an outage.

        The n-th draw follows from the seed and n alone, whatever is set when; a list begins at
        its beginning.

        Raises:
            ValueError: if there is no fault of a name, or a rate cannot be.
        """
        return self._draws.faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        self._draws.change(faults)

    @property
    def answer(self) -> Answer | None:
        """What scripts the provider. It may be set while the gateway runs, for later requests."""
        return self._provider.answer

    @answer.setter
    def answer(self, answer: Answer | None) -> None:
        self._provider.answer = answer

    @property
    def struck(self) -> Mapping[str, int]:
        """How often each fault struck, by its name."""
        return dict(self._ledger.faults)

    @property
    def redirected(self) -> int:
        """Requests that followed a `redirect_307` to the other host."""
        return self._premises.redirected

    @property
    def in_flight(self) -> int:
        """Requests accepted whose reply is not being written yet."""
        return self._provider.limiter.in_flight

    @property
    def most_in_flight(self) -> int:
        """The most that were ever in flight at once."""
        return self._provider.limiter.most_in_flight

    def worst_window(self, seconds: float = 1.0) -> int:
        """The most requests accepted in any window of this many seconds, its end left out."""
        return self._provider.limiter.worst_window(seconds)

    def account(self, *, limits: Limits | None = None, group: str | None = None) -> Account:
        """An account at this gateway, to give to a `Client`.

        Args:
            limits: what the client is told of the limits; `None` leaves them unstated.
            group: the name of the quota it shares with other accounts.

        Raises:
            RuntimeError: if the gateway is not running.
        """
        return Account(self.url, Bearer(self._key), limits=limits, group=group)

    async def __aenter__(self) -> Self:
        if self._premises.is_open:
            raise RuntimeError("This gateway is running already; leave it before entering again.")
        load_painter()
        await self._premises.open(self._application(), self._resets_at_accept)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._premises.close()

    def _resets_at_accept(self) -> bool:
        strikes = self._draws.resets_at_accept()
        self._ledger.unheard[AT_ACCEPT] += strikes
        return strikes

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_LARGEST_BODY)
        routes = application.router
        routes.add_get("/ledger", self._provider.show_ledger)
        routes.add_get(f"{BUCKET}/{{name}}", self._provider.show_picture)
        routes.add_route("*", PATH, self._provider.take)
        routes.add_route("*", "/{path:.*}", self._provider.refuse_path)
        return application


def _as_latency(latency: float | Latency | None, time_scale: float) -> Latency:
    if latency is None:
        return Spread(time_scale=time_scale)
    return Constant(latency) if isinstance(latency, int | float) else latency
