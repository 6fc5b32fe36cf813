"""What happened, as frozen values: for ``on_event``, for statistics, and for a journal.

``on_event`` is a plain function that gets one of the events below. A ``Recorder`` is awaited at the
two moments that a journal must not miss: before the first byte of a paid call goes out, and before
the download of an image that is paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs

from volcv_async.errors import Ending, VolcvError
from volcv_async.models import Request
from volcv_async.results import Generation


@attrs.frozen(kw_only=True)
class Attempt:
    """One attempt at a paid call.

    Attributes:
        request: What is asked for.
        index: Its place in its source; 0 for a single call.
        number: Which attempt at this request it is, from 1, refusals included.
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
    """Too many attempts in a row had no readable answer: from now on only probes go out.

    Attributes:
        in_a_row: How many.
    """

    in_a_row: int


@attrs.frozen(kw_only=True)
class OutageEnded:
    """A probe was answered: calls go out as before."""


@attrs.frozen(kw_only=True)
class AccountSetAside:
    """An account's key was refused; nothing more goes to it.

    Attributes:
        account: Its group, or its host.
        error: What was said.
    """

    account: str
    error: VolcvError


Event = AttemptStarted | AttemptEnded | OutageBegan | OutageEnded | AccountSetAside
"""What ``on_event`` gets."""

OnEvent = Callable[[Event], None]
"""A plain function that gets each event, in the loop's thread; it should be quick."""


class Recorder(Protocol):
    """Who writes down what must not be forgotten. Both methods are awaited."""

    async def sending(self, attempt: Attempt) -> None:
        """Write down that an attempt goes out. If this raises, nothing is sent."""
        ...

    async def answered(self, attempt: Attempt, generation: Generation) -> None:
        """Write down that an image is paid for, before any download of it starts."""
        ...


@attrs.frozen(kw_only=True)
class Statistics:
    """Counts since the client was made.

    Attributes:
        attempts: Attempts begun; the sum of the four below and of ``in_flight``.
        not_sent: Attempts of which no byte went out.
        rejected: Attempts that were refused before anything was made.
        in_doubt: Attempts that may have been billed without our knowing.
        answered: Attempts that the provider answered, with an image or with a failure of its own.
        completed: Attempts that gave an image; among the answered.
        in_flight: Attempts under way now.
        waiting: Requests waiting for their turn now.
    """

    attempts: int = 0
    not_sent: int = 0
    rejected: int = 0
    in_doubt: int = 0
    answered: int = 0
    completed: int = 0
    in_flight: int = 0
    waiting: int = 0
