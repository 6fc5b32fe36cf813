"""The session pool: the accounts, their sessions, and the gate before them.

A call asks for a lease and gets one on the session that can send soonest, when slot and rate are
there together. What came of it is told to the lease, which teaches the governor of that account's
group, and that group's outage. An account whose key is refused is set aside.

An outage is of one account group; the others go on. While it is on and somebody waits for a lease,
a task of the pool's own sends plain probes there, at the times that ``outage`` gives.
"""

from __future__ import annotations

import asyncio
import math
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Self

import anyio
import attrs

from volcv_async.config import Account, Limits, RetryPolicy
from volcv_async.errors import (
    AuthenticationError,
    ConfigurationError,
    NotSentError,
    VolcvError,
    VolcvWarning,
)
from volcv_async.events import AccountSetAside, Event, OutageBegan, OutageEnded, OutageProbed
from volcv_async.governor import Gate, Governor, Turn
from volcv_async.outage import Outage
from volcv_async.probing import Prober, Spells
from volcv_async.transport import Transport

_TELLING = 3  # failures in a row, met by several calls, that are no matter of one request


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
        self._governors = _governors(accounts, limits)
        self._outages = {
            governor: Outage(retry.pause, retry.longest_pause) for governor in self._governors
        }
        self._names = {
            governor: account.name
            for account, governor in zip(accounts, self._governors, strict=True)
        }
        self._reuse = reuse_connections
        self._emit = emit
        self._transports: list[Transport] = []
        self._sessions: dict[Governor, list[_Session]] = {}
        self._closed: VolcvError | None = None
        self._gate = Gate({})
        self._forget()

    def _forget(self) -> None:
        """Begin anew, on the running loop."""
        self._probers = {
            governor: Prober(partial(self._probe, governor)) for governor in self._outages
        }
        self._queued = 0
        self._spells = Spells()

    def open(self) -> None:
        """Open a session to each account, on the running loop. All accounts are in use again."""
        self._sessions = {governor: [] for governor in self._governors}
        self._transports = [
            Transport(account, reuse_connections=self._reuse) for account in self._accounts
        ]
        for account, governor, transport in zip(
            self._accounts, self._governors, self._transports, strict=True
        ):
            self._sessions[governor].append(_Session(account, transport))
        self._gate = Gate(self._outages)
        self._closed = None
        self._forget()
        for outage in self._outages.values():
            outage.renewed()
        self._spells.note(on=self._dark)

    async def close(self) -> None:
        """Turn away who is waiting, wait for the calls under way, and close all sessions."""
        self._closed = self._closed or NotSentError(
            "The client was left before the request had its turn.", help="Nothing was sent."
        )
        self._turn_away(self._closed)
        try:
            for prober in self._probers.values():
                await prober.stop()
            await self._gate.emptied()
        finally:
            for transport in self._transports:
                await transport.close()

    @property
    def slots(self) -> int:
        """Calls that may be in flight at the most, over all accounts."""
        return sum(governor.room.most for governor in self._outages)

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
        return any(outage.ever_answered for outage in self._outages.values())

    @property
    def may_yet_answer(self) -> bool:
        """Whether another account has a call under way, so that not all is set up wrongly."""
        return len(self._used) > 1 and self.in_flight > 0

    @property
    def outage(self) -> bool:
        """Whether answers that used to come are out, so that what is not sent is excused.

        That is so in an outage of any account, and just before one where it is no matter of one
        request alone.
        """
        alone = not (self._queued or self._gate.in_flight)
        telling = math.inf if alone else _TELLING
        out = any(outage.on or outage.in_a_row >= telling for outage in self._used.values())
        return out and self.ever_answered

    @property
    def _used(self) -> dict[Governor, Outage]:
        """The outages of those that still have a session."""
        return {
            governor: self._outages[governor]
            for governor, sessions in self._sessions.items()
            if sessions
        }

    @property
    def _dark(self) -> bool:
        """Whether all accounts that are in use are out."""
        return bool(self._used) and all(outage.on for outage in self._used.values())

    def __repr__(self) -> str:
        accounts = f"{len(self._accounts)} account{'s'[: len(self._accounts) != 1]}"
        state = f"in flight {self.in_flight}/{self.slots} | waiting {self.waiting}"
        return f"<SessionPool {accounts} | {state}>"

    async def vacancy(self) -> None:
        """Wait until a call that came now could leave at once; take nothing.

        Raises:
            AuthenticationError: No account is left whose key is accepted.
        """
        self._check()
        with self._queue():
            await self._gate.vacancy()

    async def lease(self) -> Lease:
        """Wait until a call may leave, and lease the session that it may leave on.

        Raises:
            AuthenticationError: No account is left whose key is accepted.
        """
        while True:
            self._check()
            with self._queue():
                turn = await self._gate.turn()
            sessions = self._sessions[turn.governor]
            if sessions:
                sessions.append(sessions.pop(0))
                return Lease(self, sessions[-1], turn)
            self._gate.undo(turn)  # granted just before its last key was refused

    def _check(self) -> None:
        if self._closed is not None:
            raise _again(self._closed)

    def over(self, turn: Turn) -> None:
        """Take a lease back."""
        self._gate.over(turn)

    async def outlasted(self, seconds: float) -> None:
        """Wait until one outage of all accounts has lasted so long, from now at the earliest.

        It begins when the last of those that have a session goes out, and ends when any is back.
        """
        await self._spells.outlasted(seconds)

    @contextmanager
    def _queue(self) -> Generator[None]:
        """Count who waits, for whose sake probes are sent."""
        self._queued += 1
        self._attend()
        try:
            yield
        finally:
            self._queued -= 1
            self._attend()

    def _attend(self) -> None:
        waited_for = self._queued > 0 and self._closed is None
        for governor, prober in self._probers.items():
            due = self._outages[governor].next_probe < math.inf and governor in self._used
            prober.attend(wanted=waited_for and due)

    def learn(self, session: _Session, turn: Turn, error: VolcvError | None) -> None:
        """Learn from how an attempt ended; its slot is free already."""
        now = time.monotonic()
        self._hear(turn, error, now)
        if error is None:
            turn.governor.succeeded()
        elif isinstance(error, AuthenticationError):
            self._set_aside(session, turn.governor, error)
        else:
            _slow_down(turn.governor, error, now)
        self._spells.note(on=self._dark)
        self._attend()
        self._gate.update()

    def _hear(self, turn: Turn, error: VolcvError | None, now: float) -> None:
        """Tell the outage of a governor whether there was a readable answer."""
        outage, name = self._outages[turn.governor], self._names[turn.governor]
        if error is None or error.ending in {"answered", "rejected"}:
            if outage.answered(turn.number):
                self._emit(OutageEnded(account=name))
        elif _is_mistake(error) and not self.ever_answered:
            return
        elif outage.silent(
            turn.number,
            now,
            sent=error.ending != "not sent",
            replied=error.http_status is not None,
        ):
            self._emit(OutageBegan(account=name, in_a_row=outage.in_a_row))

    async def _probe(self, governor: Governor) -> None:
        """Send the plain probe that is due next by an outage, and learn from it."""
        outage = self._outages[governor]
        await asyncio.sleep(outage.next_probe - time.monotonic())
        answered = await self._anybody_answers(governor)
        now = time.monotonic()
        outage.probed(now, answered=answered)
        event = OutageProbed(
            account=self._names[governor],
            answered=answered,
            lasting=outage.lasting(now),
            next_probe=outage.next_probe - now,
            next_call=max(0.0, outage.earliest(0) - now),
        )
        self._emit(event)
        self._gate.update()

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

    def _set_aside(self, session: _Session, governor: Governor, error: AuthenticationError) -> None:
        """Send nothing more on a session; without another, remember why."""
        sessions = self._sessions[governor]
        if session not in sessions:
            return
        sessions.remove(session)
        self._emit(AccountSetAside(account=session.account.name, error=error))
        if not any(self._sessions.values()):
            self._closed = error
        else:
            # Where warnings are errors, this one is raised in the loop and not amid the books.
            text = f"Account {session.account.name} is set aside, its key is refused: {error}"
            asyncio.get_running_loop().call_soon(warnings.warn, text, VolcvWarning)
        if not sessions:
            self._gate.close(governor)
        if self._closed is not None:
            self._turn_away(self._closed)

    def _turn_away(self, error: VolcvError) -> None:
        self._gate.turn_away(lambda: _again(error))

    @property
    def exhausted(self) -> bool:
        """Whether no call may leave any more: no account is left, or the client was."""
        return self._closed is not None


@attrs.frozen(eq=False)
class _Session:
    """One account and the connections to it."""

    account: Account
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
        self.account = session.account.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.over(self._turn)

    def departed(self) -> None:
        """Tell that the first byte leaves now: the connection is made."""
        self._turn.governor.departed(self._turn.left, time.monotonic())

    def learn(self, error: VolcvError | None) -> None:
        """Tell how the attempt ended, after the slot was freed."""
        self._pool.learn(self._session, self._turn, error)


def _governors(accounts: Sequence[Account], default: Limits) -> list[Governor]:
    """Give each account its governor: one a group, or one of its own."""
    shared: dict[str, Governor] = {}
    return [_governor(account, accounts, default, shared) for account in accounts]


def _governor(
    account: Account, accounts: Sequence[Account], default: Limits, shared: dict[str, Governor]
) -> Governor:
    if account.group is None:
        return Governor(account.limits or default)
    if account.group not in shared:
        shared[account.group] = Governor(_group_limits(account.group, accounts) or default)
    return shared[account.group]


def _group_limits(group: str, accounts: Sequence[Account]) -> Limits | None:
    stated = {account.limits for account in accounts if account.group == group} - {None}
    if len(stated) > 1:
        raise ConfigurationError(
            f"The accounts of group {group!r} state different limits.",
            help="They share one quota: state its limits once, or the same for all.",
        )
    return stated.pop() if stated else None


def _is_mistake(error: VolcvError) -> bool:
    """Tell whether this is likelier a wrong URL than an outage, where nothing ever answered."""
    return isinstance(error, NotSentError | ConfigurationError)


def _slow_down(governor: Governor, error: VolcvError, now: float) -> None:
    """Learn from a refusal for too much at once; another error is none of the governor's."""
    if error.slow_down is None:
        return
    if error.slow_down == "concurrency":
        governor.refused_room()
    else:
        governor.refused_rate(now)
    if error.retry_after is not None:
        governor.pause_until(now + error.retry_after)


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
