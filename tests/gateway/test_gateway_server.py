"""The gateway as a server: entering and leaving, scripts, clients that go, and the ledger."""

import asyncio
import gc
import socket
import time
from urllib.parse import urlsplit

import aiohttp
import pytest
from gateway_caller import V14, V20_PRO, V21, Caller, calling

from volcv_async.config import Limits
from volcv_async.gateway import Canned, Drop, LocalGateway, Received, Reply, serve, service_error


async def test_before_it_is_entered_it_has_no_address() -> None:
    """The error says what to do."""
    gateway = LocalGateway()
    with pytest.raises(RuntimeError, match="async with LocalGateway"):
        _ = gateway.url
    with pytest.raises(RuntimeError, match="not running"):
        gateway.account()
    assert repr(gateway) == "<LocalGateway not running: 0 received, 0 paid, 0 in flight>"


async def test_entering_twice_at_once_is_refused_and_leaving_twice_is_not() -> None:
    """One gateway is one server."""
    gateway = LocalGateway()
    async with gateway:
        with pytest.raises(RuntimeError, match="running already"):
            await gateway.__aenter__()
        await gateway.__aexit__(None, None, None)


def test_it_can_be_entered_again_on_another_loop() -> None:
    """The ledger goes on, and nothing is left behind on either loop."""
    gateway = LocalGateway(latency=0)

    async def once() -> None:
        async with gateway, calling(gateway) as caller:
            await caller.post()

    for times in (1, 2):
        asyncio.run(once(), debug=True)
        assert (gateway.paid, len(gateway.requests), gateway.in_flight) == (times, times, 0)
    gc.collect()


async def test_it_can_be_entered_and_left_in_different_tasks() -> None:
    """As a fixture of a test framework may do it."""
    gateway = LocalGateway(latency=0)
    await asyncio.create_task(gateway.__aenter__())
    async with calling(gateway) as caller:
        assert (await caller.post()).status == 200
    await asyncio.create_task(gateway.__aexit__(None, None, None))


async def test_the_port_is_given_back_and_one_of_choice_is_taken() -> None:
    """Twice on the same port, one after the other; at once it is taken."""
    async with LocalGateway() as first:
        port = urlsplit(first.url).port
        assert port is not None
        second = LocalGateway(port=port)
        with pytest.raises(OSError, match="address already in use"):
            await second.__aenter__()
    async with second:
        assert second.url == f"http://127.0.0.1:{port}/volcv/v1"


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_an_address_of_ipv6_is_written_in_brackets() -> None:
    """The URL can be used as it is."""
    async with LocalGateway(host="::1", latency=0) as gateway, calling(gateway) as caller:
        assert gateway.url.startswith("http://[::1]:")
        assert (await caller.post()).status == 200


async def test_an_account_names_the_url_and_carries_the_key() -> None:
    """What a client needs, with limits and group as they are given."""
    async with LocalGateway(key="another") as gateway:
        account = gateway.account(limits=Limits(rate=2), group="studio")
        assert account.url == gateway.url
        assert account.limits == Limits(rate=2)
        assert account.group == "studio"
        assert account.credentials.authorization() == "Bearer another"
        assert "another" not in repr(gateway)


async def test_what_was_received_is_in_order_and_without_the_key() -> None:
    """Each entry tells what came and what became of it."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        before = time.monotonic()
        await caller.post(V21 | {"prompt": "千军万马"})
        await caller.post(b"[]")
        await caller.post({"req_key": 1, "prompt": 2})
        first, second, third = gateway.requests
    assert (first.number, first.prompt, first.req_key) == (0, "千军万马", V21["req_key"])
    assert (first.status, first.code, first.paid, first.why) == (200, 10000, True, "")
    assert before <= first.at <= (first.finished or 0)
    assert first.headers["Content-Type"] == "application/json"
    assert "Authorization" not in first.headers
    assert not any("local-key" in value for value in first.headers.values())
    assert (second.body, second.prompt, second.code) == (None, None, "bad_request_body")
    assert (third.number, third.prompt, third.req_key, third.code) == (2, None, None, 50400)


async def test_the_ledger_is_served_as_json() -> None:
    """What was received, refused and paid, for those on the other side of the wire."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        for prompt in ("a", "b", "a"):
            await caller.post(V20_PRO | {"prompt": prompt})
        await caller.post(V20_PRO | {"prompt": ""})
        await caller.post(headers={})
        ledger = await caller.ledger()
        assert gateway.paid_by_prompt == {"a": 2, "b": 1}
    assert (ledger["received"], ledger["paid"]) == (5, 3)
    assert ledger["refused"] == {"50215": 1, "HTTP 401": 1}
    assert ledger["paid_by_prompt"] == {"a": 2, "b": 1}
    assert [refusal["why"] for refusal in ledger["last_refusals"]] == [
        "prompt: is empty",
        "Invalid token",
    ]


async def test_a_script_may_answer_with_a_body_of_its_own() -> None:
    """A canned reply goes out as it is, and is paid only where it says so."""
    replies: list[Reply | None] = [
        Canned(status=502, body=b"<html>Bad Gateway</html>", headers={"Content-Type": "text/html"}),
        Canned(body=b"{}", paid=True),
        service_error(50412, request_id="r-1"),
        None,
    ]

    async def answer(received: Received) -> Reply | None:
        return replies[received.number]

    async with LocalGateway(latency=0, answer=answer) as gateway, calling(gateway) as caller:
        first = await caller.post()
        assert (first.status, first.body) == (502, b"<html>Bad Gateway</html>")
        assert first.headers["Content-Type"] == "text/html"
        assert (await caller.post()).body == b"{}"
        assert (await caller.post()).json["code"] == 50412
        assert (await caller.post()).json["code"] == 10000
        assert [r.paid for r in gateway.requests] == [False, True, False, True]
        assert gateway.requests[2].request_id == "r-1"
        assert gateway.requests[0].code is None


async def test_a_script_is_not_asked_about_what_is_refused_before() -> None:
    """It sees accepted requests only."""
    seen: list[int] = []

    async def answer(received: Received) -> None:
        seen.append(received.number)

    async with LocalGateway(latency=0, answer=answer) as gateway, calling(gateway) as caller:
        await caller.post(headers={})
        await caller.post()
        assert seen == [1]


@pytest.mark.parametrize("paid", [True, False])
async def test_a_script_may_drop_the_connection(*, paid: bool) -> None:
    """Not a byte comes back; whether it was paid is the script's word."""

    async def answer(_: Received) -> Drop:
        return Drop(paid=paid)

    async with LocalGateway(answer=answer) as gateway, calling(gateway) as caller:
        with pytest.raises(aiohttp.ClientConnectionError):
            await caller.post()
        (received,) = gateway.requests
        assert (received.status, received.finished, received.paid) == (None, None, paid)
        assert gateway.paid == int(paid)
        assert (await caller.ledger())["refused"] == {}


async def test_a_script_that_fails_is_logged_and_gives_its_slot_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A mistake in a test's own script is seen, and does not block the gateway."""

    async def answer(_: Received) -> None:
        raise LookupError("a mistake in the script")

    async with LocalGateway(concurrency=1, answer=answer) as gateway, calling(gateway) as caller:
        assert [(await caller.post()).status for _ in range(2)] == [500, 500]
        assert (gateway.in_flight, gateway.paid) == (0, 0)
    assert "a mistake in the script" in caplog.text


class Held:
    """A script that holds every request until it is told to go on."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, _: Received) -> None:
        self.arrived.set()
        await self.go_on.wait()


async def give_up(caller: Caller, held: Held) -> None:
    sending = asyncio.create_task(caller.post())
    await held.arrived.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def until_idle(caller: Caller) -> None:
    while caller.gateway.in_flight:
        await caller.ledger()


async def test_a_client_that_goes_away_has_paid_all_the_same() -> None:
    """The generation goes on, and its reply reaches nobody."""
    held = Held()
    async with LocalGateway(latency=0, answer=held) as gateway, calling(gateway) as caller:
        await give_up(caller, held)
        held.go_on.set()
        await until_idle(caller)
        assert gateway.paid == 1
    assert gateway.requests[0].finished is None


async def test_a_drop_after_the_client_has_gone_harms_nobody() -> None:
    """There is no connection left to close."""
    held = Held()

    async def answer(received: Received) -> Drop:
        await held(received)
        return Drop()

    async with LocalGateway(answer=answer) as gateway, calling(gateway) as caller:
        await give_up(caller, held)
        await caller.ledger()
        held.go_on.set()
        await until_idle(caller)
        assert gateway.paid == 1


async def test_a_client_that_goes_before_its_body_has_come_pays_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What never came whole is in the ledger, unanswered, and no error is logged."""
    async with LocalGateway() as gateway, calling(gateway) as caller:
        parts = urlsplit(gateway.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = "POST /volcv/v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        writer.write(head.encode())
        await writer.drain()
        while not gateway.requests:
            await caller.ledger()
        writer.close()
        assert await reader.read() == b""
        await caller.ledger()
        (received,) = gateway.requests
        assert (received.body, received.status, received.paid) == (None, None, False)
    assert caplog.records == []


async def test_leaving_cuts_off_what_is_in_flight_at_once() -> None:
    """Held requests, sent and given up alike, end with the gateway; no task is left."""
    held = Held()
    before = asyncio.all_tasks()
    async with LocalGateway(answer=held) as gateway, calling(gateway) as caller:
        await give_up(caller, held)
        sending = asyncio.create_task(caller.post())
        while gateway.in_flight < 2:
            await caller.ledger()
        started = time.monotonic()
        await gateway.__aexit__(None, None, None)
        assert time.monotonic() - started < 0.4
        with pytest.raises(aiohttp.ClientConnectionError):
            await sending
    assert (gateway.in_flight, gateway.paid) == (0, 0)
    assert asyncio.all_tasks() == before


async def test_leaving_does_not_wait_for_idle_connections() -> None:
    """A client that keeps its connection open is no reason to stay."""
    async with LocalGateway(latency=0) as gateway, aiohttp.ClientSession() as session:
        async with session.get(gateway.url.replace("/volcv/v1", "/ledger")) as response:
            await response.read()
        started = time.monotonic()
        await gateway.__aexit__(None, None, None)
        assert time.monotonic() - started < 0.4


async def test_many_at_once_are_all_answered() -> None:
    """Drawing happens beside the loop, in any number."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        bodies = [V14 | {"prompt": str(i), "width": 128, "height": 128} for i in range(40)]
        answers = await asyncio.gather(*(caller.post(body) for body in bodies))
        assert {a.json["code"] for a in answers} == {10000}
        assert gateway.paid_by_prompt == {str(i): 1 for i in range(40)}


async def test_serving_goes_on_until_it_is_cancelled() -> None:
    """Who serves is told when the gateway listens, and what ends it is cancellation."""
    gateway, listening = LocalGateway(latency=0), asyncio.Event()

    def started(running: LocalGateway) -> None:
        assert running.url.endswith("/volcv/v1")
        listening.set()

    serving = asyncio.create_task(serve(gateway, started))
    await listening.wait()
    async with calling(gateway) as caller:
        assert (await caller.post()).status == 200
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert "not running" in repr(gateway)
