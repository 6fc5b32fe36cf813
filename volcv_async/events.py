"""What happened, as frozen values: for ``on_event``, for statistics, and for a journal.

``on_event`` is a plain function that gets one of the events below. A ``Recorder`` is awaited at the
two moments that a journal must not miss: before the first byte of a paid call goes out, and before
the download of an image that is paid for. A ``Bookkeeper`` hears of every other ending, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import attrs

from volcv_async.bottleneck import Cause
from volcv_async.errors import Ending, SlowDown, VolcvError
from volcv_async.models import Request
from volcv_async.results import Generation


@attrs.frozen(kw_only=True)
class Attempt:
    """One attempt at a paid call.

    Attributes:
        request: What is asked for, as it goes out: after a reroll, with its fresh seed.
        index: Its place in its source; 0 for a single call.
        number: Which attempt at this request it is, from 1, refusals and rerolls included.
        account: The account it goes to: its group, or its host.
        started: When it may leave (UTC).
    """

    request: Request
    index: int
    number: int
    account: str
    started: datetime


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """An attempt has its turn and is about to go out.

    Attributes:
        attempt: Which one.
    """

    attempt: Attempt


@attrs.frozen(kw_only=True)
class AttemptEnded:
    """An attempt is over.

    Attributes:
        attempt: Which one.
        ending: How it ended; see ``VolcvError.ending``.
        seconds: How long it took, from its turn to the end of its reply.
        error: What it met, or None if it was answered with an image. A call that was cut off
            by a cancellation has an ``UnknownOutcomeError`` here, or a ``NotSentError``.
    """

    attempt: Attempt
    ending: Ending
    seconds: float
    error: VolcvError | None


@attrs.frozen(kw_only=True)
class OutageBegan:
    """Too many attempts in a row had no readable answer: from now on only probes go there.

    Other accounts go on; each has outages of its own.

    Attributes:
        account: Which account is out: its group, or its host.
        in_a_row: How many.
    """

    account: str
    in_a_row: int


@attrs.frozen(kw_only=True)
class OutageProbed:
    """A plain probe, which carries no order and costs nothing, was sent in an outage.

    Attributes:
        account: Which account it asked for: its group, or its host.
        answered: Whether anything below HTTP 500 answered it.
        lasting: Seconds since this account's outage began.
        next_probe: Seconds until the next one.
        next_call: Seconds until one paid call may go there; 0 where this was a sign of recovery.
    """

    account: str
    answered: bool
    lasting: float
    next_probe: float
    next_call: float


@attrs.frozen(kw_only=True)
class OutageEnded:
    """A call was answered: calls go there as before.

    Attributes:
        account: Which account is back: its group, or its host.
    """

    account: str


@attrs.frozen(kw_only=True)
class AccountSetAside:
    """An account's key was refused, or its quota is gone; nothing more goes to it.

    Attributes:
        account: Its group, or its host.
        error: What was said.
    """

    account: str
    error: VolcvError


@attrs.frozen(kw_only=True)
class Learned:
    """What refusals have taught of one model at one account.

    Attributes:
        account: Its group, or its host.
        model: The ``req_key``.
        rate: Calls a second that it seems to take; None: it has refused none for rate, or takes
            what is stated again.
        concurrency: Calls in flight that it seems to take; None: it has refused none for that, or
            takes what is stated again.
    """

    account: str
    model: str
    rate: float | None
    concurrency: int | None


@attrs.frozen(kw_only=True)
class LimitLearned:
    """A refusal has taught something: fewer calls go there until more are tried again.

    Attributes:
        learned: What is believed now.
        of: What there was too much of: ``"rate"`` or ``"concurrency"``.
    """

    learned: Learned
    of: SlowDown


@attrs.frozen(kw_only=True)
class AccountPaused:
    """The provider asked for a pause, by a ``Retry-After``; nothing goes there until it is over.

    Attributes:
        account: Its group, or its host.
        seconds: How long, jitter left out.
    """

    account: str
    seconds: float


@attrs.frozen(kw_only=True)
class SharedLimitLost:
    """The store of a limit that several processes share cannot be reached; calls wait for it.

    Attributes:
        account: The group, or the host, of the account that the limit is for.
        error: What was met.
    """

    account: str
    error: OSError


@attrs.frozen(kw_only=True)
class SharedLimitBack:
    """The store of a shared limit can be reached again.

    Attributes:
        account: The group, or the host, of the account that the limit is for.
    """

    account: str


Event = (
    AttemptStarted
    | AttemptEnded
    | OutageBegan
    | OutageProbed
    | OutageEnded
    | AccountSetAside
    | LimitLearned
    | AccountPaused
    | SharedLimitLost
    | SharedLimitBack
)
"""What ``on_event`` gets."""

OnEvent = Callable[[Event], None]
"""A plain function that gets each event, in the loop's thread; it should be quick."""


class Recorder(Protocol):
    """Who writes down what must not be forgotten. Its methods are awaited."""

    async def sending(self, attempt: Attempt) -> None:
        """Write down that an attempt goes out. If this raises, nothing is sent."""
        ...

    async def answered(self, attempt: Attempt, generation: Generation) -> None:
        """Write down that an image is paid for, before any download of it starts."""
        ...


@runtime_checkable
class Bookkeeper(Recorder, Protocol):
    """A recorder that hears how every attempt ended, so that its books are never behind.

    An attempt that is cut off, by a second Ctrl-C or the end of the drain time, has nobody left to
    await: it is only told to ``on_event``, and its outcome says what is known of it.
    """

    async def ended(self, attempt: Attempt, error: VolcvError) -> str | None:
        """Write down that an attempt is over without an image, before any pause or repetition.

        ``error.ending`` says whether it was not sent, rejected, in doubt, or answered with a
        failure. What this raises ends the stream, as itself. A text that it gives says why the
        request must not go out again, though it might; None leaves that to the ``RetryPolicy``.
        """
        ...


@attrs.frozen(kw_only=True)
class Statistics:
    """Counts since the client was made, and how it stands with its limits now.

    Attributes:
        attempts: Attempts begun; the sum of the four below and of ``in_flight``.
        not_sent: Attempts of which no byte went out.
        rejected: Attempts that were refused before anything was made.
        in_doubt: Attempts that may have been billed without our knowing.
        answered: Attempts that the provider answered, with an image or with a failure of its own.
        completed: Attempts that gave an image; among the answered.
        in_flight: Attempts under way now.
        waiting: Requests waiting for their turn now.
        slots: Calls that may be in flight now, over all accounts.
        rate: Calls a second that left of late: over the last 30 s, or 64 calls of an account.
        allowed_rate: Calls a second that may leave now, stated or learned, over all accounts;
            None where one of them has no rate that is known.
        throughput: Calls a second to expect while there is enough to send: what rates and slots
            let through, at the latency of late; None before anything is known.
        limited_by: What holds things up, of late where streams are open, else at this moment;
            None where nothing does.
        learned: What refusals have taught.
        waited: Seconds that streams have spent on waiting, by what for.
    """

    attempts: int = 0
    not_sent: int = 0
    rejected: int = 0
    in_doubt: int = 0
    answered: int = 0
    completed: int = 0
    in_flight: int = 0
    waiting: int = 0
    slots: int = 0
    rate: float = 0.0
    allowed_rate: float | None = None
    throughput: float | None = None
    limited_by: Cause | None = None
    learned: tuple[Learned, ...] = ()
    waited: Mapping[Cause, float] = attrs.field(factory=dict[Cause, float])
