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
    return outcome.billed == "no" and not isinstance(error, ContentRejectedError)


def can_be_fetched(error: VolcvError, now: datetime) -> bool:
    """Tell whether an image is paid for, not in hand, and perhaps still to be had for nothing.

    When its URL expires may be a guess, and this machine's clock wrong: only a refusal after that
    ends it.
    """
    if not isinstance(error, DownloadError) or not error.url:
        return False
    return error.repeatable or error.expires is None or now < error.expires


def in_light_of(before: Entry, outcome: Outcome) -> Outcome:
    """Give an outcome as it is with what was known of its request before this run.

    What may have been billed once stays so, whatever became of a further attempt; and a failure
    that cost nothing itself, after an attempt in doubt, leaves the request in doubt.
    """
    outcome = attrs.evolve(outcome, perhaps_billed=outcome.perhaps_billed + spent(before))
    if isinstance(outcome, Completed):
        return outcome
    free = outcome.billed == "no"
    outcome = attrs.evolve(outcome, billed=dearer(before.billed, outcome.billed))
    was_doubt = free and before.state == "in doubt"
    harmless = outcome.error.ending in {"not sent", "rejected"}
    if was_doubt or (outcome.billed == "unknown" and harmless):
        return _as_doubt(outcome)
    return outcome


def spent(before: Entry) -> int:
    """Count the calls of earlier runs that may have been billed beside the one that counts now."""
    counted: int = before.rows[-1].get("perhaps_billed", 0) if before.rows else 0
    bought_again = before.state in {"failed", "in doubt"} and before.billed != "no"
    return counted + bought_again


def earlier_ids(before: Entry) -> tuple[str, ...]:
    """Give the request ids of earlier calls for the same request that may have been billed."""
    known: tuple[str, ...] = ()
    if before.rows:
        known = tuple(before.rows[-1].get("earlier_request_ids", ()))
    if before.state == "paid" or before.billed == "no" or before.request_id is None:
        return known
    return (*known, before.request_id)


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
    return max(one, other, key=("no", "unknown", "yes").index)
