"""What goes out again and at what price: rerolls, treatments, the budget, and who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs
import pytest
from provider import FAST, Held, Said, always, cat, one_by_one, refusal

import volcv_async as volcv
from volcv_async.codec.requests import body
from volcv_async.gateway import Canned, Drop, LocalGateway, Received

SEEDED = attrs.evolve(cat(), seed=5)


def no_channel(retry_after: str = "0") -> Canned:
    body = b'{"error":{"message":"no channel","type":"x","code":"model_not_found"}}'
    return Canned(status=503, body=body, headers={"Retry-After": retry_after})


def lost() -> Canned:
    body = b'{"error":{"message":"lost it","type":"x","code":"do_request_failed"}}'
    return Canned(status=500, body=body, paid=True)


async def outcome_of(
    gateway: LocalGateway,
    policy: volcv.RetryPolicy = FAST,
    request: volcv.Request = SEEDED,
    recorder: volcv.Recorder | None = None,
) -> volcv.Outcome:
    async with (
        volcv.Client(gateway.account(), retry=policy) as client,
        client.stream([request], recorder=recorder) as outcomes,
    ):
        return await anext(outcomes)


def seeds(gateway: LocalGateway) -> list[object]:
    return [(received.body or {}).get("seed") for received in gateway.requests]


# Rerolls


@pytest.mark.parametrize("code", [50511, 50519, 201304])
async def test_a_refused_picture_is_drawn_anew_with_fresh_seeds(code: int) -> None:
    """Rerolls use up no attempt, each has a seed of its own, and all is written down."""
    policy = attrs.evolve(FAST, rerolls=2, attempts=1)
    said = [refusal(code, http_status=400)] * 2
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert isinstance(outcome, volcv.Completed)
    assert (outcome.attempts, outcome.perhaps_billed, gateway.paid) == (3, 2, 1)
    assert outcome.request is SEEDED
    assert outcome.sent is outcome.lineage[-1]
    went_out = [SEEDED, *outcome.lineage]
    assert seeds(gateway) == [getattr(request, "seed", None) for request in went_out]
    assert len(set(seeds(gateway))) == 3
    assert all({**body(request), "seed": 5} == body(SEEDED) for request in outcome.lineage)


async def test_a_seed_left_to_the_provider_is_drawn_by_it_again() -> None:
    """Without a seed of its own, a refused request goes out as it is."""
    policy = attrs.evolve(FAST, rerolls=1)
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50511))) as gateway:
        outcome = await outcome_of(gateway, policy, cat())
    assert seeds(gateway) == [None, None]
    assert outcome.lineage == (outcome.request,)


async def test_rerolls_end() -> None:
    """A picture that is refused each time ends as refused, after ``rerolls`` more attempts."""
    policy = attrs.evolve(FAST, rerolls=1)
    async with LocalGateway(latency=0.0, answer=always(refusal(50511))) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert isinstance(outcome, volcv.Failed)
    assert (outcome.attempts, outcome.billed, outcome.perhaps_billed) == (2, "unknown", 1)
    assert outcome.error.request is SEEDED


async def test_a_refused_prompt_is_never_rerolled() -> None:
    """What was refused before anything was drawn goes out once, whatever is allowed."""
    policy = attrs.evolve(FAST, rerolls=9)
    async with LocalGateway(latency=0.0, answer=always(refusal(50412))) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert (outcome.attempts, outcome.lineage, outcome.billed) == (1, (), "no")


async def test_a_reroll_that_is_refused_for_pace_keeps_its_seed() -> None:
    """The same fresh seed goes out until it is let in: that is one place in the lineage."""
    policy = attrs.evolve(FAST, rerolls=1)
    said = [refusal(50511), refusal(50429)]
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert isinstance(outcome, volcv.Completed)
    first, second, third = seeds(gateway)
    assert first != second == third
    assert len(outcome.lineage) == 1


# Who may have been billed


@pytest.mark.parametrize(
    ("said", "billed", "beside"),
    [
        ([Drop(), None], "yes", 1),
        ([Drop(), Drop(), None], "yes", 2),
        ([Drop(), Drop(), Drop()], "unknown", 2),
        ([Drop(), refusal(50412)], "unknown", 0),
        ([Drop(), refusal(50511), refusal(50412)], "unknown", 1),
        ([refusal(50429), None], "yes", 0),
    ],
)
async def test_what_may_have_been_billed_is_counted_once(
    said: Sequence[Said], billed: str, beside: int
) -> None:
    """Each attempt that may be billed is in ``billed`` or in ``perhaps_billed``, never in both."""
    policy = attrs.evolve(FAST, in_doubt="retry", rerolls=1)
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert (outcome.billed, outcome.perhaps_billed) == (billed, beside)
    assert gateway.paid <= beside + (billed != "no")


# Treatments


async def test_a_code_that_is_said_to_be_repeatable_is_repeated() -> None:
    """What the table leaves alone goes out again where the user knows better."""
    again = volcv.Treatment(repeat=True)
    policy = attrs.evolve(FAST, codes={50500: again, "do_request_failed": again})
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50500), lost())) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert isinstance(outcome, volcv.Completed)
    assert (outcome.attempts, outcome.perhaps_billed) == (3, 1)


async def test_a_code_that_is_said_not_to_be_repeatable_is_final() -> None:
    """What the table repeats goes out once where the user says so."""
    never = volcv.Treatment(repeat=False)
    policy = attrs.evolve(FAST, codes={50429: never, "model_not_found": never})
    for said in (refusal(50429), no_channel()):
        async with LocalGateway(latency=0.0, answer=always(said)) as gateway:
            outcome = await outcome_of(gateway, policy)
        assert isinstance(outcome, volcv.Failed)
        assert outcome.attempts == 1


async def test_a_code_that_is_said_to_be_free_is_not_billed() -> None:
    """Who knows that refused pictures cost nothing says so, and rerolls count for nothing."""
    free = volcv.Treatment(billed="no")
    policy = attrs.evolve(FAST, codes={50511: free}, rerolls=1)
    async with LocalGateway(latency=0.0, answer=always(refusal(50511))) as gateway:
        outcome = await outcome_of(gateway, policy)
    assert (outcome.billed, outcome.perhaps_billed, outcome.attempts) == ("no", 0, 2)


# The budget


async def test_an_empty_budget_makes_failures_final() -> None:
    """All calls draw on one budget; a call that succeeds gives back what it drew."""
    policy = attrs.evolve(FAST, budget=5)
    said = [no_channel(), None, no_channel(), None, no_channel(), no_channel(), no_channel()]
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        async with volcv.Client(gateway.account(), retry=policy) as client:
            for nth in range(2):
                await client.generate(cat(nth))
            with pytest.raises(volcv.ServerError, match="retry budget is empty"):
                await client.generate(cat(2))
            with pytest.raises(volcv.ServerError, match="retry budget is empty"):
                await client.generate(cat(3))
            await client.generate(cat(4))
    assert [received.prompt for received in gateway.requests] == [
        *("cat 0", "cat 0", "cat 1", "cat 1", "cat 2", "cat 2", "cat 3", "cat 4")
    ]


async def test_refusals_and_rerolls_draw_nothing() -> None:
    """With no budget at all, pace is waited out and pictures are drawn anew all the same."""
    policy = attrs.evolve(FAST, budget=0, rerolls=1)
    said = [refusal(50429), refusal(50511), refusal(50430)]
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        assert isinstance(await outcome_of(gateway, policy), volcv.Completed)


# Slots


async def test_a_rejected_call_waits_outside_its_slot() -> None:
    """While a call waits to go out again, its slot is another's."""
    rejected = asyncio.Event()

    async def refuse_the_first(received: Received) -> Said:
        return no_channel("3600") if received.prompt == "cat 0" else None

    def hear(event: volcv.Event) -> None:
        if isinstance(event, volcv.AttemptEnded):
            rejected.set()

    async with LocalGateway(latency=0.0, answer=refuse_the_first) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=1))
        timeouts = volcv.Timeouts(deadline=None)
        async with volcv.Client(account, timeouts=timeouts, on_event=hear) as client:
            waiting = asyncio.create_task(client.generate(cat(0)))
            await rejected.wait()
            await client.generate(cat(1))
            assert not waiting.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting


# Bookkeepers


class Books:
    """A bookkeeper that notes what it is told, and fails where it is told to."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.notes: list[tuple[str, int, object]] = []
        self._fail = fail

    async def sending(self, attempt: volcv.Attempt) -> None:
        self.notes.append(("sending", attempt.number, getattr(attempt.request, "seed", None)))

    async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None:
        assert generation.images
        self.notes.append(("answered", attempt.number, None))

    async def ended(self, attempt: volcv.Attempt, error: volcv.VolcvError) -> str | None:
        self.notes.append((error.ending, attempt.number, error.code))
        if self._fail is not None:
            raise self._fail
        return None


async def test_a_bookkeeper_hears_of_every_ending_before_the_next_attempt() -> None:
    """Not sent, rejected, in doubt or refused: each ending is told, with what went out."""
    books = Books()
    assert isinstance(books, volcv.Bookkeeper)
    policy = attrs.evolve(FAST, in_doubt="retry", rerolls=1)
    said: list[Said] = [refusal(50429), Drop(), refusal(50511)]
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        outcome = await outcome_of(gateway, policy, recorder=books)
    assert books.notes == [
        ("sending", 1, 5),
        ("rejected", 1, 50429),
        ("sending", 2, 5),
        ("in doubt", 2, None),
        ("sending", 3, 5),
        ("answered", 3, 50511),
        ("sending", 4, getattr(outcome.sent, "seed", None)),
        ("answered", 4, None),
    ]


@pytest.mark.parametrize("said", [refusal(50429), Drop(), refusal(50511)])
async def test_a_bookkeeper_may_forbid_a_repetition(said: Said) -> None:
    """What might have gone out again ends as it is, and says why it did not."""

    class Strict(Books):
        async def ended(self, attempt: volcv.Attempt, error: volcv.VolcvError) -> str:
            await super().ended(attempt, error)
            return "it is enough."

    policy = attrs.evolve(FAST, in_doubt="retry", rerolls=1)
    async with LocalGateway(latency=0.0, answer=always(said)) as gateway:
        outcome = await outcome_of(gateway, policy, recorder=Strict())
        assert len(gateway.requests) == 1
    assert isinstance(outcome, volcv.Failed | volcv.InDoubt)
    assert outcome.error.message.endswith("It was not sent again: it is enough.")


async def test_a_bookkeeper_hears_of_what_was_not_sent(unused_tcp_port: int) -> None:
    """An attempt that no connection was made for is told of, too."""
    books = Books()
    account = volcv.Account(f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", volcv.Bearer("key"))
    async with volcv.Client(account, retry=FAST) as client:
        async with client.stream([SEEDED], recorder=books) as outcomes:
            with pytest.raises(volcv.NotSentError):
                await anext(outcomes)
    assert [note[0] for note in books.notes] == ["sending", "not sent"] * 3


@pytest.mark.parametrize("failure", [OSError("disk full"), volcv.ConfigurationError("disk full")])
@pytest.mark.parametrize("said", [refusal(50412), refusal(50429), Drop()])
async def test_what_a_bookkeeper_raises_ends_the_stream(failure: Exception, said: Said) -> None:
    """Its error is no outcome: that of the attempt is given first, nothing goes out again."""
    async with LocalGateway(latency=0.0, answer=always(said)) as gateway:
        async with volcv.Client(gateway.account(), retry=FAST) as client:
            async with client.stream([cat()], recorder=Books(failure)) as outcomes:
                outcome = await anext(outcomes)
                assert isinstance(outcome, volcv.Failed | volcv.InDoubt)
                assert isinstance(outcome, volcv.InDoubt) is isinstance(said, Drop)
                assert outcome.error is not failure
                with pytest.raises(type(failure), match="disk full"):
                    await anext(outcomes)
        assert len(gateway.requests) == 1


async def test_a_bookkeeper_does_not_hear_of_a_call_that_is_cut() -> None:
    """Nobody can await when a call is cut off; its outcome says what is known."""
    held, books = Held(), Books()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        async with volcv.Client(gateway.account()) as client:
            async with client.stream([SEEDED], recorder=books, drain=0.0) as outcomes:
                await held.until(1)
        held.let_go()
    (cut,) = outcomes.leftover
    assert isinstance(cut, volcv.InDoubt)
    assert books.notes == [("sending", 1, 5)]


async def test_a_bookkeeper_is_awaited_outside_the_slot() -> None:
    """However long its disk takes, another call may go out."""
    hears, may_go_on = asyncio.Event(), asyncio.Event()

    class Slow(Books):
        async def ended(self, attempt: volcv.Attempt, error: volcv.VolcvError) -> None:
            await super().ended(attempt, error)
            hears.set()
            await may_go_on.wait()

    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50412))) as gateway:
        account = gateway.account(limits=volcv.Limits(concurrency=1))
        async with volcv.Client(account) as client:
            async with client.stream([SEEDED], recorder=Slow()) as outcomes:
                await hears.wait()
                await client.generate(cat(1))
                may_go_on.set()
                assert isinstance(await anext(outcomes), volcv.Failed)
