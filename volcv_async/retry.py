"""May this attempt be repeated, and after how long? It decides, and never waits.

* What was not sent may be; ``attempts`` ends it, but an outage costs no attempt.
* A refusal for rate or concurrency may be, without end: only the deadline ends it.
* What else was rejected may be where a table says so, up to ``attempts``.
* What is in doubt is not, unless the user said so.
* A request whose account was set aside, its key refused or its quota gone, goes to another at once.
* What was answered is not; but a picture that was refused may be drawn anew, ``rerolls`` times.

What is repeated draws on a budget that all calls share, so that an outage is not multiplied.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import datetime

import attrs

from volcv_async.config import RetryPolicy
from volcv_async.errors import (
    AuthenticationError,
    BrokenImageError,
    ConfigurationError,
    ImageError,
    InvalidRequestError,
    NotSentError,
    QuotaError,
    VolcvError,
)

# How many first pauses a refused call waits at the most: the governor holds the whole account back
# already, so that its own wait only keeps the refused apart.
_LONGEST_REFUSAL_PAUSES = 4

_WRONG_PATH = frozenset({404, 405})

# As in botocore's standard mode: its bucket of 500 lets 100 repetitions go out before a success
# has to pay for more, and what may be paid for twice costs double.
_REPETITION = 5
_DOUBTFUL_REPETITION = 10
_SUCCESS = 1


@attrs.frozen(kw_only=True)
class Tally:
    """What became of a request so far.

    Attributes:
        counted: Attempts that count, this one included.
        refusals: Refusals for rate or concurrency, this one included.
        excused: Whether what was not sent counts for nothing now, as in an outage.
        elsewhere: Whether its account is set aside, and another left for it.
    """

    counted: int
    refusals: int
    excused: bool = False
    elsewhere: bool = False


def pause(
    error: VolcvError,
    policy: RetryPolicy,
    tally: Tally,
    draw: Callable[[], float] = random.random,
) -> float | None:
    """Give the seconds to wait before the request goes out again, or None if it must not.

    The wait is drawn evenly from nothing to a bound that doubles ("full jitter"); a
    ``Retry-After`` is waited out first. ``draw`` gives numbers in [0, 1).
    """
    if _goes_elsewhere(error, tally):
        return 0.0
    if refused_for_pace(error):
        longest = min(_LONGEST_REFUSAL_PAUSES * policy.pause, policy.longest_pause)
        return _jittered(error, policy.pause, tally.refusals, longest, draw)
    excused = tally.excused and isinstance(error, NotSentError)
    if not _allowed(error, policy) or (tally.counted >= policy.attempts and not excused):
        return None
    return _jittered(error, policy.pause, tally.counted, policy.longest_pause, draw)


def refused_for_pace(error: VolcvError) -> bool:
    """Tell whether it was too much at once, so that the same request passes later."""
    return error.slow_down is not None and error.repeatable and error.ending == "rejected"


def reroll(error: VolcvError, policy: RetryPolicy, rerolls: int) -> bool:
    """Tell whether a request goes out with a fresh seed, after so many rerolls."""
    return error.rerollable and rerolls < policy.rerolls


def may_be_billed(error: VolcvError) -> bool:
    """Tell whether the attempt before a repetition or a reroll may have been billed."""
    return error.ending in {"in doubt", "answered"} and error.billed != "no"


def cost(error: VolcvError, tally: Tally) -> int:
    """Give what a repetition after this error draws from the budget."""
    if refused_for_pace(error) or isinstance(error, AuthenticationError | QuotaError):
        return 0
    if isinstance(error, NotSentError) and tally.excused:
        return 0
    return _DOUBTFUL_REPETITION if error.ending == "in doubt" else _REPETITION


class Budget:
    """What the repetitions of all calls of a client draw on: a bucket that successes fill again.

    While most calls succeed it stays full, and each failure has its repetitions. While most fail
    it runs dry, and then calls go out once, as many as there are requests and no more.

    Args:
        capacity: What it holds at the most, and at first; None: without end.
    """

    def __init__(self, capacity: int | None) -> None:
        self._capacity = math.inf if capacity is None else capacity
        self.left = self._capacity

    def __repr__(self) -> str:
        return f"<Budget {self.left:g}/{self._capacity:g}>"

    def draw(self, cost: int) -> bool:
        """Take what a repetition costs; False, and nothing taken, where too little is left."""
        if cost > self.left:
            return False
        self.left -= cost
        return True

    def succeeded(self, drawn: int) -> None:
        """Give back what a call drew that has succeeded now, or a little if it drew nothing."""
        self.left = min(self._capacity, self.left + (drawn or _SUCCESS))


def fetching(expires: datetime | None, now: datetime, *, attempt: float, deadline: float) -> float:
    """Give the seconds for which an image is fetched again and again.

    Until its URL dies or the request's deadline, whichever is first; without either, as long as
    an attempt may take. A URL that is dead by this machine's clock is tried for that long, too: the
    clock may be wrong, and the other end knows.

    Args:
        expires: When the URL dies (UTC), or None if unknown.
        now: The time by this machine's clock (UTC).
        attempt: How long an attempt may take, in seconds.
        deadline: Seconds until the deadline; infinite without one.
    """
    if expires is None:
        return attempt if deadline == math.inf else deadline
    alive = (expires - now).total_seconds()
    return min(alive if alive > 0 else attempt, deadline)


def free_pause(
    error: ImageError,
    policy: RetryPolicy,
    tally: Tally,
    draw: Callable[[], float] = random.random,
) -> float | None:
    """Give the seconds to wait before an image is fetched again, or None if that cannot help.

    Fetching costs nothing, so only time ends it; what came whole and is broken, ``attempts``.
    """
    hopeless = tally.counted >= policy.attempts or not isinstance(error, BrokenImageError)
    if hopeless and not error.repeatable:
        return None
    return _jittered(error, policy.pause, tally.counted, policy.longest_pause, draw)


def _goes_elsewhere(error: VolcvError, tally: Tally) -> bool:
    return isinstance(error, AuthenticationError | QuotaError) and tally.elsewhere


def _allowed(error: VolcvError, policy: RetryPolicy) -> bool:
    asked_for = error.ending == "in doubt" and policy.in_doubt == "retry"
    return asked_for or error.repeatable


def _jittered(
    error: VolcvError, first: float, nth: int, longest: float, draw: Callable[[], float]
) -> float:
    bound = min(first * 2.0 ** min(nth - 1, 30), longest)
    return (error.retry_after or 0.0) + draw() * bound


def stops_everything(error: VolcvError, *, ever_answered: bool) -> bool:
    """Tell whether an error means that no other request can do better.

    A wrong key, a wrong path, a wrong set-up; and what cannot be sent while nothing was ever
    answered, which is a newcomer's mistake likelier than an outage.
    """
    if isinstance(error, AuthenticationError | ConfigurationError):
        return True
    if isinstance(error, InvalidRequestError):
        return error.http_status in _WRONG_PATH and is_of_the_address(error)
    return isinstance(error, NotSentError) and not ever_answered


def is_of_the_address(error: InvalidRequestError) -> bool:
    """Tell whether a refusal says that the URL is wrong, and nothing of the request."""
    status = error.http_status or 0
    elsewhere = status in _WRONG_PATH or 300 <= status < 400  # noqa: PLR2004 - as HTTP has them
    return elsewhere and not isinstance(error.code, int)
