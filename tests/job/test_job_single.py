"""One request to one file."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest
from disk_of_tests import files_no_larger_than

from volcv_async.client import Client
from volcv_async.config import Limits
from volcv_async.errors import AuthenticationError, ConfigurationError
from volcv_async.gateway import Canned, LocalGateway, Received, service_error
from volcv_async.gateway.answers import gateway_error
from volcv_async.job import Kept, keep_one, refuse_taken
from volcv_async.models import GeneralV21
from volcv_async.results import Completed, Failed, Outcome

REQUEST = GeneralV21(prompt="a red fox", width=256, height=256, use_sr=False)
LIMITS = Limits(concurrency=1, adaptive=False)


def saved(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class Told:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.kept: list[Kept] = []

    def __call__(self, outcome: Outcome, kept: list[Kept]) -> None:
        self.outcomes.append(outcome)
        self.kept += kept


async def test_an_image_is_saved_under_its_name(gateway: LocalGateway, tmp_path: Path) -> None:
    """The folder is made, the suffix is added, and the file is told of."""
    told = Told()
    async with Client(gateway.account(limits=LIMITS)) as client:
        await keep_one(client, REQUEST, tmp_path / "new" / "fox", on_kept=told)
    (outcome,) = told.outcomes
    assert isinstance(outcome, Completed)
    (kept,) = told.kept
    assert kept.path == tmp_path / "new" / "fox.png"
    assert kept.path.read_bytes() == outcome.generation.image.data
    assert kept.request_id == outcome.generation.request_id


async def test_a_refusal_is_told_and_saves_nothing(tmp_path: Path) -> None:
    """A failed request is an outcome here as in a stream."""

    async def refuse(_: Received) -> Canned:
        return service_error(50412)

    told = Told()
    async with (
        LocalGateway(latency=0.0, answer=refuse) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        await keep_one(client, REQUEST, tmp_path / "fox", on_kept=told)
    assert isinstance(told.outcomes[0], Failed)
    assert not told.kept
    assert not saved(tmp_path)


async def test_a_cancelled_request_is_awaited_and_saved(tmp_path: Path) -> None:
    """What is paid for is on the disk before the cancellation goes on."""
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def hold(_: Received) -> None:
        arrived.set()
        await let_go.wait()

    told = Told()
    async with (
        LocalGateway(latency=0.0, answer=hold) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        one = asyncio.create_task(keep_one(client, REQUEST, tmp_path / "fox", on_kept=told))
        await arrived.wait()
        one.cancel()
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await one
    assert (tmp_path / "fox.png").exists()
    assert isinstance(told.outcomes[0], Completed)


async def test_what_cannot_be_written_is_not_bought(gateway: LocalGateway, tmp_path: Path) -> None:
    """A name that the system does not take, or a folder that is none, is found out before."""
    (tmp_path / "file").write_bytes(b"")
    told = Told()
    async with Client(gateway.account(limits=LIMITS)) as client:
        for path in (tmp_path / ("a" * 249), tmp_path / "file" / "fox"):
            with pytest.raises(OSError, match=r"too long|File exists") as caught:
                await keep_one(client, REQUEST, path, on_kept=told)
            assert caught.value.__notes__ == ["Nothing was sent."]
    assert gateway.paid == 0
    assert saved(tmp_path) == [tmp_path / "file"]


async def test_a_picture_that_is_on_no_disk_can_be_asked_for(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """The error says that it was billed, under which id, and where it stands, if it does."""
    elsewhere = attrs.evolve(REQUEST, return_url=True)
    async with Client(gateway.account(limits=LIMITS)) as client:
        for one in (REQUEST, elsewhere):
            with (
                files_no_larger_than(100),
                pytest.raises(OSError, match="File too large") as caught,
            ):
                await keep_one(client, one, tmp_path / "fox", on_kept=Told())
            (note,) = caught.value.__notes__
            request_id = gateway.requests[-1].request_id
            assert note.startswith(f"The image was made and billed: request id {request_id}")
            assert (", at http" in note) is (one is elsewhere)
    assert not saved(tmp_path)


async def test_a_broken_picture_that_is_on_no_disk_has_an_id(tmp_path: Path) -> None:
    """What is no whole picture was billed as well."""

    async def broken(_: Received) -> Canned:
        data = {"binary_data_base64": ["AAAA" * 100]}
        return service_error(10000, http_status=200, data=data, request_id="the-id")

    async with (
        LocalGateway(latency=0.0, answer=broken) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        with (
            files_no_larger_than(100),
            pytest.raises(OSError, match="File too large") as caught,
        ):
            await keep_one(client, REQUEST, tmp_path / "fox", on_kept=Told())
    assert caught.value.__notes__ == ["The image was made and billed: request id the-id."]


async def test_a_refused_key_is_raised(tmp_path: Path) -> None:
    """It is no outcome, for no other request can do better."""

    async def refuse(_: Received) -> Canned:
        return gateway_error(401, "Invalid token", code="", request_id="r")

    told = Told()
    async with (
        LocalGateway(latency=0.0, answer=refuse) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        with pytest.raises(AuthenticationError):
            await keep_one(client, REQUEST, tmp_path / "fox", on_kept=told)
    assert not told.outcomes


@pytest.mark.parametrize("name", ["fox", "fox.png", "fox.webp", "fox.JPEG"])
def test_a_name_that_a_picture_has_is_refused(tmp_path: Path, name: str) -> None:
    """Whatever suffix the new image would get, no paid image is written over."""
    (tmp_path / "fox.jpg").write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"fox\.jpg is there already"):
        refuse_taken(tmp_path / name)


@pytest.mark.parametrize("name", ["", ".", "..", "/", "folder/.."])
def test_what_is_no_name_is_refused(name: str) -> None:
    """A folder's own signs name no picture in it."""
    with pytest.raises(ConfigurationError, match="is no name for a picture"):
        refuse_taken(Path(name))


def test_a_free_name_is_let_through(tmp_path: Path) -> None:
    """A folder or a text of the same name is no picture."""
    (tmp_path / "fox").mkdir()
    (tmp_path / "fox.txt").write_bytes(b"")
    refuse_taken(tmp_path / "fox")
