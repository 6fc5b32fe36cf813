"""The session pool: accounts, their sessions and limits; it leases the one that is free first.

    governors ─▶ gate ─ turn ─▶ lease ─▶ session of that governor ─▶ call
        ▲                                                              │
        └── learn ◀── how the attempt ended ◀──────────────────────────┘

Accounts of one group share one governor, since the quota is the account's and not the key's. One
whose key is refused, or whose quota is gone, is set aside while another is left.
"""

from __future__ import annotations

import asyncio
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
import attrs

from volcv_async.bottleneck import NAMES, Cause
from volcv_async.config import Account, Limits, RetryPolicy
from volcv_async.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSentError,
    QuotaError,
    SlowDown,
    VolcvError,
    VolcvWarning,
)
from volcv_async.events import (
    AccountPaused,
    AccountSetAside,
    Event,
    Learned,
    LimitLearned,
    SharedLimitBack,
    SharedLimitLost,
    Statistics,
)
from volcv_async.governor import (
    Gate,
    Governor,
    Permits,
    Quota,
    Turn,
    governors_of,
    names_of,
)
from volcv_async.models import Request
from volcv_async.outages import Outages
from volcv_async.sharing import open_quotas

if TYPE_CHECKING:
    from volcv_async.transport import Transport

_log = logging.getLogger("volcv_async")


class SessionPool:
    """Accounts with their limits, and the sessions to them while it is open.

    Limits, and what refusals taught, outlive an opening; sessions do not.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        *,
        limits: Limits,
        retry: RetryPolicy,
        reuse_connections: bool,
        emit: Callable[[Event], None],
    ) -> None:
        if not accounts:
            raise ConfigurationError("The client was given no account.", help="Give at least one.")
        self._accounts = list(accounts)
        self._governors = governors_of(accounts, limits)
        self._names = names_of(accounts, self._governors)
        self._reuse, self._emit = reuse_connections, emit
        self._outages = Outages(
            self._names, retry, emit=emit, ask=self._anybody_answers, probed=self._update
        )
        self._transports: list[Transport] = []
        self._sessions: dict[Governor, list[_Session]] = {}
        self._permits: dict[Governor, Permits] = {}
        self._closed: VolcvError | None = None
        self._gate = Gate({})

    def forget(self) -> None:
        """Forget calls that were under way on a loop that is closed: nothing of them comes back."""
        for governor in self._names:
            governor.forget()

    def open(self) -> None:
        """Open a session to each account, on the running loop. All accounts are in use again.

        Raises:
            ConfigurationError: A limit is shared, and the extra for that is not installed.
        """
        self._permits = {
            governor: self._permits_of(governor, quotas)
            for governor, name in self._names.items()
            if (quotas := open_quotas(governor.limits, name))
        }
        from volcv_async.transport import Transport  # noqa: PLC0415 - aiohttp, on first use

        self._sessions = {governor: [] for governor in self._governors}
        self._transports = [
            Transport(account, reuse_connections=self._reuse) for account in self._accounts
        ]
        for governor, transport in zip(self._governors, self._transports, strict=True):
            self._sessions[governor].append(_Session(self._names[governor], transport))
        self._gate = Gate(self._outages.each, self._permits)
        self._closed = None
        self._outages.begin(self._governors)

    async def close(self) -> None:
        """Turn away who is waiting, wait for the calls under way, and close all sessions."""
        self._closed = self._closed or NotSentError(
            "The client was left before the request had its turn.", help="Nothing was sent."
        )
        self._turn_away(self._closed)
        try:
            await self._outages.stop()
            await self._gate.emptied()
        finally:
            self._gate.stop_timer()
            for permits in self._permits.values():
                await permits.close()
            for transport in self._transports:
                await transport.close()

    # How it stands

    @property
    def slots(self) -> int:
        """Calls that may be in flight at the most, over all accounts."""
        return sum(governor.most for governor in self._names)

    @property
    def transport(self) -> Transport:
        """An open session, for what costs nothing and may go on any."""
        return self._transports[0]

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._gate.in_flight

    @property
    def waiting(self) -> int:
        """Calls waiting for their turn."""
        return self._gate.waiting

    @property
    def ever_answered(self) -> bool:
        """Whether any call was ever answered."""
        return self._outages.ever_answered

    @property
    def may_yet_answer(self) -> bool:
        """Whether another account has a call under way, so that not all is set up wrongly."""
        return len(self._used) > 1 and self.in_flight > 0

    @property
    def outage(self) -> bool:
        """Whether answers that used to come are out, so that what is not sent is excused."""
        return self._outages.excuses(self.in_flight)

    @property
    def limited_by(self) -> Cause | None:
        """What holds up who waits for a turn now; None where nobody does."""
        return self._gate.watch.cause

    def waited(self) -> Mapping[Cause, float]:
        """Give the seconds for which anybody waited for a turn, by what held it up."""
        return self._gate.watch.read(time.monotonic())

    def learned(self) -> tuple[Learned, ...]:
        """Give what refusals have taught."""
        return tuple(
            Learned(account=name, model=model, rate=rate, concurrency=cap)
            for governor, name in self._names.items()
            for model, rate, cap in governor.learned()
        )

    def recall(self, learned: Iterable[Learned]) -> None:
        """Begin with what was learned before, where nothing is learned yet."""
        for lesson in learned:
            for governor, name in self._names.items():
                if name == lesson.account:
                    governor.recall(lesson.model, lesson.rate, lesson.concurrency)

    def complete(self, counts: Statistics) -> Statistics:
        """Add to what was counted how it stands now."""
        now = time.monotonic()
        rates = [governor.rate for governor in self._used]
        expected = [self._expected(governor, now) for governor in self._used]
        return attrs.evolve(
            counts,
            in_flight=self.in_flight,
            waiting=self.waiting,
            slots=sum(governor.slots for governor in self._used),
            rate=sum(governor.measured(now) for governor in self._used),
            allowed_rate=_sum(rates),
            throughput=_sum(expected),
            limited_by=self.limited_by,
            learned=self.learned(),
        )

    def _expected(self, governor: Governor, now: float) -> float | None:
        """Give the calls a second to expect; of what is shared, only what was had of late."""
        allowed = governor.throughput
        measured = governor.measured(now) if governor in self._permits else 0.0
        return min(allowed, measured) if allowed and measured else allowed

    @property
    def _used(self) -> list[Governor]:
        """Those that still have a session; all of them before the first opening."""
        return [governor for governor in self._names if self._sessions.get(governor, [None])]

    def __repr__(self) -> str:
        return self.line(self.complete(Statistics()))

    def line(self, now: Statistics) -> str:
        """Say in one line how it stands, by what was counted."""
        allowed = "" if now.allowed_rate is None else f" of {now.allowed_rate:.1f}/s"
        used = sum(map(len, self._sessions.values())) if self._sessions else len(self._accounts)
        state = [
            f"{used} account{'s'[: used != 1]}",
            f"in flight {now.in_flight}/{now.slots}",
            f"waiting {now.waiting}",
            f"{now.rate:.2f}/s{allowed}",
        ]
        if now.limited_by is not None:
            state.append(f"limited by {NAMES[now.limited_by]}")
        return f"<SessionPool {' | '.join(state)}>"

    # Leases

    def vacant(self, model: str | None) -> int | None:
        """Take a number as ``vacancy`` does, without waiting; None where one would have to."""
        vacant = self._closed is None and self._gate.could_leave(model)
        return self._gate.number() if vacant else None

    def lease_now(self, model: str | None) -> Lease | None:
        """Lease a session for a model as ``lease`` does; None where one would have to wait."""
        if self._closed is not None:
            return None
        turn = self._gate.turn_now(model)
        return None if turn is None else self._leased(turn)

    async def vacancy(self, model: str | None = None) -> int:
        """Wait until a call that came now could leave at once; take nothing but a number.

        Args:
            model: The ``req_key`` of the request that is likely to come.

        Raises:
            AuthenticationError: No account is left whose key is accepted.
            NotSentError: The client was left.
        """
        self._check()
        with self._outages.waited_for():
            return await self._gate.vacancy(model)

    async def lease(
        self, request: Request, *, again: bool = False, number: int | None = None
    ) -> Lease:
        """Wait until a call may leave, and lease the session that it may leave on.

        Args:
            request: What is to go out.
            again: Whether it went out before: it goes before new work.
            number: The place that ``vacancy`` gave.

        Raises:
            AuthenticationError: No account is left whose key is accepted.
            NotSentError: The client was left.
        """
        while True:
            self._check()
            with self._outages.waited_for():
                turn = await self._gate.turn(request.req_key, again=again, number=number)
            lease = self._leased(turn)
            if lease is not None:
                return lease

    def _leased(self, turn: Turn) -> Lease | None:
        """Lease the session of a turn; none is left if its last key was refused just now."""
        sessions = self._sessions[turn.governor]
        if not sessions:
            self._gate.undo(turn)
            return None
        if len(sessions) > 1:
            sessions.append(sessions.pop(0))
        return Lease(self, sessions[-1], turn)

    def undo(self, turn: Turn) -> None:
        """Take a lease back on which nothing went out after all."""
        self._gate.undo(turn)

    def over(self, turn: Turn) -> None:
        """Take a lease back."""
        self._gate.over(turn)

    async def outlasted(self, seconds: float) -> None:
        """Wait until one outage of all accounts has lasted so long, from now at the earliest.

        It begins when the last of those that have a session goes out, and ends when any is back.
        """
        await self._outages.outlasted(seconds)

    def _check(self) -> None:
        if self._closed is not None:
            raise _again(self._closed)

    # Learning

    def learn(self, session: _Session, turn: Turn, error: VolcvError | None) -> bool:
        """Learn from how an attempt ended; its slot is free already.

        Tells whether its session is set aside, and another left for the call to go on to.
        """
        now = time.monotonic()
        stirred = self._outages.hear(turn.governor, turn.number, error, now)
        if error is None:
            turn.governor.made(now - turn.left)
            if not stirred:
                turn.governor.answered(turn.model, turn.left, now)
                self._update()
                return False
        if isinstance(error, AuthenticationError) or (
            isinstance(error, QuotaError) and self._has_another(turn.governor)
        ):
            self._set_aside(session, turn.governor, error)
        self._learn_pace(turn, error, now)
        self._outages.note()
        self._update()
        return session not in self._sessions[turn.governor] and self._closed is None

    def _learn_pace(self, turn: Turn, error: VolcvError | None, now: float) -> None:
        """Learn from an answer, or from a refusal for too much at once."""
        if error is not None and error.slow_down is not None:
            self._slow_down(turn, error, now)
        elif error is None or error.ending == "answered":
            turn.governor.answered(turn.model, turn.left, now)

    def _slow_down(self, turn: Turn, error: VolcvError, now: float) -> None:
        name = self._names[turn.governor]
        before = self.learned()
        assert error.slow_down is not None  # noqa: S101 - it was asked before
        turn.governor.refused(turn.model, error.slow_down, turn.left, now)
        for lesson in self.learned():
            if lesson not in before:
                _log.info("refused for %s (%s): %s", error.slow_down, error.code, lesson)
                self._emit(LimitLearned(learned=lesson, of=error.slow_down))
        if error.retry_after and turn.governor.pause(error.retry_after, now):
            self._emit(AccountPaused(account=name, seconds=error.retry_after))

    def _has_another(self, governor: Governor) -> bool:
        """Tell whether another group than this one has a session left."""
        return any(used is not governor for used in self._used)

    def _set_aside(self, session: _Session, governor: Governor, error: VolcvError) -> None:
        """Send nothing more on a session, or, where the quota is gone, on any of its group.

        Without another, remember why.
        """
        sessions = self._sessions[governor]
        if session not in sessions:
            return
        if isinstance(error, QuotaError):
            sessions.clear()
        else:
            sessions.remove(session)
        self._emit(AccountSetAside(account=session.account, error=error))
        if not any(self._sessions.values()):
            self._closed = error
        else:
            _warn(_aside(session.account, error))
        if not sessions:
            self._outages.set_aside(governor)
            self._gate.close(governor)
        if self._closed is not None:
            self._turn_away(self._closed)

    def _turn_away(self, error: VolcvError) -> None:
        self._gate.turn_away(lambda: _again(error))

    def _update(self) -> None:
        self._gate.update()

    # What it leans on

    async def _anybody_answers(self, governor: Governor) -> bool:
        """Probe each endpoint of a governor that is in use at once; tell whether any answers."""
        answers: list[bool] = []

        async def ask(transport: Transport) -> None:
            answers.append(await transport.probe())

        used = {session.transport.url: session.transport for session in self._sessions[governor]}
        async with anyio.create_task_group() as probes:
            for transport in used.values():
                probes.start_soon(ask, transport)
        return any(answers)

    def _permits_of(self, governor: Governor, quotas: Mapping[SlowDown, Quota]) -> Permits:
        return Permits(quotas, changed=self._update, told=partial(self._tell_of_store, governor))

    def _tell_of_store(self, governor: Governor, error: OSError | None) -> None:
        name = self._names[governor]
        if error is None:
            self._emit(SharedLimitBack(account=name))
            return
        self._emit(SharedLimitLost(account=name, error=error))
        why = str(error).rstrip(".")
        _warn(f"The shared limit of {name} cannot be reached: {why}. Calls wait until it can be.")


@attrs.frozen(eq=False)
class _Session:
    """What to call an account, and the connections to it."""

    account: str
    transport: Transport


class Lease:
    """The right to send one call now, on one session. A context manager: leaving it frees the slot.

    Attributes:
        transport: What to send on.
        account: What to call the account it goes to.
    """

    def __init__(self, pool: SessionPool, session: _Session, turn: Turn) -> None:
        self._pool, self._session, self._turn = pool, session, turn
        self.transport = session.transport
        self.account = session.account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.over(self._turn)

    def undo(self) -> None:
        """Give it back unused."""
        self._pool.undo(self._turn)

    def departed(self) -> None:
        """Tell that the first byte leaves now: the connection is made."""
        self._turn.departed(time.monotonic())

    def learn(self, error: VolcvError | None) -> bool:
        """Tell how the attempt ended, after the slot was freed.

        Tells whether its session is set aside, and another left for the call to go on to.
        """
        return self._pool.learn(self._session, self._turn, error)


def _sum(numbers: Sequence[float | None]) -> float | None:
    """Add numbers up; None where one of them is not known, or there is none."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None


def _aside(name: str, error: VolcvError) -> str:
    why = "its quota is gone" if isinstance(error, QuotaError) else "its key is refused"
    return f"Account {name} is set aside, {why}: {error}"


def _warn(text: str) -> None:
    """Warn; where warnings are errors, this one is raised in the loop and not amid the books."""
    asyncio.get_running_loop().call_soon(warnings.warn, text, VolcvWarning)


def _again(error: VolcvError) -> VolcvError:
    """Say the same to a call that is turned away for it; that one was not sent."""
    fresh = type(error)(
        error.message,
        help=error.help,
        code=error.code,
        http_status=error.http_status,
        request_id=error.request_id,
        provider_message=error.provider_message,
    )
    fresh.ending = "not sent"
    return fresh
