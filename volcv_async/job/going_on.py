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

from volcv_async import retry
from volcv_async.errors import (
    Billed,
    ContentRejectedError,
    DownloadError,
    InvalidRequestError,
    VolcvError,
)
from volcv_async.job.records import Entry
from volcv_async.job.rows import Row, Trip
from volcv_async.results import Completed, Failed, InDoubt, Outcome


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
    error = outcome.error
    if isinstance(error, InvalidRequestError) and not retry.is_of_the_address(error):
        return False
    if isinstance(error, ContentRejectedError):
        return False
    return outcome.billed == "no" or (error.repeatable and error.ending == "rejected")


def can_be_fetched(error: VolcvError, now: datetime) -> bool:
    """Tell whether an image is paid for, not in hand, and perhaps still to be had for nothing.

    When its URL expires may be a guess, and this machine's clock wrong: only a refusal after that
    ends it.
    """
    if not isinstance(error, DownloadError) or not error.url:
        return False
    return error.repeatable or error.expires is None or now < error.expires


def in_light_of(before: Entry, outcome: Outcome, *, doubted: bool) -> Outcome:
    """Give an outcome its number, and what was known of its request before.

    What may have been billed once stays so, whatever became of a further attempt; and a failure
    that cost nothing itself, after an attempt in doubt, leaves the request in doubt.

    Args:
        before: The request as an earlier run left it.
        outcome: What this run made of it.
        doubted: Whether an attempt in this run, before the last, was in doubt.
    """
    perhaps_billed = outcome.perhaps_billed + spent(before)
    outcome = attrs.evolve(outcome, index=before.number, perhaps_billed=perhaps_billed)
    if isinstance(outcome, Completed):
        return outcome
    outcome = attrs.evolve(outcome, billed=dearer(before.billed, outcome.billed))
    harmless = outcome.error.ending in {"not sent", "rejected"}
    if harmless and (doubted or before.state == "in doubt"):
        return _as_doubt(outcome)
    return outcome


def spent(before: Entry) -> int:
    """Count the calls of earlier runs that may have been billed beside the one that counts now."""
    counted: int = _last_row(before).get("perhaps_billed", 0)
    return counted + _is_bought_again(before)


def earlier_ids(before: Entry) -> tuple[str, ...]:
    """Give the request ids of earlier calls for the same request that may have been billed."""
    last = _last_row(before)
    known = tuple(last.get("earlier_request_ids", ()))
    if not _is_bought_again(before) or not last.get("request_id"):
        return known
    return (*known, last["request_id"])


def trip(before: Entry) -> Trip:
    """Give the last attempt at a request; how long it took, where the last row tells of it."""
    last = _last_row(before)
    is_of_it = before.sent is not None and last.get("sent") == before.sent.isoformat()
    return Trip(before.sent, last.get("seconds") if is_of_it else None)


def _last_row(before: Entry) -> Row:
    return before.rows[-1] if before.rows else {}


def _is_bought_again(before: Entry) -> bool:
    """Tell whether what the last row tells of may have been billed, and is not what counts now.

    A row of an image that could not be fetched yet tells of the call that still counts.
    """
    last = _last_row(before)
    waits = before.state == "paid" and "url" in last
    return last.get("billed", "no") != "no" and not waits


def _as_doubt(outcome: Failed | InDoubt) -> InDoubt:
    return InDoubt(
        index=outcome.index,
        request=outcome.request,
        attempts=outcome.attempts,
        error=outcome.error,
        billed=outcome.billed,
        lineage=outcome.lineage,
        perhaps_billed=outcome.perhaps_billed,
    )


def dearer(one: Billed, other: Billed) -> Billed:
    """Give the worse of two things that are known of a request's bill."""
    bills: tuple[Billed, ...] = ("no", "unknown", "yes")
    return bills[max(bills.index(one), bills.index(other))]
