"""The wire: one paid POST, one plain download, one free probe. The only user of aiohttp's client.

It says whether a request that failed was *not sent* or is *in doubt*, and decides nothing. What
tells the two apart is whether the request had begun to be written, never the class of the exception
or the status in it: aiohttp raises the same ones for both, and 400 for a broken reply to a request
that was processed.

A paid POST goes on a connection of its own: a kept-alive one may be dead without anybody knowing,
or hold a reply that belongs to nobody. Redirects are not followed, cookies not kept, compression
not asked for, and a body is read up to a cap.
"""

from __future__ import annotations

import math
import time

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from volcv_async import allocator
from volcv_async.codes import REFUSED_BY_STATUS
from volcv_async.config import Account, Timeouts
from volcv_async.config.accounts import QUERY
from volcv_async.errors import DownloadError, NotSentError, UnknownOutcomeError, VolcvError
from volcv_async.reply import Reply
from volcv_async.sending import Sending

MOST_BYTES = 64 * 1024 * 1024
"""The longest reply and the largest image that are read, in bytes."""

_HOPELESS = (ValueError, aiohttp.NonHttpUrlClientError)  # no URL, or too long a body
_HEADERS_KEPT = ("content-type", "retry-after", "location")


class _Paid(aiohttp.Payload):
    """The body of a paid call, which notes when it begins to be written."""

    def __init__(self, body: bytes, sending: Sending) -> None:
        super().__init__(body, content_type="application/json")
        self._body, self._size = body, len(body)
        self._sending = sending

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._body.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        self._sending.begin()
        await writer.write(self._body)


class Transport:
    """The connections to one account's endpoint. Make it in a running loop; close it there.

    Two sessions stand on them, since what is free, probes and downloads, goes without the key.
    """

    def __init__(self, account: Account, *, reuse_connections: bool = False) -> None:
        allocator.warm_up()
        self._account = account
        self._url = URL(account.url).with_query(QUERY)
        self._connector = aiohttp.TCPConnector(force_close=not reuse_connections, limit=0)
        self._paid = self._session({"Authorization": account.credentials.authorization()})
        self._free = self._session({})

    def _session(self, headers: dict[str, str]) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            requote_redirect_url=False,
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity", "Accept": "application/json", **headers},
        )

    @property
    def url(self) -> str:
        """Where it sends to, without the query."""
        return self._account.url

    def redact(self, text: str) -> str:
        """Take the account's key out of what the other end said."""
        return self._account.credentials.redact(text)

    async def close(self) -> None:
        """Close all connections."""
        await self._paid.close()
        await self._free.close()
        await self._connector.close()

    async def post(
        self, body: bytes, sending: Sending, *, timeouts: Timeouts, seconds: float = math.inf
    ) -> Reply:
        """Send one paid call and read its reply, within what ``timeouts`` and ``seconds`` allow.

        Raises:
            NotSentError: No byte of the request left this machine.
            UnknownOutcomeError: It began to leave, and no whole reply came back.
        """
        if self._paid.closed:
            raise _not_sent("the client was left", self._account.url)
        total = min(timeouts.attempt, seconds)
        limits = aiohttp.ClientTimeout(total=total, connect=timeouts.connect)
        try:
            async with self._paid.post(
                self._url,
                data=_Paid(body, sending),
                allow_redirects=False,
                proxy=self._account.proxy,
                timeout=limits,
            ) as response:
                said, status = response.headers, response.status
                headers = {name: said[name] for name in _HEADERS_KEPT if name in said}
                read = _read(response) if status not in REFUSED_BY_STATUS else _if_whole(response)
                return Reply(status, headers, await read, time.time())
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            problem = self.redact(_said(failure, limits))
        # Raised out here, so that aiohttp's exception, with the request in it, is no context.
        if sending.begun:
            raise _in_doubt(problem)
        raise _not_sent(problem, self._account.url)

    async def probe(self, *, seconds: float = Timeouts().connect) -> bool:
        """Tell whether anything below HTTP 500 answers at the endpoint: a plain GET, without key.

        It carries no order, so it costs nothing (inferred). It waits ``seconds`` at the most.
        """
        try:
            async with self._free.get(
                URL(self._account.url),
                allow_redirects=False,
                proxy=self._account.proxy,
                timeout=aiohttp.ClientTimeout(total=seconds),
            ) as response:
                return response.status < 500  # noqa: PLR2004 - an HTTP status says more than a name
        except (aiohttp.ClientError, OSError, ValueError):
            return False

    async def download(self, url: str, *, timeouts: Timeouts) -> bytes:
        """Fetch an image: a plain GET, without the key, exactly as the URL is written.

        Raises:
            DownloadError: It could not be fetched; ``repeatable`` says whether trying again may
                help.
        """
        if self._free.closed:
            raise _not_downloaded(url, "the client was left", hopeless=True)
        limits = aiohttp.ClientTimeout(total=timeouts.attempt, connect=timeouts.connect)
        status: int | None = None
        hopeless = False
        try:
            async with self._free.get(
                URL(url, encoded=True),
                headers={"Accept": "*/*"},
                proxy=self._account.proxy,
                timeout=limits,
            ) as response:
                status = response.status
                if status == 200:  # noqa: PLR2004 - an HTTP status says more than a name for it
                    return await _read(response)
                said, hopeless = f"HTTP {status}", status < 500 and status != 429  # noqa: PLR2004
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            said, hopeless = _said(failure, limits), isinstance(failure, _HOPELESS)
        raise _not_downloaded(url, said, status, hopeless=hopeless)


async def _if_whole(response: aiohttp.ClientResponse) -> bytes:
    """Read the body of a refusal; one that breaks off is a refusal all the same."""
    try:
        return await _read(response)
    except (aiohttp.ClientError, OSError, ValueError):
        return b""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read a body up to a cap; joining a single part copies nothing."""
    parts: list[bytes] = []
    size = 0
    while True:
        part = await response.content.readany()
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise ValueError(f"the reply is longer than {MOST_BYTES} bytes")
        if response.content.at_eof():
            return b"".join(parts)


def _said(failure: Exception, limits: aiohttp.ClientTimeout) -> str:
    """Put a foreign exception into words, without the request that it may hold."""
    match failure:
        case aiohttp.ClientConnectorDNSError():
            said = f"the name {failure.host} does not resolve"
        case aiohttp.ClientConnectorCertificateError():
            said = f"the certificate of {failure.host} is not trusted ({failure.certificate_error})"
        case aiohttp.ClientConnectorError():
            said = f"no connection to {failure.host} ({failure.os_error})"
        case aiohttp.ConnectionTimeoutError():
            said = f"no connection within {limits.connect:g} s"
        case TimeoutError():
            said = f"not over within {limits.total:g} s; see Timeouts(attempt=...)"
        case aiohttp.ServerDisconnectedError():
            said = "the other end closed the connection"
        case aiohttp.ClientResponseError():
            said = f"{type(failure).__name__}, {failure.message}"
        case _:
            said = f"{type(failure).__name__}, {failure}"
    return said


def _not_sent(said: str, url: str) -> VolcvError:
    return NotSentError(
        f"Nothing was sent to {url}: {said}.",
        help="Check the URL, the network and the proxy; nothing was billed.",
    )


def _in_doubt(said: str) -> VolcvError:
    return UnknownOutcomeError(
        f"The request went out and no whole reply came back: {said}.",
        help="The image may have been made and billed, so it is not sent again unasked.",
    )


def _not_downloaded(
    url: str, said: str, status: int | None = None, *, hopeless: bool
) -> DownloadError:
    error = DownloadError(
        f"The image is paid for and could not be fetched: {said}.",
        help="Fetch it from the error's `url` before it expires.",
        http_status=status,
    )
    error.url = url
    error.repeatable = not hopeless
    return error
