"""Whether an attempt is repeated, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async.retry import Tally, free_pause, pause, stops_everything

POLICY = volcv.RetryPolicy(attempts=3, pause=0.5, longest_pause=60.0)


def tally(counted: int = 1, refusals: int = 1, *, excused: bool = False) -> Tally:
    return Tally(counted=counted, refusals=refusals, excused=excused)


def repeatable(kind: type[volcv.VolcvError]) -> volcv.VolcvError:
    error = kind("x")
    error.repeatable, error.ending = True, "rejected"
    return error


@pytest.mark.parametrize(
    "kind",
    [
        volcv.AuthenticationError,
        volcv.AccessDeniedError,
        volcv.QuotaError,
        volcv.InvalidRequestError,
        volcv.ContentRejectedError,
        volcv.ServerError,
        volcv.DownloadError,
        volcv.BrokenImageError,
        volcv.UnknownOutcomeError,
        volcv.DecodeError,
        volcv.ConfigurationError,
    ],
)
def test_what_may_have_been_billed_or_cannot_get_better_goes_out_once(
    kind: type[volcv.VolcvError],
) -> None:
    """Only what was not sent, or was refused repeatably, goes out again."""
    assert pause(kind("x"), POLICY, tally()) is None


@pytest.mark.parametrize("kind", [volcv.NotSentError, volcv.ServerError])
def test_the_repeatable_goes_out_as_often_as_the_policy_says(
    kind: type[volcv.VolcvError],
) -> None:
    """What is repeatable is repeated up to ``attempts``."""
    error = repeatable(kind)
    assert [pause(error, POLICY, tally(n), lambda: 0.5) for n in (1, 2, 3)] == [0.25, 0.5, None]


@pytest.mark.parametrize("kind", [volcv.RateLimitedError, volcv.ConcurrencyLimitedError])
def test_refusals_for_rate_and_concurrency_use_up_no_attempt(
    kind: type[volcv.VolcvError],
) -> None:
    """Such a refusal is waited out however often it comes, up to four first pauses a time."""
    waits = [pause(kind("x"), POLICY, tally(3, n), lambda: 1.0) for n in (1, 2, 3, 4, 100)]
    assert waits == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_retry_after_is_waited_out_first() -> None:
    """``Retry-After`` is a least wait; the jitter comes on top."""
    error = volcv.RateLimitedError("x", retry_after=7.0)
    assert pause(error, POLICY, tally(), lambda: 0.5) == 7.25


def test_in_doubt_is_repeated_only_where_the_user_said_so() -> None:
    """``in_doubt="retry"`` repeats what may have been billed, up to ``attempts``."""
    policy = volcv.RetryPolicy(in_doubt="retry", attempts=2)
    for error in (volcv.UnknownOutcomeError("x"), volcv.DecodeError("x")):
        assert pause(error, POLICY, tally()) is None
        assert pause(error, policy, tally()) is not None
        assert pause(error, policy, tally(2)) is None


def test_an_outage_costs_no_attempt() -> None:
    """What was not sent is repeated without end while an outage excuses it; nothing else is."""
    assert pause(volcv.NotSentError("x"), POLICY, tally(9, excused=True)) is not None
    assert pause(repeatable(volcv.ServerError), POLICY, tally(9, excused=True)) is None


def test_a_refused_key_sends_the_request_elsewhere_at_once() -> None:
    """A request whose key was refused goes to another account without a pause, if one is left."""
    elsewhere = Tally(counted=3, refusals=1, elsewhere=True)
    assert pause(volcv.AuthenticationError("x"), POLICY, elsewhere) == 0.0
    assert pause(volcv.AuthenticationError("x"), POLICY, tally()) is None
    assert pause(volcv.AccessDeniedError("x"), POLICY, elsewhere) is None


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_pause_is_full_jitter_below_a_bound(nth: int, drawn: float) -> None:
    """A pause lies between nothing and a bound that doubles up to its longest."""
    policy = volcv.RetryPolicy(attempts=20_000, pause=0.5, longest_pause=60.0)
    waited = pause(volcv.NotSentError("x"), policy, tally(nth), lambda: drawn)
    assert waited is not None
    assert 0 <= waited <= min(60.0, 0.5 * 2 ** min(nth - 1, 20))


def test_fetching_costs_nothing_and_is_repeated_freely() -> None:
    """A download that may work later is repeated; one that cannot is not; a broken one thrice."""
    passing, gone = volcv.DownloadError("x"), volcv.DownloadError("x")
    passing.repeatable = True
    broken = volcv.BrokenImageError("x")
    assert free_pause(passing, POLICY, tally(99)) is not None
    assert free_pause(gone, POLICY, tally()) is None
    assert [free_pause(broken, POLICY, tally(n)) is None for n in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("error", "ever_answered", "stops"),
    [
        (volcv.AuthenticationError("x"), True, True),
        (volcv.ConfigurationError("x"), True, True),
        (volcv.InvalidRequestError("x", http_status=404), True, True),
        (volcv.InvalidRequestError("x", http_status=405), True, True),
        (volcv.InvalidRequestError("x", http_status=400), True, False),
        (volcv.NotSentError("x"), True, False),
        (volcv.NotSentError("x"), False, True),
        (volcv.AccessDeniedError("x"), False, False),
        (volcv.QuotaError("x"), False, False),
        (volcv.UnknownOutcomeError("x"), False, False),
    ],
)
def test_what_no_other_request_could_do_better_stops_everything(
    error: volcv.VolcvError, ever_answered: bool, stops: bool
) -> None:
    """A wrong key, path or set-up stops; what cannot be sent does if nothing ever answered."""
    assert stops_everything(error, ever_answered=ever_answered) is stops
