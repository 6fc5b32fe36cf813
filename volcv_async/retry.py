"""May this attempt be repeated, and after how long? It decides, and never waits.

* What was not sent may be; ``attempts`` ends it, but an outage costs no attempt.
* A refusal for rate or concurrency may be, without end: only the deadline ends it.
* What else was rejected may be where a table says so, up to ``attempts``.
* What is in doubt is not, unless the user said so.
* A request whose key was refused goes to another account at once, while one is left.
* What was answered is not.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

from volcv_async.config import RetryPolicy
from volcv_async.errors import (
    AuthenticationError,
    BrokenImageError,
    ConfigurationError,
    ImageError,
    InvalidRequestError,
    LimitedError,
    NotSentError,
    VolcvError,
)

# How many first pauses a refused call waits at the most: the governor holds the whole account back
# already, so that its own wait only keeps the refused apart.
_LONGEST_REFUSAL_PAUSES = 4

_WRONG_PATH = frozenset({404, 405})


@attrs.frozen(kw_only=True)
class Tally:
    """What became of a request so far.

    Attributes:
        counted: Attempts that count, this one included.
        refusals: Refusals for rate or concurrency, this one included.
        excused: Whether what was not sent counts for nothing now, as in an outage.
        elsewhere: Whether another account is left for a request whose key was refused.
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
    if isinstance(error, AuthenticationError) and tally.elsewhere:
        return 0.0
    if isinstance(error, LimitedError):
        longest = min(_LONGEST_REFUSAL_PAUSES * policy.pause, policy.longest_pause)
        return _jittered(error, policy.pause, tally.refusals, longest, draw)
    excused = tally.excused and isinstance(error, NotSentError)
    if not _allowed(error, policy) or (tally.counted >= policy.attempts and not excused):
        return None
    return _jittered(error, policy.pause, tally.counted, policy.longest_pause, draw)


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


def _allowed(error: VolcvError, policy: RetryPolicy) -> bool:
    if error.ending == "in doubt":
        return policy.in_doubt == "retry"
    return error.repeatable


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
        return error.http_status in _WRONG_PATH and not isinstance(error.code, int)
    return isinstance(error, NotSentError) and not ever_answered
