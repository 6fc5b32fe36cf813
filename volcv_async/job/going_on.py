"""What the next run does with what an earlier one left: the rules, apart from any file. Pure.

* What was never sent goes out; so does what failed without being billed and may pass next time.
* What was made and waits at its URL is fetched, and not bought again.
* What is in doubt goes out again only where the user said so, and so does what was refused for its
  content, and what failed and was, or may have been, billed.
* What is done stays.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from volcv_async.errors import (
    ContentRejectedError,
    DownloadError,
    InvalidRequestError,
    VolcvError,
)
from volcv_async.job.records import Entry
from volcv_async.results import Failed


@attrs.frozen(kw_only=True)
class Wishes:
    """What the user said of requests that an earlier run has tried.

    Attributes:
        retry_failed: Send again what was refused for its content, and what failed and may have
            been billed.
        in_doubt: Send again what is in doubt, and perhaps pay twice.
    """

    retry_failed: bool = False
    in_doubt: bool = False


def is_due(entry: Entry, wishes: Wishes) -> bool:
    """Tell whether a request of the list goes out in this run."""
    match entry.state:
        case "pending":
            return True
        case "failed":
            return entry.again or wishes.retry_failed
        case "in doubt":
            return wishes.in_doubt
        case _:
            return False


def may_pass_next_time(outcome: Failed) -> bool:
    """Tell whether the next run sends a failed request again unasked: it costs nothing to try."""
    if isinstance(outcome.error, ContentRejectedError | InvalidRequestError):
        return False
    return outcome.billed == "no"


def can_be_fetched(error: VolcvError, now: datetime) -> bool:
    """Tell whether an image is paid for, not in hand, and still to be had for nothing."""
    if not isinstance(error, DownloadError) or not error.url:
        return False
    return error.expires is None or now < error.expires
