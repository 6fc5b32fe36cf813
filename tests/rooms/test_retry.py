"""Whether an attempt is repeated, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async.retry import (
    Budget,
    Tally,
    cost,
    fetching,
    free_pause,
    may_be_billed,
    pause,
    reroll,
    stops_everything,
)

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


def test_a_refusal_that_is_no_matter_of_pace_uses_up_attempts() -> None:
    """What a code's treatment says decides, not the class: without pace, attempts count."""
    error = volcv.RateLimitedError("x")
    error.slow_down = None
    assert pause(error, POLICY, tally(2)) is not None
    assert pause(error, POLICY, tally(3)) is None
    error.repeatable = False
    assert pause(error, POLICY, tally()) is None


def test_a_failure_that_speaks_of_pace_is_waited_out_like_a_refusal() -> None:
    """A repeatable failure that is said to be a matter of pace uses up no attempt."""
    error = repeatable(volcv.ServerError)
    error.slow_down = "rate"
    assert pause(error, POLICY, tally(99)) is not None
    error.ending = "in doubt"
    assert pause(error, POLICY, tally(99)) is None


def test_in_doubt_is_repeated_where_its_code_is_said_to_be() -> None:
    """A code that the user calls repeatable is repeated though it is in doubt."""
    error = volcv.UnknownOutcomeError("x", code="do_request_failed")
    error.repeatable = True
    assert pause(error, POLICY, tally()) is not None
    assert may_be_billed(error)


def test_a_refused_picture_is_drawn_anew_as_often_as_the_policy_says() -> None:
    """Where another picture may pass, a fresh seed goes out up to ``rerolls`` times."""
    error = volcv.ContentRejectedError("x")
    policy = volcv.RetryPolicy(rerolls=2)
    assert not reroll(error, policy, 0)
    error.rerollable = True
    assert [reroll(error, policy, nth) for nth in (0, 1, 2)] == [True, True, False]
    assert not reroll(error, POLICY, 0)


def test_what_may_be_billed_is_what_was_answered_or_is_in_doubt() -> None:
    """A refusal and what was not sent cost nothing, whatever their class says."""
    server = repeatable(volcv.ServerError)
    assert server.billed == "unknown"
    assert not may_be_billed(server)
    assert not may_be_billed(volcv.NotSentError("x"))
    refused = volcv.ContentRejectedError("x")
    assert may_be_billed(refused)
    refused.billed = "no"
    assert not may_be_billed(refused)


@pytest.mark.parametrize(
    ("error", "excused", "drawn"),
    [
        (repeatable(volcv.ServerError), False, 5),
        (volcv.NotSentError("x"), False, 5),
        (volcv.NotSentError("x"), True, 0),
        (volcv.UnknownOutcomeError("x"), False, 10),
        (volcv.RateLimitedError("x"), False, 0),
        (volcv.ConcurrencyLimitedError("x"), False, 0),
        (volcv.AuthenticationError("x"), False, 0),
    ],
)
def test_what_a_repetition_draws(error: volcv.VolcvError, excused: bool, drawn: int) -> None:
    """What may be paid twice costs double; pace, outages and other accounts cost nothing."""
    assert cost(error, tally(excused=excused)) == drawn


def test_a_budget_runs_dry_and_fills_again() -> None:
    """An empty budget lets nothing through; a success gives back what it drew, or a little."""
    budget = Budget(12)
    assert [budget.draw(5) for _ in range(3)] == [True, True, False]
    assert budget.left == 2
    budget.succeeded(0)
    assert budget.left == 3
    budget.succeeded(10)
    assert repr(budget) == "<Budget 12/12>"


def test_without_a_budget_there_is_no_end() -> None:
    """``budget=None`` lets everything through, and ``0`` nothing that costs."""
    endless, none = Budget(None), Budget(0)
    assert all(endless.draw(10**9) for _ in range(100))
    assert not none.draw(5)
    assert none.draw(0)


@given(st.lists(st.tuples(st.sampled_from([0, 5, 10]), st.booleans()), max_size=300))
def test_a_budget_is_never_overdrawn_nor_overfull(calls: list[tuple[int, bool]]) -> None:
    """Whatever fails and succeeds, it stays between nothing and what it holds."""
    budget, out = Budget(50), 50.0
    for price, succeeds in calls:
        drawn = price if budget.draw(price) else 0
        out -= drawn
        if succeeds:
            budget.succeeded(drawn)
        assert 0 <= budget.left <= 50
    assert budget.left >= out


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lives", "deadline", "seconds"),
    [
        (None, inf, 120.0),
        (None, 30.0, 30.0),
        (60.0, inf, 60.0),
        (60.0, 30.0, 30.0),
        (60.0, 90.0, 60.0),
        (0.0, inf, 120.0),
        (-3600.0, inf, 120.0),
        (-3600.0, 30.0, 30.0),
    ],
)
def test_an_image_is_fetched_until_its_url_dies_or_the_deadline(
    lives: float | None, deadline: float, seconds: float
) -> None:
    """Whichever is first; a clock that calls the URL dead already is not believed."""
    expires = None if lives is None else NOON + timedelta(seconds=lives)
    assert fetching(expires, NOON, attempt=120.0, deadline=deadline) == seconds


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
