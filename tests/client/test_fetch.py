"""Images that stand at a URL: fetched with patience, within a call and long after it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from provider import FAST, always, cat
from raw_server import raw_server

import volcv_async as volcv
from volcv_async.gateway import Canned, LocalGateway

FAR = timedelta(hours=1)


def linked(url: str) -> Canned:
    body = f'{{"code":10000,"data":{{"image_urls":["{url}"]}},"request_id":"r-1"}}'
    return Canned(body=body.encode(), paid=True)


async def left_at_its_url(gateway: LocalGateway) -> volcv.Image:
    async with volcv.Client(gateway.account(), download=False) as client:
        return (await client.generate(volcv.GeneralV21(prompt="a cat", return_url=True))).image


async def left_there_and_fetched(gateway: LocalGateway) -> volcv.Image:
    image = await left_at_its_url(gateway)
    async with volcv.Client(gateway.account()) as client:
        return await client.download(image)


async def test_an_image_is_fetched_by_a_later_run(gateway: LocalGateway) -> None:
    """What stands at a URL ends as it would have within its call; it is not paid again."""
    image = await left_at_its_url(gateway)
    async with volcv.Client(gateway.account()) as client:
        fetched = await client.download(image)
        assert fetched.data is not None
        assert (fetched.url, fetched.expires) == (image.url, image.expires)
        assert (fetched.media_type, fetched.width) == ("image/png", 1024)
        assert await client.download(fetched) is fetched
        assert client.statistics().attempts == 0
    assert gateway.paid == 1


async def test_what_is_paid_for_is_worth_a_try_however_late(gateway: LocalGateway) -> None:
    """An image whose time is all but over is fetched at least once."""
    image = await left_at_its_url(gateway)
    over = datetime.now(UTC) + timedelta(microseconds=200)
    async with volcv.Client(gateway.account()) as client:
        assert (await client.download(volcv.Image(url=image.url, expires=over))).data is not None


async def test_what_stands_nowhere_cannot_be_fetched(gateway: LocalGateway) -> None:
    """An image without bytes and URL is refused in words."""
    async with volcv.Client(gateway.account()) as client:
        with pytest.raises(volcv.DownloadError, match="nowhere"):
            await client.download(volcv.Image())
    with pytest.raises(volcv.ConfigurationError, match="not entered"):
        await client.download(volcv.Image())


async def test_what_is_gone_is_said_with_where_it_stood(gateway: LocalGateway) -> None:
    """A download that cannot work is tried once; the paid image's URL is in the error."""
    gone = gateway.url.replace("/volcv/v1", "/nothing-here")
    expires = datetime.now(UTC) + FAR
    async with volcv.Client(gateway.account()) as client:
        with pytest.raises(volcv.DownloadError) as caught:
            await client.download(volcv.Image(url=gone, expires=expires))
    error = caught.value
    assert (error.url, error.expires, error.billed) == (gone, expires, "yes")
    assert (error.http_status, error.generation, error.request_id) == (404, None, None)


async def test_what_is_no_picture_is_kept_in_the_error(gateway: LocalGateway) -> None:
    """What comes in the place of a picture is given in ``data``."""
    ledger = gateway.url.replace("/volcv/v1", "/ledger")
    async with volcv.Client(gateway.account(), retry=FAST) as client:
        with pytest.raises(volcv.BrokenImageError) as caught:
            await client.download(volcv.Image(url=ledger))
    assert caught.value.data.startswith(b"{")


async def test_a_download_outlasts_a_server_that_is_away(gateway: LocalGateway) -> None:
    """However often it fails, and however, an image is fetched as soon as its server is back."""
    picture = (await left_there_and_fetched(gateway)).data
    assert picture is not None
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(picture)
    away = b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n"
    said = [away, b"", head + picture[:100], away, b"", away, away, head + picture]

    async def say_the_next(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said.pop(0))
        await writer.drain()

    async with raw_server(say_the_next) as images:
        async with volcv.Client(gateway.account(), retry=FAST) as client:
            fetched = await client.download(
                volcv.Image(url=images.url, expires=datetime.now(UTC) + FAR)
            )
    assert fetched.data == picture
    assert said == []


@pytest.mark.parametrize("lives", [1.0, None])
async def test_a_download_ends_with_its_url(lives: float | None, unused_tcp_port: int) -> None:
    """It is tried until the URL expires, or for as long as an attempt may take."""
    expires = None if lives is None else datetime.now(UTC) + timedelta(seconds=lives)
    nowhere = volcv.Image(url=f"http://127.0.0.1:{unused_tcp_port}/x", expires=expires)
    timeouts = volcv.Timeouts(attempt=120.0 if lives else 1.0)
    begun = time.monotonic()
    async with volcv.Client(
        volcv.Account("http://127.0.0.1:9/volcv/v1", volcv.Bearer("key")),
        retry=FAST,
        timeouts=timeouts,
    ) as client:
        with pytest.raises(volcv.DownloadError, match="no connection"):
            await client.download(nowhere)
    assert 0.8 < time.monotonic() - begun < 5


async def test_a_silent_server_does_not_hold_a_call_beyond_its_deadline() -> None:
    """A download that hangs ends at the deadline, and says that the image is paid for."""
    silent = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await silent.wait()

    async with raw_server(say_nothing) as images:
        async with LocalGateway(latency=0.0, answer=always(linked(images.url))) as gateway:
            timeouts = volcv.Timeouts(deadline=1.0)
            begun = time.monotonic()
            async with volcv.Client(gateway.account(), timeouts=timeouts) as client:
                with pytest.raises(volcv.DownloadError, match="not be fetched in time") as caught:
                    await client.generate(cat())
            assert time.monotonic() - begun < 2
    error = caught.value
    assert (error.url, error.billed, error.request_id) == (images.url, "yes", "r-1")


async def test_leaving_the_client_waits_for_a_download(gateway: LocalGateway) -> None:
    """A download under way is finished before the connections are closed."""
    image = await left_at_its_url(gateway)
    async with volcv.Client(gateway.account()) as client:
        fetching = asyncio.create_task(client.download(image))
        await asyncio.sleep(0)
    assert (await fetching).data is not None


async def test_an_image_that_keeps_others_waiting_is_warned_of_once(unused_tcp_port: int) -> None:
    """After as long as an attempt may take, somebody is told; and the trying goes on."""
    gone = f"http://127.0.0.1:{unused_tcp_port}/a.png"
    dies = datetime.now(UTC) + timedelta(seconds=1.5)
    image = volcv.Image(url=gone, expires=dies)
    brief = volcv.Timeouts(attempt=0.05)
    async with (
        LocalGateway(latency=0.0) as gateway,
        volcv.Client(gateway.account(), timeouts=brief, retry=FAST) as client,
    ):
        with pytest.warns(volcv.VolcvWarning, match="still not fetched") as warned:
            for one in (image, image):
                with pytest.raises(volcv.DownloadError):
                    await client.download(one)
    assert len(warned) == 1
