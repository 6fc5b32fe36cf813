"""One paid call: what is repeated, what is not, and what is said of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from provider import (
    BAD_GATEWAY,
    FAST,
    PAGE,
    UNAUTHORISED,
    Held,
    Said,
    always,
    cat,
    one_by_one,
    refusal,
)

import volcv_async as volcv
from volcv_async.gateway import Canned, Drop, LocalGateway, Received


async def generate(
    gateway: LocalGateway, retry: volcv.RetryPolicy = FAST, **options: object
) -> tuple[volcv.Generation | volcv.VolcvError, volcv.Statistics]:
    async with volcv.Client(gateway.account(), retry=retry, **options) as client:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - options of all kinds
        try:
            made: volcv.Generation | volcv.VolcvError = await client.generate(cat())
        except volcv.VolcvError as error:
            made = error
        return made, client.statistics()


async def test_a_dropped_connection_is_one_attempt_in_doubt() -> None:
    """A request that was accepted and then dropped goes out once and is paid once."""
    async with LocalGateway(latency=0.0, answer=always(Drop())) as gateway:
        error, counts = await generate(gateway)
        assert type(error) is volcv.UnknownOutcomeError
        assert (counts.attempts, counts.in_doubt) == (1, 1)
        assert (len(gateway.requests), gateway.paid) == (1, 1)
    assert error.index is None
    assert error.request == cat()


async def test_in_doubt_is_bought_again_only_when_asked_for() -> None:
    """With ``in_doubt="retry"`` the dropped call goes out again, and is paid again."""
    policy = volcv.RetryPolicy(in_doubt="retry", pause=0.01)
    async with LocalGateway(latency=0.0, answer=one_by_one(Drop())) as gateway:
        made, counts = await generate(gateway, policy)
        assert isinstance(made, volcv.Generation)
        assert (counts.in_doubt, counts.completed, gateway.paid) == (1, 1, 2)


@pytest.mark.parametrize("then", [refusal(50412), UNAUTHORISED])
async def test_what_was_in_doubt_before_a_refusal_may_have_been_billed(then: Canned) -> None:
    """Bought again on request and then refused, a request does not count as unbilled."""
    policy = volcv.RetryPolicy(in_doubt="retry", pause=0.01)
    async with LocalGateway(latency=0.0, answer=one_by_one(Drop(), then)) as gateway:
        error, _ = await generate(gateway, policy)
        assert isinstance(error, volcv.VolcvError)
        assert (error.billed, gateway.paid) == ("unknown", 1)


async def test_a_refused_connection_is_repeated_and_then_given_up(unused_tcp_port: int) -> None:
    """Where nobody listens, as many attempts are made as the policy says, none of them sent."""
    account = volcv.Account(f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", volcv.Bearer("key"))
    async with volcv.Client(account, retry=FAST) as client:
        with pytest.raises(volcv.NotSentError):
            await client.generate(cat())
        assert (client.statistics().attempts, client.statistics().not_sent) == (3, 3)


@pytest.mark.parametrize("code", [50429, 50430])
@pytest.mark.parametrize("status", [200, 429])
async def test_a_refusal_for_limits_is_repeated(code: int, status: int) -> None:
    """Refused for rate or concurrency, under any HTTP status, it goes out again and again."""
    said = [refusal(code, http_status=status)] * 5
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        made, counts = await generate(gateway, limits=volcv.Limits(adaptive=False))
        assert isinstance(made, volcv.Generation)
        assert (counts.attempts, counts.rejected, gateway.paid) == (6, 5, 1)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (50412, volcv.ContentRejectedError),
        (50413, volcv.ContentRejectedError),
        (50511, volcv.ContentRejectedError),
        (50500, volcv.ServerError),
        (50501, volcv.ServerError),
        (50400, volcv.AccessDeniedError),
        (50215, volcv.InvalidRequestError),
    ],
)
async def test_other_failures_go_out_once(code: int, kind: type[volcv.VolcvError]) -> None:
    """What the tables do not call repeatable goes out once."""
    async with LocalGateway(latency=0.0, answer=always(refusal(code))) as gateway:
        error, counts = await generate(gateway)
        assert isinstance(error, volcv.VolcvError)
        assert type(error) is kind
        assert error.code == code
        assert error.request_id == gateway.requests[0].request_id
        assert counts.attempts == 1


async def test_a_gateway_without_a_channel_is_asked_thrice() -> None:
    """A 503 that the table calls repeatable is repeated up to ``attempts``."""
    body = b'{"error":{"message":"no channel","type":"x","code":"model_not_found"}}'
    async with LocalGateway(latency=0.0, answer=always(Canned(status=503, body=body))) as gateway:
        error, counts = await generate(gateway)
        assert type(error) is volcv.ServerError
        assert (counts.attempts, counts.rejected) == (3, 3)


async def test_a_refused_key_ends_it() -> None:
    """With its only account refused, a client sends nothing more."""
    async with LocalGateway(latency=0.0, answer=always(UNAUTHORISED)) as gateway:
        async with volcv.Client(gateway.account(), retry=FAST) as client:
            for _ in range(3):
                with pytest.raises(volcv.AuthenticationError, match="Invalid token"):
                    await client.generate(cat())
        assert len(gateway.requests) == 1


async def test_a_refused_key_sends_the_call_to_another_account(gateway: LocalGateway) -> None:
    """One of two keys refused: the call goes on with the other, with one warning."""
    async with LocalGateway(answer=always(UNAUTHORISED)) as refusing:
        aside: list[volcv.Event] = []
        client = volcv.Client([refusing.account(), gateway.account()], on_event=aside.append)
        with pytest.warns(volcv.VolcvWarning, match="set aside") as caught:
            async with client:
                for nth in range(3):
                    await client.generate(cat(nth))
        assert len(refusing.requests) == 1
    assert len(caught) == 1
    assert gateway.paid == 3
    assert sum(isinstance(event, volcv.AccountSetAside) for event in aside) == 1


async def test_two_keys_of_one_account_are_refused_one_by_one(gateway: LocalGateway) -> None:
    """Two calls under way on the same refused key set it aside once."""
    held = Held()

    async def refuse(received: Received) -> Said:
        await held(received)
        return UNAUTHORISED

    async with LocalGateway(answer=refuse) as refusing:
        accounts = [refusing.account(), gateway.account()]
        async with volcv.Client(accounts, limits=volcv.Limits(concurrency=2)) as client:
            with pytest.warns(volcv.VolcvWarning, match="set aside") as caught:
                calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(4)]
                await held.until(2)
                held.let_go()
                await asyncio.gather(*calls)
    assert len(caught) == 1
    assert gateway.paid == 4


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (PAGE, "a web page"),
        (Canned(status=301, headers={"Location": "https://elsewhere/"}), "https://elsewhere/"),
    ],
)
async def test_a_wrong_url_is_said_at_the_first_call(said: Canned, names: str) -> None:
    """A redirect, or a web page with 200, before anything was answered, is a wrong URL."""
    async with LocalGateway(answer=always(said)) as gateway:
        error, counts = await generate(gateway)
        assert type(error) is volcv.ConfigurationError
        assert gateway.url in str(error)
        assert names in str(error)
        assert counts.attempts == 1


async def test_a_web_page_between_answers_is_in_doubt() -> None:
    """A web page with 200 from an API that has answered before may hide a paid image."""
    async with LocalGateway(latency=0.0, answer=one_by_one(None, PAGE)) as gateway:
        async with volcv.Client(gateway.account()) as client:
            await client.generate(cat())
            with pytest.raises(volcv.DecodeError):
                await client.generate(cat())


async def test_the_deadline_ends_the_waiting_for_a_turn() -> None:
    """A request that has no turn by its deadline was not sent, and says so."""
    held = Held()
    async with LocalGateway(answer=held) as slow:
        limits = volcv.Limits(concurrency=1)
        async with volcv.Client(slow.account(limits=limits)) as client:
            first = asyncio.create_task(client.generate(cat()))
            await held.until(1)
            with pytest.raises(volcv.NotSentError, match=r"deadline of 0\.05 s"):
                await client.generate(cat(1), timeouts=volcv.Timeouts(deadline=0.05))
            held.let_go()
            await first
        assert len(slow.requests) == 1


async def test_a_deadline_that_is_over_at_once_sends_nothing(gateway: LocalGateway) -> None:
    """With no time at all a request is not sent, though there is room for it."""
    async with volcv.Client(gateway.account()) as client:
        with pytest.raises(volcv.NotSentError, match="did not have its turn"):
            await client.generate(cat(), timeouts=volcv.Timeouts(deadline=1e-9))
    assert gateway.requests == []


async def test_the_deadline_ends_the_refusals() -> None:
    """Refused again and again, a request ends at its deadline with the refusal, unbilled."""
    async with LocalGateway(answer=always(refusal(50430))) as gateway:
        timeouts = volcv.Timeouts(deadline=2.0)
        error, counts = await generate(gateway, timeouts=timeouts)
        assert type(error) is volcv.ConcurrencyLimitedError
        assert "deadline of 2 s" in str(error)
        assert error.billed == "no"
        assert counts.attempts == counts.rejected > 1


async def test_the_deadline_ends_a_closed_account() -> None:
    """A ``Retry-After`` beyond the deadline ends the request with the refusal, at once."""
    said = Canned(status=429, headers={"Retry-After": "3600"})
    async with LocalGateway(answer=always(said)) as gateway:
        error, counts = await generate(gateway)
        assert type(error) is volcv.RateLimitedError
        assert error.retry_after == 3600
        assert counts.attempts == 1


async def test_without_a_deadline_a_request_waits_on() -> None:
    """With ``deadline=None`` refusals are waited out."""
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50429))) as gateway:
        timeouts = volcv.Timeouts(deadline=None)
        made, _ = await generate(gateway, timeouts=timeouts, limits=volcv.Limits(adaptive=False))
        assert isinstance(made, volcv.Generation)


async def test_an_image_behind_a_url_ends_as_the_same_image(gateway: LocalGateway) -> None:
    """A reply with a URL and one with base64 end as the same bytes, kind and size."""
    async with volcv.Client(gateway.account()) as client:
        inline, linked = [
            await client.generate(
                volcv.GeneralV14(
                    prompt="千军万马", seed=7, width=256, height=128, return_url=linked
                )
            )
            for linked in (False, True)
        ]
    assert inline.image.data == linked.image.data
    assert (linked.image.media_type, linked.image.width, linked.image.height) == (
        "image/png",
        256,
        128,
    )
    assert inline.image.url is None
    assert linked.image.url is not None
    assert linked.image.expires is not None
    assert linked.image.expires > datetime.now(UTC)


async def test_an_image_is_left_where_it_is_when_not_wanted(gateway: LocalGateway) -> None:
    """With ``download=False`` the URL and its expiry come, and no bytes."""
    async with volcv.Client(gateway.account(), download=False) as client:
        made = await client.generate(volcv.GeneralV21(prompt="a cat", return_url=True))
    assert made.image.data is None
    assert made.image.url is not None


def linked(*urls: str) -> Canned:
    shown = ",".join(f'"{url}"' for url in urls)
    body = f'{{"code":10000,"data":{{"image_urls":[{shown}]}},"request_id":"r-1"}}'
    return Canned(body=body.encode(), paid=True)


async def test_an_image_that_is_gone_is_a_failure_with_its_url() -> None:
    """A download that cannot work is tried once; the error says where the paid image stood."""
    async with LocalGateway(latency=0.0) as images:
        gone = images.url.replace("/volcv/v1", "/nothing-here?x-expires=1795086415")
        async with LocalGateway(answer=always(linked(gone))) as gateway:
            error, counts = await generate(gateway)
    assert isinstance(error, volcv.DownloadError)
    assert (error.url, error.http_status, error.billed) == (gone, 404, "yes")
    assert error.expires == datetime.fromtimestamp(1795086415, UTC)
    assert error.request_id == "r-1"
    assert isinstance(error.generation, volcv.Generation)
    assert counts.completed == 1


async def test_a_download_is_repeated_freely(unused_tcp_port: int) -> None:
    """A download that may work later is repeated until the deadline, and costs nothing."""
    nowhere = f"http://127.0.0.1:{unused_tcp_port}/x"
    async with LocalGateway(answer=always(linked(nowhere))) as gateway:
        timeouts = volcv.Timeouts(deadline=0.7)
        error, counts = await generate(gateway, timeouts=timeouts)
        assert isinstance(error, volcv.DownloadError)
        assert (counts.attempts, len(gateway.requests), gateway.paid) == (1, 1, 1)


async def test_a_broken_image_is_fetched_again_and_kept() -> None:
    """What comes from a URL and is no picture is fetched thrice, and kept in the error."""
    async with LocalGateway() as images:
        ledger = images.url.replace("/volcv/v1", "/ledger")
        async with LocalGateway(answer=always(linked(ledger))) as gateway:
            error, _ = await generate(gateway)
    assert isinstance(error, volcv.BrokenImageError)
    assert error.data.startswith(b"{")
    assert isinstance(error.generation, volcv.Generation)


async def test_a_cancelled_call_is_cut_off_and_counted_in_doubt() -> None:
    """A cancelled ``generate`` ends at once; that it may be billed is counted and told."""
    held, events = Held(), list[volcv.Event]()
    async with LocalGateway(answer=held) as gateway:
        async with volcv.Client(gateway.account(), on_event=events.append) as client:
            call = asyncio.create_task(client.generate(cat()))
            await held.until(1)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert client.statistics().in_doubt == 1
            assert client.statistics().in_flight == 0
        held.let_go()
    ended = events[-1]
    assert isinstance(ended, volcv.AttemptEnded)
    assert ended.ending == "in doubt"
    assert ended.seconds > 0
    assert type(ended.error) is volcv.UnknownOutcomeError


async def test_after_five_silent_attempts_one_probe_goes_out_at_a_time() -> None:
    """An outage is told, lets out one call at a time, and ends with the first answer."""
    said = [None, *[BAD_GATEWAY] * 7]
    events: list[volcv.Event] = []
    async with LocalGateway(latency=0.0, answer=one_by_one(*said)) as gateway:
        client = volcv.Client(
            gateway.account(limits=volcv.Limits(concurrency=1)), retry=FAST, on_event=events.append
        )
        async with client:
            await client.generate(cat())
            for _ in range(7):
                with pytest.raises(volcv.UnknownOutcomeError):
                    await client.generate(cat())
            await client.generate(cat())
    ends = (volcv.OutageBegan, volcv.OutageEnded)
    assert tuple(type(event) for event in events if isinstance(event, ends)) == ends


async def test_an_outage_of_the_network_uses_up_no_attempt() -> None:
    """A server that is gone for a while costs no request, once it has answered before."""
    async with LocalGateway(latency=0.0) as gateway:
        port = int(gateway.url.split(":")[2].split("/")[0])
        account = gateway.account(limits=volcv.Limits(concurrency=4))
        back = LocalGateway(latency=0.0, port=port)
        long_enough = asyncio.Event()

        def hear(_event: volcv.Event) -> None:
            if client.statistics().not_sent > 4 * FAST.attempts:
                long_enough.set()

        async with volcv.Client(account, retry=FAST, on_event=hear) as client:
            await client.generate(cat())
            await gateway.__aexit__(None, None, None)
            calls = [asyncio.create_task(client.generate(cat(nth))) for nth in range(4)]
            await long_enough.wait()
            async with back:
                await asyncio.gather(*calls)
    assert back.paid == 4


async def test_a_url_that_is_none_is_not_tried_again() -> None:
    """An image at what is no URL at all is given up at once, with what is known of it."""
    async with LocalGateway(answer=always(linked("/relative.png"))) as gateway:
        error, _ = await generate(gateway)
    assert isinstance(error, volcv.DownloadError)
    assert error.url == "/relative.png"
    assert not error.repeatable


class Journal:
    """A recorder that notes what it is told, and fails where it is told to."""

    def __init__(self, fail: str = "") -> None:
        self.notes: list[tuple[str, int, int]] = []
        self._fail = fail

    async def sending(self, attempt: volcv.Attempt) -> None:
        self.notes.append(("sending", attempt.index, attempt.number))
        if self._fail == "sending":
            raise OSError("disk full")

    async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None:
        assert generation.images
        self.notes.append(("answered", attempt.index, attempt.number))
        if self._fail == "answered":
            raise OSError("disk full")


async def test_a_recorder_hears_of_each_attempt_before_it_goes_out() -> None:
    """Each attempt is recorded before its first byte, each image before it is fetched."""
    journal = Journal()
    async with LocalGateway(latency=0.0, answer=one_by_one(refusal(50429))) as gateway:
        async with (
            volcv.Client(gateway.account(), retry=FAST) as client,
            client.stream([cat()], recorder=journal) as outcomes,
        ):
            assert [outcome.attempts async for outcome in outcomes] == [2]
    assert journal.notes == [("sending", 0, 1), ("sending", 0, 2), ("answered", 0, 2)]


async def test_what_cannot_be_recorded_is_not_sent(gateway: LocalGateway) -> None:
    """If the recorder fails before sending, nothing is sent, and its error ends the stream."""
    async with volcv.Client(gateway.account()) as client:
        async with client.stream([cat()], recorder=Journal("sending")) as outcomes:
            (failed,) = [await anext(outcomes)]
            assert isinstance(failed, volcv.Failed)
            assert type(failed.error) is volcv.NotSentError
            with pytest.raises(OSError, match="disk full"):
                await anext(outcomes)
    assert gateway.requests == []


async def test_what_is_paid_is_delivered_though_it_could_not_be_recorded(
    gateway: LocalGateway,
) -> None:
    """If the recorder fails after the answer, the image is given, then its error is raised."""
    async with volcv.Client(gateway.account(), download=False) as client:
        journal = Journal("answered")
        async with client.stream([cat()], recorder=journal) as outcomes:
            assert isinstance(await anext(outcomes), volcv.Completed)
            with pytest.raises(OSError, match="disk full"):
                await anext(outcomes)
    linked_cat = volcv.GeneralV21(prompt="a cat", return_url=True)
    for request, kind in ((cat(), volcv.Completed), (linked_cat, volcv.Failed)):
        async with volcv.Client(gateway.account()) as client:
            async with client.stream([request], recorder=Journal("answered")) as outcomes:
                outcome = await anext(outcomes)
                assert type(outcome) is kind
                assert outcome.billed == "yes"
                with pytest.raises(OSError, match="disk full"):
                    await anext(outcomes)


async def test_a_recorder_s_own_volcv_error_is_no_outcome(gateway: LocalGateway) -> None:
    """Whatever class a recorder raises after the answer, the paid image is still given."""

    class Refusing(Journal):
        async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None:
            await super().answered(attempt, generation)
            raise volcv.NotSentError("the recorder's own")

    async with volcv.Client(gateway.account()) as client:
        async with client.stream([cat()], recorder=Refusing()) as outcomes:
            assert isinstance(await anext(outcomes), volcv.Completed)
            with pytest.raises(volcv.NotSentError, match="the recorder's own"):
                await anext(outcomes)
