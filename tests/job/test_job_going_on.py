"""The rules of going on: what the next run does with what an earlier one left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from volcv_async.errors import (
    AccessDeniedError,
    Billed,
    BrokenImageError,
    ConcurrencyLimitedError,
    ContentRejectedError,
    DownloadError,
    InvalidRequestError,
    NotSentError,
    QuotaError,
    ServerError,
    VolcvError,
)
from volcv_async.job.going_on import Wishes, can_be_fetched, is_due, may_pass_next_time
from volcv_async.job.records import Entry, State
from volcv_async.models import GeneralV21
from volcv_async.results import Failed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(state: State, *, again: bool = False, billed: Billed = "no") -> Entry:
    return Entry(
        number=0,
        key=b"key",
        ordinal=0,
        listed=True,
        state=state,
        model="GeneralV21",
        request="{}",
        attempts=0,
        sent=None,
        account=None,
        request_id=None,
        billed=billed,
        again=again,
        images=(),
        rows=(),
    )


@pytest.mark.parametrize(
    ("state", "unasked", "retry_failed", "in_doubt"),
    [
        ("pending", True, True, True),
        ("sent", False, False, False),
        ("paid", False, False, False),
        ("done", False, False, False),
        ("failed", False, True, False),
        ("in doubt", False, False, True),
    ],
)
def test_what_goes_out_again(
    state: State, *, unasked: bool, retry_failed: bool, in_doubt: bool
) -> None:
    """Each state goes out unasked, at one wish or the other, or not at all."""
    assert is_due(entry(state), Wishes()) is unasked
    assert is_due(entry(state), Wishes(retry_failed=True)) is retry_failed
    assert is_due(entry(state), Wishes(in_doubt=True)) is in_doubt


def test_what_failed_and_cost_nothing_goes_out_again_unasked() -> None:
    """A failure that may pass next time needs no wish."""
    assert is_due(entry("failed", again=True), Wishes())


def failed(error: VolcvError, billed: Billed | None = None) -> Failed:
    request = GeneralV21(prompt="a red fox")
    return Failed(index=0, request=request, attempts=1, error=error, billed=billed or error.billed)


@pytest.mark.parametrize(
    "kind", [NotSentError, QuotaError, AccessDeniedError, ConcurrencyLimitedError]
)
def test_what_may_pass_next_time(kind: type[VolcvError]) -> None:
    """What was not sent, or refused for what changes with time, costs nothing to try again."""
    assert may_pass_next_time(failed(kind("It was refused.")))


@pytest.mark.parametrize(
    "kind", [ContentRejectedError, InvalidRequestError, ServerError, BrokenImageError]
)
def test_what_would_fail_again_or_cost_again(kind: type[VolcvError]) -> None:
    """A prompt that is refused stays refused, and what may have been billed is not bought twice."""
    assert not may_pass_next_time(failed(kind("It failed.")))


def test_what_may_have_been_billed_on_the_way_is_not_sent_again() -> None:
    """A request that was not sent in the end, after an attempt in doubt, may have been billed."""
    assert not may_pass_next_time(failed(NotSentError("Nothing was sent."), billed="unknown"))


@pytest.mark.parametrize(
    ("url", "lives", "can"),
    [
        ("http://x/y", timedelta(hours=1), True),
        ("http://x/y", None, True),
        ("http://x/y", timedelta(0), False),
        ("", timedelta(hours=1), False),
    ],
)
def test_an_image_can_be_fetched_while_its_url_lives(
    url: str, lives: timedelta | None, *, can: bool
) -> None:
    """Without an expiry it is tried; after it, or without a URL, there is nothing to try."""
    error = DownloadError("It could not be fetched.")
    error.url, error.expires = url, NOW + lives if lives is not None else None
    assert can_be_fetched(error, NOW) is can


def test_only_what_stands_at_a_url_can_be_fetched() -> None:
    """Bytes that came broken are no better for being fetched again."""
    assert not can_be_fetched(BrokenImageError("It is broken."), NOW)
