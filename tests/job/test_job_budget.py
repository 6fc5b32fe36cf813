"""The budget of a run: it stops before that would be crossed, whatever is in flight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

import volcv_async as volcv
from volcv_async.errors import ConfigurationError, ContentRejectedError, RateLimitedError
from volcv_async.gateway import Drop, LocalGateway, Received, Reply, service_error
from volcv_async.job.budget import Budget, Purse, affordable, cost
from volcv_async.job.going_on import Wishes
from volcv_async.job.status import read_status
from volcv_async.job.survey import survey


def cats(number: int) -> Iterator[volcv.Request]:
    for nth in range(number):
        yield volcv.GeneralV21(prompt=f"cat {nth}", width=256, height=256, use_sr=False)


async def run(
    gateway: LocalGateway,
    out: Path,
    *,
    budget: int | None,
    concurrency: int = 4,
    listed: int = 130,
    retry: volcv.RetryPolicy | None = None,
) -> volcv.JobReport:
    limits = volcv.Limits(concurrency=concurrency, adaptive=False)
    async with volcv.Client(gateway.account(limits=limits), retry=retry) as client:
        return await volcv.run(client, cats(listed), out=out, budget=budget, fsync=False)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
async def test_a_budget_is_spent_to_the_last_image_and_no_further(
    gateway: LocalGateway, tmp_path: Path, concurrency: int
) -> None:
    """With 130 in the list, 100 are paid for, and the report says why there are no more."""
    report = await run(gateway, tmp_path, budget=100, concurrency=concurrency)
    assert (gateway.paid, report.completed, report.paid) == (100, 100, 100)
    assert report.budget_reached
    assert not report.all_done


async def test_the_next_run_goes_on_with_a_budget_of_its_own(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """What an earlier run has spent does not count; nothing is bought twice."""
    for budget, paid in [(30, 30), (30, 60), (1, 61)]:
        assert (await run(gateway, tmp_path, budget=budget, listed=80)).budget_reached
        assert gateway.paid == paid
    report = await run(gateway, tmp_path, budget=19, listed=80)
    assert (gateway.paid, report.before, report.all_done) == (80, 61, True)
    assert set(gateway.paid_by_prompt.values()) == {1}


async def test_what_a_budget_left_in_the_list_is_not_sent_yet(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """The whole list stands in the status, though the run has not read it to its end."""
    survey(tmp_path, cats(80), wishes=Wishes())
    await run(gateway, tmp_path, budget=30, listed=80)
    states = Counter(status.standing for status in read_status(tmp_path))
    assert states == {"done": 30, "not sent": 50}


async def test_a_list_that_fits_its_budget_is_done(gateway: LocalGateway, tmp_path: Path) -> None:
    """Nothing had to stay, so nothing is said of the budget."""
    report = await run(gateway, tmp_path, budget=20, listed=20)
    assert (gateway.paid, report.all_done, report.budget_reached) == (20, True, False)


@pytest.mark.parametrize("concurrency", [1, 4, 16])
async def test_what_cost_nothing_uses_up_nothing(tmp_path: Path, concurrency: int) -> None:
    """Refused prompts, and refusals for pace that are sent again, leave the whole budget."""
    met: set[str | None] = set()

    async def refuse(received: Received) -> Reply | None:
        number = int((received.prompt or "").split()[-1])
        if number % 5 == 0:
            return service_error(50412)
        if number % 7 or received.prompt in met:
            return None
        met.add(received.prompt)
        return service_error(50430)

    async with LocalGateway(latency=0.0, answer=refuse) as gateway:
        quick = volcv.RetryPolicy(pause=0.001, longest_pause=0.002)
        report = await run(gateway, tmp_path, budget=50, concurrency=concurrency, retry=quick)
        assert (gateway.paid, report.completed) == (50, 50)
        assert report.budget_reached


@pytest.mark.parametrize("in_doubt", ["report", "retry"])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
async def test_what_may_have_been_billed_counts_as_paid(
    tmp_path: Path, concurrency: int, in_doubt: str
) -> None:
    """Lost answers and refused pictures, repeated or not, never take it past the budget."""
    numbers = count(1)

    async def lose(_: Received) -> Reply | None:
        number = next(numbers)
        return Drop() if number % 3 == 0 else service_error(50511) if number % 4 == 0 else None

    retry = volcv.RetryPolicy(
        in_doubt="retry" if in_doubt == "retry" else "report",
        rerolls=2,
        budget=None,
        pause=0.001,
        longest_pause=0.002,
    )
    async with LocalGateway(latency=0.0, answer=lose) as gateway:
        report = await run(gateway, tmp_path, budget=60, concurrency=concurrency, retry=retry)
        assert len(gateway.requests) == 60
        assert report.paid + report.perhaps_paid == 60
        assert report.budget_reached


@pytest.mark.parametrize("concurrency", [1, 4, 16])
async def test_faults_of_any_kind_bill_no_more_than_the_budget(
    tmp_path: Path, concurrency: int
) -> None:
    """Whatever goes wrong and is bought again, the provider has charged for 100 at the most."""
    faults = ["close_after_request", "html_504_paid", "not_utf8", "truncated_image"]
    faults += ["code_50511", "code_50500", "rate_429", "code_50412"]
    retry = volcv.RetryPolicy(
        in_doubt="retry", rerolls=2, budget=None, pause=0.001, longest_pause=0.002
    )
    async with LocalGateway(latency=0.0, faults=dict.fromkeys(faults, 0.04)) as gateway:
        report = await run(gateway, tmp_path, budget=100, concurrency=concurrency, retry=retry)
        assert set(gateway.struck) == set(faults)
        assert gateway.paid <= 100
        assert report.paid + report.perhaps_paid == 100
        assert report.budget_reached


async def test_a_repetition_that_the_budget_forbids_is_said(tmp_path: Path) -> None:
    """The request stays in doubt, and its row says why it was not sent again."""

    async def lose(_: Received) -> Reply:
        return Drop()

    async with LocalGateway(latency=0.0, answer=lose) as gateway:
        retry = volcv.RetryPolicy(in_doubt="retry", pause=0.001)
        report = await run(gateway, tmp_path, budget=2, listed=1, retry=retry)
        assert (len(gateway.requests), report.in_doubt) == (2, 1)
        assert not report.budget_reached  # no request of the list had to stay
    (status,) = read_status(tmp_path)
    assert status.why is not None
    assert status.why.endswith("It was not sent again: the budget of this run is used up.")


async def test_a_picture_that_was_refused_is_not_drawn_anew_past_the_budget(
    tmp_path: Path,
) -> None:
    """A reroll costs a further image, and there is none left for it."""

    async def refuse(_: Received) -> Reply:
        return service_error(50511)

    async with LocalGateway(latency=0.0, answer=refuse) as gateway:
        report = await run(
            gateway, tmp_path, budget=2, listed=1, retry=volcv.RetryPolicy(rerolls=9)
        )
        assert (len(gateway.requests), report.perhaps_paid) == (2, 2)
        assert not report.budget_reached  # no request of the list had to stay


async def test_a_budget_of_nothing_is_refused(gateway: LocalGateway, tmp_path: Path) -> None:
    """It is said before the folder is made."""
    with pytest.raises(ConfigurationError, match=r"run\(budget=0\) makes no sense"):
        await run(gateway, tmp_path / "out", budget=0)
    assert not (tmp_path / "out").exists()


def test_places_are_used_up_given_back_or_held() -> None:
    """Used and held together are never more than there are."""
    purse = Purse(2)
    assert [purse.take(), purse.take(), purse.take()] == [True, True, False]
    purse.use()
    assert not purse.take()
    purse.give_back()
    assert purse.take()
    assert (purse.used, purse.held) == (1, 1)


async def test_a_request_holds_one_place_until_it_costs_or_is_over() -> None:
    """A refusal that costs nothing keeps it; what may cost needs another."""
    budget = Budget(2)
    assert await budget.allows(0)
    assert budget.failed(0, RateLimitedError("too many")) is None
    assert budget.failed(0, ContentRejectedError("refused")) is None
    assert budget.failed(0, ContentRejectedError("refused")) == (
        "the budget of this run is used up."
    )
    budget.over(0)
    assert not await budget.allows(1)
    assert budget.reached


def test_money_buys_whole_images_exactly() -> None:
    """20 at 0.02 each are a thousand, and no binary fraction takes one away."""
    assert affordable(Decimal(20), Decimal("0.02")) == 1000
    assert affordable(Decimal("0.3"), Decimal("0.1")) == 3
    assert affordable(Decimal("0.05"), Decimal("0.1")) == 0


def test_a_cost_is_said_without_needless_zeros() -> None:
    """Neither an exponent nor zeros at the end."""
    assert cost(1000, Decimal("0.02")) == "20"
    assert cost(60_000, Decimal("0.5")) == "30,000"
    assert cost(3, Decimal("0.015")) == "0.045"
