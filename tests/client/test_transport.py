"""The wire: what was sent, what was not, and what may have been."""

from __future__ import annotations

import asyncio
import gzip
import ssl

import pytest
import trustme
from raw_server import raw_server, saying

import volcv_async as volcv
from volcv_async import transport as transport_room
from volcv_async.config import Timeouts
from volcv_async.gateway import Canned, LocalGateway, Received
from volcv_async.reply import Reply
from volcv_async.sending import Sending
from volcv_async.transport import Transport

QUICK = Timeouts(connect=5.0, attempt=10.0)


async def post(
    account: volcv.Account, timeouts: Timeouts = QUICK, sending: Sending | None = None
) -> Reply:
    transport = Transport(account)
    try:
        return await transport.post(b'{"a":1}', sending or Sending(), timeouts=timeouts)
    finally:
        await transport.close()


async def download(url: str, timeouts: Timeouts = QUICK) -> bytes:
    transport = Transport(volcv.Account("http://localhost/volcv/v1", volcv.Bearer("key")))
    try:
        return await transport.download(url, timeouts=timeouts)
    finally:
        await transport.close()


async def test_a_paid_call_is_one_plain_post() -> None:
    """It posts the bytes to the path with Action, Version and key, on a connection of its own."""
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 3\r\nX-Other: 1\r\n\r\n{}"
    async with raw_server(saying(reply)) as server:
        got = await post(server.account())
        again = await post(server.account())
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /volcv/v1?Action=CVProcess&Version=2022-08-31 HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert headers["authorization"] == "Bearer key-of-the-tests"
    assert headers["content-type"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["connection"] == "close"
    assert body == b'{"a":1}'
    assert (got.status, got.body, got.headers) == (200, b"{}", {"retry-after": "3"})
    assert again.body == b"{}"


async def test_connections_are_kept_only_where_asked_for(gateway: LocalGateway) -> None:
    """With ``reuse_connections`` a connection serves one call after the other."""
    transport = Transport(gateway.account(), reuse_connections=True)
    for _ in range(2):
        await transport.post(b"{}", Sending(), timeouts=QUICK)
    await transport.close()
    assert [seen.headers.get("Connection") for seen in gateway.requests] == [None, None]


async def test_a_refused_connection_is_not_sent(unused_tcp_port: int) -> None:
    """Where nobody listens, nothing was sent."""
    sending = Sending()
    account = volcv.Account(f"http://127.0.0.1:{unused_tcp_port}/volcv/v1", volcv.Bearer("key"))
    with pytest.raises(volcv.NotSentError, match=str(unused_tcp_port)):
        await post(account, sending=sending)
    assert not sending.begun


async def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    """Where the host has no address, nothing was sent."""
    account = volcv.Account("https://no-such-host.invalid/volcv/v1", volcv.Bearer("key"))
    with pytest.raises(volcv.NotSentError, match=r"no-such-host\.invalid"):
        await post(account)


async def test_a_connection_that_takes_too_long_is_not_sent() -> None:
    """Where TLS is never answered, the connect timeout ends it, and nothing was sent."""
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = volcv.Account(f"https://127.0.0.1:{port}/volcv/v1", volcv.Bearer("key"))
    with pytest.raises(volcv.NotSentError):
        await post(account, Timeouts(connect=0.2, attempt=10.0))
    await gone.wait()
    server.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it knows other kinds of context, too
    return context


async def test_a_certificate_of_an_unknown_authority_is_not_sent(tls: ssl.SSLContext) -> None:
    """Where TLS cannot be trusted, nothing was sent."""
    async with raw_server(saying(b""), tls) as server:
        with pytest.raises(volcv.NotSentError, match=r"(?i)certificate"):
            await post(server.account())
        assert server.requests == []


async def test_plain_text_on_a_tls_port_is_not_sent() -> None:
    """Where the other end speaks no TLS, nothing was sent."""
    async with raw_server(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(volcv.NotSentError):
            await post(volcv.Account(url, volcv.Bearer("key")))


async def test_a_trusted_certificate_is_answered(
    tls: ssl.SSLContext, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over TLS that is trusted, a call is answered like any other."""
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(file)
    program = (
        "import asyncio, sys, volcv_async as v\n"
        "from volcv_async.sending import Sending\n"
        "from volcv_async.transport import Transport\n"
        "async def main():\n"
        "    t = Transport(v.Account(sys.argv[1], v.Bearer('key')))\n"
        "    print((await t.post(b'{}', Sending(), timeouts=v.Timeouts())).status)\n"
        "    await t.close()\n"
        "asyncio.run(main())\n"
    )
    async with raw_server(saying(b"HTTP/1.1 204 No Content\r\n\r\n"), tls) as server:
        process = await asyncio.create_subprocess_exec(
            "env",
            f"SSL_CERT_FILE={file}",
            __import__("sys").executable,
            "-c",
            program,
            server.url,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    assert out == b"204\n"


IN_DOUBT = {
    "closed without a word": saying(b""),
    "reset": saying(b"", then_reset=True),
    "half a head": saying(b"HTTP/1.1 200 OK\r\nContent-"),
    "no HTTP": saying(b"what?\r\n\r\n"),
    "body cut off": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}"),
    "two lengths": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "bad chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "chunk cut off": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{}"),
    "bad gzip": saying(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
    ),
    "a long header": saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
    "500 broke off": saying(b"HTTP/1.1 500 Oops\r\nContent-Length: 50\r\n\r\n{}"),
    "400 broke off": saying(b"HTTP/1.1 400 Oops\r\nContent-Length: 50\r\n\r\n{}"),
}


@pytest.mark.parametrize("how", IN_DOUBT)
async def test_what_breaks_after_the_request_went_out_is_in_doubt(how: str) -> None:
    """Once the request is on its way, no whole reply means in doubt, whatever the exception."""
    sending = Sending()
    async with raw_server(IN_DOUBT[how]) as server:
        with pytest.raises(volcv.UnknownOutcomeError) as caught:
            await post(server.account(), sending=sending)
    assert sending.begun
    assert len(server.requests) == 1
    assert caught.value.__context__ is None


async def test_silence_ends_with_the_attempt_in_doubt() -> None:
    """A call that is never answered ends with its timeout, in doubt, and the cure is said."""
    async with raw_server(lambda reader, _writer: reader.read()) as server:  # type: ignore[arg-type, return-value] # pyright: ignore[reportArgumentType] - it reads for ever
        with pytest.raises(volcv.UnknownOutcomeError, match=r"Timeouts\(attempt="):
            await post(server.account(), Timeouts(attempt=0.2))


async def test_a_slow_drip_ends_with_the_attempt() -> None:
    """Bytes that keep trickling in do not stretch the timeout of an attempt."""
    over = asyncio.Event()

    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n")
        while not over.is_set():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with raw_server(drip) as server:
        with pytest.raises(volcv.UnknownOutcomeError):
            await post(server.account(), Timeouts(attempt=0.3))
        over.set()


async def probe(account: volcv.Account) -> bool:
    transport = Transport(account)
    try:
        return await transport.probe(seconds=0.5)
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("status", "answered"), [(200, True), (404, True), (307, True), (500, False), (502, False)]
)
async def test_a_probe_is_a_plain_get_without_the_key(status: int, answered: bool) -> None:
    """It asks for nothing, follows nothing, and is answered by anything below HTTP 500."""
    head = f"HTTP/1.1 {status} So\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(saying(head.encode())) as server:
        assert await probe(server.account()) is answered
    (request,) = server.requests
    assert request.startswith(b"GET /volcv/v1 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert b"authorization" not in request.lower()


async def test_a_probe_that_meets_nobody_is_not_answered(unused_tcp_port: int) -> None:
    """Refused, hung up on, or met with silence: there is no answer, and no error."""
    nobody = f"http://127.0.0.1:{unused_tcp_port}/volcv/v1"
    assert not await probe(volcv.Account(nobody, volcv.Bearer("key")))
    async with raw_server(saying(b"")) as server:
        assert not await probe(server.account())
    async with raw_server(lambda reader, _writer: reader.read()) as server:  # type: ignore[arg-type, return-value] # pyright: ignore[reportArgumentType] - it reads for ever
        assert not await probe(server.account())


@pytest.mark.parametrize("status", [401, 403, 404, 429])
async def test_a_refusal_stands_even_if_its_body_breaks(status: int) -> None:
    """A head that refuses is a refusal though the body behind it breaks off."""
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 50\r\n\r\n{{".encode()
    async with raw_server(saying(head)) as server:
        got = await post(server.account())
    assert (got.status, got.body) == (status, b"")


async def test_a_redirect_is_not_followed() -> None:
    """A 307 comes back as it is: the prompt, and the key, go nowhere else."""
    redirect = b"HTTP/1.1 307 Go\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(saying(redirect)) as server:
        got = await post(server.account())
    assert (got.status, got.headers) == (307, {"location": "http://localhost:1/"})


async def test_a_reply_without_end_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small compressed reply that unpacks to more than the cap is cut off, in doubt."""
    monkeypatch.setattr(transport_room, "MOST_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(10_000_000))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"
    async with raw_server(saying(head.encode() + bomb)) as server:
        with pytest.raises(volcv.UnknownOutcomeError, match="longer than 1000000 bytes"):
            await post(server.account())


async def test_a_reply_that_repeats_the_key_is_stripped_of_it() -> None:
    """A key that the other end repeats is taken out before anybody sees it."""

    async def echo(_received: Received) -> Canned:
        return Canned(status=401, body=b'{"error":{"message":"no key sk-secret-1"}}')

    async with LocalGateway(key="sk-secret-1", answer=echo) as gateway:
        async with volcv.Client(gateway.account()) as client:
            with pytest.raises(volcv.AuthenticationError, match=r"no key \*\*\*"):
                await client.generate(volcv.GeneralV21(prompt="a cat"))


async def test_an_image_is_fetched_without_the_key_exactly_as_its_url_is_written() -> None:
    """A download is a plain GET of the very URL, and carries no key."""
    async with raw_server(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")) as server:
        url = server.url.replace("/volcv/v1", "/i.image?x-expires=1&x-signature=a%2Bb%2Fc%3D")
        assert await download(url) == b"abc"
    assert server.requests[0].startswith(b"GET /i.image?x-expires=1&x-signature=a%2Bb%2Fc%3D HTTP")
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("says", "repeatable"),
    [
        (b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", True),
    ],
)
async def test_a_download_that_fails_says_whether_to_try_again(
    says: bytes, repeatable: bool
) -> None:
    """What was refused for good is told from what may work later."""
    async with raw_server(saying(says)) as server:
        with pytest.raises(volcv.DownloadError) as caught:
            await download(server.url)
    assert caught.value.url == server.url
    assert caught.value.repeatable is repeatable
    assert caught.value.billed == "yes"


async def test_a_download_of_nonsense_is_an_error_of_ours() -> None:
    """A URL that cannot be one is a failed download, nothing else."""
    with pytest.raises(volcv.DownloadError):
        await download("nonsense")


async def test_a_closed_session_sends_nothing(gateway: LocalGateway) -> None:
    """After its client was left, a session says so instead of raising something of its own."""
    transport = Transport(gateway.account())
    await transport.close()
    with pytest.raises(volcv.NotSentError, match="was left"):
        await transport.post(b"{}", Sending(), timeouts=QUICK)
    with pytest.raises(volcv.DownloadError, match="was left"):
        await transport.download(gateway.url, timeouts=QUICK)


def test_a_body_can_be_shown() -> None:
    """The body of a paid call can be looked at as text, as aiohttp's own can."""
    assert transport_room._Paid(b"{}", Sending()).decode() == "{}"


async def test_a_redirected_download_keeps_its_signature() -> None:
    """The target of a redirect is asked for byte for byte, as its signature demands."""
    query = "x-signature=a%2Fb%2Bc%3D&x=%7E"
    head = f"HTTP/1.1 302 Go\r\nLocation: /moved?{query}\r\nContent-Length: 0\r\n\r\n"
    async with raw_server(saying(head.encode())) as server:
        with pytest.raises(volcv.DownloadError):
            await download(server.url)
    assert server.requests[1].startswith(f"GET /moved?{query} HTTP".encode())
