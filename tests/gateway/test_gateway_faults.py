"""Each fault by its name: what it does on the wire, and that the ledger tells it truly."""

import asyncio
import base64
import email.utils
import gzip
import itertools
import json
import os
import re
import socket
import ssl
import time
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from bare_caller import (
    SMALL,
    Heard,
    address,
    ask,
    connected,
    hear,
    hear_until,
    say,
    written,
)
from gateway_caller import calling

from volcv_async.gateway import (
    FAULTS,
    Canned,
    Drop,
    FaultTimes,
    LocalGateway,
    Received,
    service_error,
)

QUICK = FaultTimes(closed=0.05, drip=0.0, idle=0.0)
ADDRESSED = SMALL | {"return_url": True}


def struck_by(*names: str | None, times: FaultTimes = QUICK) -> LocalGateway:
    return LocalGateway(latency=0, faults=names, fault_times=times)


async def met(name: str) -> Heard:
    """What comes back from one request that this fault strikes."""
    async with struck_by(name) as gateway:
        heard = await ask(gateway)
        assert gateway.struck == {name: 1}
        assert gateway.paid == FAULTS[name].paid
        assert all(received.fault == name for received in gateway.requests)
        return heard


@pytest.mark.parametrize("name", FAULTS)
async def test_the_ledger_says_what_struck_and_what_was_paid(name: str) -> None:
    """Every name in the catalogue strikes, is counted, and costs what the catalogue says."""
    async with struck_by(name) as gateway, connected(address(gateway)) as connection:
        await say(connection, written(ADDRESSED if name == "expired_url" else SMALL, keep=True))
        while not gateway.struck or gateway.paid < FAULTS[name].paid:
            await asyncio.sleep(0)
        assert gateway.struck == {name: 1}
        assert gateway.paid_by_prompt == ({"a cat": 1} if FAULTS[name].paid else {})
        assert [r.fault for r in gateway.requests] == ([] if name == "reset_at_accept" else [name])


async def test_without_faults_nothing_is_struck() -> None:
    """What is not asked for does not happen."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post()).json["code"] == 10000
        assert (gateway.faults, gateway.struck) == (None, {})
        assert (await caller.ledger())["faults"] == {}


async def test_the_ledger_that_is_served_counts_the_faults() -> None:
    """Those on the other side of the wire can read them too."""
    async with struck_by("nan", "html_502", "nan") as gateway, calling(gateway) as caller:
        for _ in range(4):
            await caller.post()
        ledger = await caller.ledger()
    assert ledger["faults"] == {"nan": 2, "html_502": 1}
    assert ledger["refused"] == {"HTTP 502": 1}
    assert (ledger["received"], ledger["paid"]) == (4, 3)


async def test_faults_may_begin_and_end_while_it_runs() -> None:
    """An outage strikes every request, whatever its method and key, and then none."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post()).status == 200
        gateway.faults = {"html_502": 1.0}
        assert (await caller.post()).status == 502
        assert (await caller.post(headers={})).status == 502
        assert (await caller.get(gateway.url)).status == 502
        gateway.faults = None
        assert (await caller.post()).status == 200
        assert gateway.paid == 2


# What the reply is on the wire.


async def test_reset_after_request() -> None:
    """Not a byte, and a reset."""
    assert await met("reset_after_request") == Heard(b"", reset=True)


async def test_close_after_request() -> None:
    """Not a byte, in good order."""
    assert await met("close_after_request") == Heard(b"", reset=False)


async def test_half_a_header() -> None:
    """A status line and no end of the head."""
    heard = await met("half_a_header")
    assert heard.data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in heard.data
    assert not heard.reset


async def test_reset_in_body() -> None:
    """Half of what was announced, and a reset."""
    heard = await met("reset_in_body")
    assert len(heard.body) == int(heard.field("Content-Length")) // 2
    assert heard.reset


async def test_body_too_short() -> None:
    """The whole JSON, and less than announced."""
    heard = await met("body_too_short")
    assert json.loads(heard.body)["code"] == 10000
    assert len(heard.body) < int(heard.field("Content-Length"))
    assert not heard.reset


async def test_body_too_long() -> None:
    """The whole JSON as announced, and more behind it."""
    heard = await met("body_too_long")
    announced = int(heard.field("Content-Length"))
    assert json.loads(heard.body[:announced])["code"] == 10000
    assert len(heard.body) > announced


async def test_two_content_lengths() -> None:
    """One is true, one is not."""
    heard = await met("two_content_lengths")
    true, half = map(int, heard.fields("Content-Length"))
    assert (true, half) == (len(heard.body), len(heard.body) // 2)


def unchunked(body: bytes) -> tuple[bytes, bytes]:
    """What whole chunks hold, and what follows them."""
    whole = bytearray()
    while match := re.match(rb"([0-9a-f]+)\r\n", body):
        size, start = int(match[1], 16), match.end()
        if len(body) < start + size + 2:
            break
        whole += body[start : start + size]
        body = body[start + size + 2 :]
    return bytes(whole), body


async def test_length_and_chunked() -> None:
    """Chunks, whole, under a head that has a length as well."""
    heard = await met("length_and_chunked")
    whole, rest = unchunked(heard.body)
    assert (heard.field("Transfer-Encoding"), rest) == ("chunked", b"")
    assert int(heard.field("Content-Length")) == len(whole)
    assert json.loads(whole)["code"] == 10000


async def test_chunk_cut_off() -> None:
    """The chunk announces more than comes."""
    heard = await met("chunk_cut_off")
    size, _, came = heard.body.partition(b"\r\n")
    assert len(came) == int(size, 16) // 2
    assert heard.field("Transfer-Encoding") == "chunked"
    assert not heard.reset


async def test_bad_chunk_size() -> None:
    """A good chunk, then one whose size is none."""
    whole, rest = unchunked((await met("bad_chunk_size")).body)
    assert whole.startswith(b'{"code":10000')
    assert rest.startswith(b"size\r\n")


async def test_body_until_close_cut() -> None:
    """Nothing announces how much it should have been."""
    heard = await met("body_until_close_cut")
    assert heard.fields("Content-Length") == heard.fields("Transfer-Encoding") == []
    assert heard.body.startswith(b'{"code":10000')
    with pytest.raises(json.JSONDecodeError):
        json.loads(heard.body)


async def test_slow_drip() -> None:
    """The head at once, then a byte and a pause, a byte and a pause."""
    times = FaultTimes(drip=0.01)
    async with struck_by("slow_drip", times=times) as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written())
            await hear_until(connection, b"\r\n\r\n")
            began = time.monotonic()
            for _ in range(10):
                assert len(await asyncio.get_running_loop().sock_recv(connection, 1)) == 1
            assert time.monotonic() - began >= 0.09
        while gateway.requests[0] in gateway._provider._mischief._drawn:
            await asyncio.sleep(0)


async def test_a_drip_that_is_waited_for_is_the_whole_reply() -> None:
    """Who has the patience has the picture."""
    heard = await met("slow_drip")
    assert json.loads(heard.body)["code"] == 10000
    assert len(heard.body) == int(heard.field("Content-Length"))


async def test_silence_lasts_until_the_client_goes() -> None:
    """Nothing comes; when the client has gone, the request is over."""
    async with struck_by("silence") as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written())
            while not gateway.struck:
                await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(hear(connection), 0.05)
        while gateway.requests[0] in gateway._provider._mischief._drawn:
            await asyncio.sleep(0)


async def test_what_a_client_that_has_gone_would_have_got_is_sent_to_nobody() -> None:
    """The connection is gone before the script begins."""
    held, arrived = asyncio.Event(), asyncio.Event()

    async def answer(_: Received) -> None:
        arrived.set()
        await held.wait()

    faults = ["reset_in_body"]
    async with LocalGateway(latency=0, answer=answer, faults=faults) as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written())
            await arrived.wait()
        async with calling(gateway) as caller:
            await caller.ledger()
        held.set()
        while not gateway.struck:
            await asyncio.sleep(0)
        assert gateway.paid == 1


async def test_a_long_reply_to_a_client_that_does_not_read_waits_for_it_to_go() -> None:
    """What the system does not take is held, and let go with the connection."""
    long = service_error(50500, message="x" * 20_000_000)

    async def answer(_: Received) -> Canned:
        return long

    faults = ["body_too_long"]
    async with LocalGateway(latency=0, answer=answer, faults=faults) as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written())
            await asyncio.get_running_loop().sock_recv(connection, 10)
        while gateway.requests[0] in gateway._provider._mischief._drawn:
            await asyncio.sleep(0)


async def test_a_long_reply_is_handed_over_before_its_connection_is_reset() -> None:
    """A reset throws away what the system does not have yet, so it is waited for."""
    long = service_error(50412, message="x" * 8_000_000)

    async def answer(_: Received) -> Canned:
        return long

    faults = ["reset_in_body"]
    async with LocalGateway(latency=0, answer=answer, faults=faults) as gateway:
        heard = await ask(gateway)
        assert (len(heard.body), heard.reset) == (len(long.body) // 2, True)


async def test_unsolicited_reply() -> None:
    """It comes on the connection that the client has kept, again, whole."""
    async with struck_by("unsolicited_reply") as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written(keep=True))
            first = Heard(await hear_until(connection, b"}"), reset=False)
            second = Heard(await hear_until(connection, b"}"), reset=False)
        assert first.body == second.body
        assert json.loads(first.body)["code"] == 10000
        assert gateway.paid == 1


async def test_a_client_that_keeps_no_connection_gets_nothing_unsolicited() -> None:
    """There is no idle connection for it; the ledger does not claim that there was."""
    async with struck_by("unsolicited_reply") as gateway:
        heard = await ask(gateway)
        assert len(heard.body) == int(heard.field("Content-Length"))
        assert gateway.struck == {}


async def test_an_unsolicited_reply_to_nobody_is_not_sent() -> None:
    """The client took its reply and went."""
    times = FaultTimes(idle=0.05)
    async with struck_by("unsolicited_reply", times=times) as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written(keep=True))
            await hear_until(connection, b"}")
        while gateway._premises._chores:
            await asyncio.sleep(0.01)


# What HTTP carries.


async def test_a_head_may_be_long_and_hold_many_fields() -> None:
    """The reply is whole behind it."""
    long, many = await met("header_of_64_kb"), await met("headers_500")
    assert len(long.field("X-Long")) == 65_536
    assert many.head.count(b"\r\nX-Field-") == 500
    assert json.loads(long.body)["code"] == json.loads(many.body)["code"] == 10000


async def test_gzip_bomb() -> None:
    """Small on the wire, large behind it, and valid."""
    heard = await met("gzip_bomb")
    assert heard.field("Content-Encoding") == "gzip"
    assert len(heard.body) < 100_000
    unpacked = gzip.decompress(heard.body)
    assert len(unpacked) == 72 * 2**20
    assert not unpacked.strip()


async def test_gzip_cut() -> None:
    """The length is true, the compression breaks off."""
    heard = await met("gzip_cut")
    assert heard.field("Content-Encoding") == "gzip"
    assert len(heard.body) == int(heard.field("Content-Length"))
    unpacking = zlib.decompressobj(wbits=31)
    assert unpacking.decompress(heard.body).startswith(b'{"code":10000')
    assert not unpacking.eof


async def test_not_utf8() -> None:
    """Bytes that are no text."""
    with pytest.raises(UnicodeDecodeError):
        (await met("not_utf8")).body.decode()


async def test_duplicate_keys() -> None:
    """Two codes; whoever takes the last sees a success."""
    body = (await met("duplicate_keys")).body
    codes = [value for key, value in json.loads(body, object_pairs_hook=list) if key == "code"]
    assert codes == [50412, 10000]


async def test_json_that_strict_readers_refuse() -> None:
    """NaN, a number too long for Python's limit, and nesting too deep for its stack."""
    assert json.loads((await met("nan")).body)["score"] != 0
    with pytest.raises(ValueError, match="4300 digits"):
        json.loads((await met("number_of_5000_digits")).body)
    with pytest.raises(RecursionError):
        json.loads((await met("deep_nesting")).body)


# The picture.


def png_of(heard: Heard) -> bytes:
    (picture,) = json.loads(heard.body)["data"]["binary_data_base64"]
    return base64.b64decode(picture)


def check_picture(name: str, good: bytes, bad: bytes) -> None:
    if name == "wrong_magic":
        assert bad[:8] != good[:8]
        assert bad[9:] == good[9:]
    elif name == "truncated_image":
        assert bad == good[: len(good) // 2]
    else:
        differing = [one ^ other for one, other in zip(good, bad, strict=True) if one != other]
        assert differing == [1]


PICTURES = ["wrong_magic", "truncated_image", "flipped_bit"]


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_in_the_reply_is_spoilt(name: str) -> None:
    """The JSON is as it should be; the same request again gives the good one."""
    body = SMALL | {"seed": 1}
    async with struck_by(name) as gateway:
        bad, good = png_of(await ask(gateway, body)), png_of(await ask(gateway, body))
    check_picture(name, good, bad)


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_at_an_address_is_spoilt(name: str) -> None:
    """However often it is fetched: what lies there is broken."""
    body = ADDRESSED | {"seed": 1}
    async with struck_by(name) as gateway, calling(gateway) as caller:
        bad, good = [(await caller.post(body)).json["data"]["image_urls"][0] for _ in range(2)]
        assert (await caller.get(bad)).body == (await caller.get(bad)).body
        check_picture(name, (await caller.get(good)).body, (await caller.get(bad)).body)
        assert gateway.paid == 2


async def test_expired_url() -> None:
    """The address is dead when it arrives; where none was asked for, nothing strikes."""
    async with struck_by("expired_url", "expired_url") as gateway, calling(gateway) as caller:
        (url,) = (await caller.post(ADDRESSED)).json["data"]["image_urls"]
        assert (await caller.get(url)).status == 403
        png_of(await ask(gateway))
        assert [r.fault for r in gateway.requests] == ["expired_url", None]


# What is said in the provider's place.


async def test_rate_429() -> None:
    """The gateway layer's refusal, without a word of when to come again."""
    heard = await met("rate_429")
    assert (heard.status, heard.fields("Retry-After")) == (429, [])
    assert json.loads(heard.body)["error"]["type"] == "new_api_error"


async def test_rate_429_with_retry_after() -> None:
    """In seconds, as a date to come, negative, and out of all measure."""
    seconds, date, negative, absurd = [
        (await met(f"rate_429_retry_after_{kind}")).field("Retry-After")
        for kind in ("seconds", "date", "negative", "absurd")
    ]
    assert (seconds, int(negative) < 0, int(absurd) > 10**10) == ("1", True, True)
    assert date.endswith("GMT")
    assert -1 < email.utils.parsedate_to_datetime(date).timestamp() - time.time() <= 1


async def test_rate_429_empty() -> None:
    """A status and nothing else."""
    heard = await met("rate_429_empty")
    assert (heard.status, heard.body) == (429, b"")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("code_50429_http_200", 200, 50429),
        ("code_50430_http_200", 200, 50430),
        ("code_50412", 400, 50412),
        ("code_50500", 500, 50500),
        ("code_50511", 400, 50511),
    ],
)
async def test_a_code_of_the_service(name: str, status: int, code: int) -> None:
    """In its own envelope, under this HTTP status."""
    heard = await met(name)
    assert (heard.status, json.loads(heard.body)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("name", "status"), [("html_200", 200), ("html_502", 502), ("html_504_paid", 504)]
)
async def test_html(name: str, status: int) -> None:
    """A page in the place of JSON."""
    heard = await met(name)
    assert (heard.status, heard.field("Content-Type")) == (status, "text/html")
    assert b"</html>" in heard.body


async def test_server_error_503() -> None:
    """No channel, as new-api says it."""
    heard = await met("server_error_503")
    assert heard.status == 503
    assert json.loads(heard.body)["error"]["code"] == "model_not_found"


async def test_redirect_307() -> None:
    """To a host of another name and port, which counts who follows; nothing is paid."""
    async with struck_by("redirect_307", "redirect_307") as gateway, calling(gateway) as caller:
        heard = await ask(gateway)
        there = urlsplit(heard.field("Location"))
        assert (heard.status, gateway.redirected) == (307, 0)
        host, port = address(gateway)
        assert there.hostname != host
        assert there.port != port
        assert (await caller.post()).body == b"{}"  # aiohttp follows
        assert (gateway.redirected, gateway.paid) == (1, 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_the_other_host_may_have_an_address_of_ipv6() -> None:
    """Its name is then the address, in brackets."""
    faults = {"redirect_307": 1.0}
    async with (
        LocalGateway(host="::1", faults=faults) as gateway,
        aiohttp.ClientSession() as session,
        session.post(gateway.url, allow_redirects=False) as response,
    ):
        assert response.headers["Location"].startswith("http://[::1]:")


async def test_what_replaces_an_answer_leaves_a_refusal_alone() -> None:
    """Where nothing was generated, nothing can be lost after generating; nor is it noted."""
    names = ["code_50500", "html_504_paid", *PICTURES, "expired_url"]
    async with struck_by(*names) as gateway, calling(gateway) as caller:
        assert [(await caller.post(b"[]")).status for _ in names] == [400] * len(names)
        assert (gateway.struck, gateway.paid) == ({}, 0)


async def test_a_refusal_may_break_on_the_wire_too() -> None:
    """It stays unpaid."""
    async with struck_by("reset_after_request") as gateway:
        assert await ask(gateway, {}) == Heard(b"", reset=True)
        assert (gateway.struck, gateway.paid) == ({"reset_after_request": 1}, 0)


async def test_a_script_that_drops_goes_before_a_fault() -> None:
    """There is no reply that could be spoilt."""

    async def answer(_: Received) -> Drop:
        return Drop()

    async with LocalGateway(answer=answer, faults=["nan"]) as gateway:
        assert await ask(gateway) == Heard(b"", reset=False)
        assert (gateway.struck, gateway.paid) == ({}, 1)


# The port.


async def test_reset_at_accept() -> None:
    """The connection is reset before a byte of the request is read; the next is served."""
    async with struck_by("reset_at_accept") as gateway:
        async with connected(address(gateway)) as connection:
            assert await hear(connection) == Heard(b"", reset=True)
        assert gateway.struck == {"reset_at_accept": 1}
        assert gateway.requests == []
        assert (await ask(gateway)).status == 200


async def test_reset_at_accept_drawn_by_a_request_resets_its_connection() -> None:
    """On a connection that was kept, there is nothing to accept any more."""
    async with struck_by(None, "reset_at_accept") as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written(keep=True))
            await hear_until(connection, b"}")
            await say(connection, written())
            assert await hear(connection) == Heard(b"", reset=True)
        assert gateway.struck == {"reset_at_accept": 1}
        assert gateway.paid == 1


async def refusals_until_open(gateway: LocalGateway) -> int:
    """How often connecting was refused before it succeeded."""
    for refused in itertools.count():
        try:
            async with connected(address(gateway)):
                return refused
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    raise AssertionError


async def test_connection_refused() -> None:
    """The request is answered; then the port is closed, and open again at the same address."""
    names = ["connection_refused", "connection_refused"]
    times = FaultTimes(closed=0.3)
    async with struck_by(*names, times=times) as gateway:
        url = gateway.url
        async with connected(address(gateway)) as kept:
            await say(kept, written(keep=True))
            await hear_until(kept, b"}")
            await say(kept, written(keep=True))  # while it is shut, it cannot be shut again
            await hear_until(kept, b"}")
        assert gateway.struck == {"connection_refused": 1}
        assert await refusals_until_open(gateway) > 0
        assert (await ask(gateway)).status == 200
        assert (gateway.url, gateway.paid) == (url, 3)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_a_port_of_ipv6_is_closed_and_opened_too() -> None:
    """At the same address."""
    times = FaultTimes(closed=0.1)
    faults = ["connection_refused"]
    async with (
        LocalGateway(host="::1", latency=0, faults=faults, fault_times=times) as gateway,
        calling(gateway) as caller,
    ):
        await caller.post(SMALL)
        with pytest.raises(aiohttp.ClientConnectorError):
            await caller.post(SMALL)
        while gateway._premises._shut:
            await asyncio.sleep(0.01)
        assert (await caller.post(SMALL)).status == 200


@pytest.mark.skipif(not hasattr(os, "eventfd"), reason="how a full queue behaves is Linux's")
async def test_accept_queue_full() -> None:
    """Connecting gets no reply, and succeeds when the queue has room again."""
    times = FaultTimes(closed=0.4)
    async with struck_by("accept_queue_full", times=times) as gateway:
        assert (await ask(gateway)).status == 200
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1), connected(address(gateway)):
                pass
        assert (await ask(gateway)).status == 200  # Linux tries again after a second
        assert (gateway.struck, gateway.paid) == ({"accept_queue_full": 1}, 2)


async def test_restart() -> None:
    """Every connection is reset, what was in progress is lost; then it is back."""
    arrived = asyncio.Event()

    async def answer(received: Received) -> None:
        if received.prompt == "held":
            arrived.set()
            await asyncio.Event().wait()

    faults = [None, None, "restart"]
    times = FaultTimes(closed=0.2)
    async with (
        LocalGateway(latency=0, answer=answer, faults=faults, fault_times=times) as gateway,
        connected(address(gateway)) as idle,
        connected(address(gateway)) as busy,
    ):
        await say(idle, written(keep=True))
        await hear_until(idle, b"}")
        await say(busy, written(SMALL | {"prompt": "held"}))
        await arrived.wait()
        assert await ask(gateway, SMALL | {"prompt": "last"}) == Heard(b"", reset=True)
        assert [await hear(one) for one in (idle, busy)] == [Heard(b"", reset=True)] * 2
        assert await refusals_until_open(gateway) > 0
        assert gateway.in_flight == 0
        assert (await ask(gateway, SMALL | {"prompt": "after"})).status == 200
        assert gateway.paid_by_prompt == {"a cat": 1, "last": 1, "after": 1}
        assert [r.fault for r in gateway.requests] == [None, "restart", "restart", None]


async def test_a_restart_while_the_port_is_shut_already_does_not_happen() -> None:
    """The request is answered as usual, and nothing is noted."""
    times = FaultTimes(closed=5)
    async with struck_by("connection_refused", "restart", times=times) as gateway:
        async with connected(address(gateway)) as kept:
            await say(kept, written(keep=True))
            await hear_until(kept, b"}")
            await say(kept, written(keep=True))
            await hear_until(kept, b"}")
        assert (gateway.struck, gateway.paid) == ({"connection_refused": 1}, 2)


async def test_a_restart_forgets_the_connections_whose_clients_have_gone() -> None:
    """A request that is still worked on for nobody ends with the rest."""
    arrived = asyncio.Event()

    async def answer(received: Received) -> None:
        if received.prompt == "held":
            arrived.set()
            await asyncio.Event().wait()

    faults = [None, "restart"]
    async with LocalGateway(latency=0, answer=answer, faults=faults) as gateway:
        async with connected(address(gateway)) as connection:
            await say(connection, written(SMALL | {"prompt": "held"}))
            await arrived.wait()
        async with calling(gateway) as caller:
            await caller.ledger()
        assert await ask(gateway) == Heard(b"", reset=True)
        while gateway.in_flight:
            await asyncio.sleep(0)
        assert gateway.paid_by_prompt == {"a cat": 1}


# TLS.


def certified() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side, and the client's that trusts it."""
    authority = trustme.CA()
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(ours)  # pyright: ignore[reportUnknownMemberType] - it knows other kinds of context, too
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)  # pyright: ignore[reportUnknownMemberType] - the same
    return ours, theirs


async def test_https_is_served_with_the_certificate_that_is_given() -> None:
    """Replies and addresses of pictures alike; who does not trust it stays away."""
    ours, theirs = certified()
    async with (
        LocalGateway(latency=0, tls=ours) as gateway,
        calling(gateway) as caller,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=theirs)) as session,
    ):
        assert gateway.url.startswith("https://127.0.0.1:")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await caller.post()
        url = f"{gateway.url}?Action=CVProcess&Version=2022-08-31"
        async with session.post(url, json=ADDRESSED, headers=caller.headers) as response:
            (picture,) = (await response.json())["data"]["image_urls"]
        assert picture.startswith("https://")
        assert gateway.paid == 1


@pytest.mark.parametrize("name", ["reset_in_body", "reset_at_accept", "close_after_request"])
async def test_faults_strike_under_tls_too(name: str) -> None:
    """The connection breaks below it."""
    ours, theirs = certified()
    async with (
        LocalGateway(latency=0, tls=ours, faults=[name]) as gateway,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=theirs)) as session,
    ):
        url = f"{gateway.url}?Action=CVProcess&Version=2022-08-31"
        headers = {"Authorization": "Bearer local-key"}
        with pytest.raises(aiohttp.ClientError):
            async with session.post(url, json=SMALL, headers=headers) as response:
                await response.read()
        assert gateway.struck == {name: 1}
        assert gateway.paid == FAULTS[name].paid


# Leaving.


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
@pytest.mark.parametrize(
    "name",
    [
        "silence",
        "slow_drip",
        "unsolicited_reply",
        "redirect_307",
        "connection_refused",
        "accept_queue_full",
        "restart",
    ],
)
async def test_leaving_in_the_midst_of_a_fault_leaves_nothing(name: str) -> None:
    """No task, no descriptor, and the port is free."""
    tasks, before = asyncio.all_tasks(), descriptors()
    times = FaultTimes(closed=60, drip=60, idle=60)
    async with struck_by(name, times=times) as gateway, connected(address(gateway)) as connection:
        where = address(gateway)
        await say(connection, written(keep=True))
        while not gateway.struck:
            await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert descriptors() == before
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(where)
        taken.listen()


@pytest.mark.parametrize("way", ["connection_refused", "accept_queue_full"])
async def test_leaving_while_the_port_is_opened_again_leaves_nothing(way: str) -> None:
    """Whenever it is left around that moment, nobody listens there afterwards."""
    for moment in range(6):
        times = FaultTimes(closed=0)
        async with struck_by(way, times=times) as gateway:
            where = address(gateway)
            async with connected(where) as connection:
                await say(connection, written())
                while not gateway.struck:
                    await asyncio.sleep(0)
                for _ in range(moment):
                    await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            async with connected(where):
                pass


async def test_it_can_be_entered_again_after_a_fault() -> None:
    """A port that was shut when it was left is open when it is entered."""
    times = FaultTimes(closed=60)
    gateway = struck_by("connection_refused", times=times)
    async with gateway:
        await ask(gateway)
    async with gateway:
        assert (await ask(gateway)).status == 200


# What is written of them.


def test_the_reference_lists_every_fault() -> None:
    """With where it strikes, whether it is paid, and the sentence of the catalogue."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "gateway.md"
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| (yes|no) \| (.+) \|$", page.read_text("utf-8"), re.MULTILINE
    )
    assert rows == [
        (fault.name, fault.where, "yes" if fault.paid else "no", fault.does)
        for fault in FAULTS.values()
    ]
