"""The card that a run leaves: what it says, and that it is there however the run ends."""

from __future__ import annotations

import asyncio
import json
import math
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

import volcv_async
from volcv_async.client import Client
from volcv_async.config import Limits
from volcv_async.errors import ConfigurationError
from volcv_async.gateway import LocalGateway, Received, service_error
from volcv_async.gateway.answers import Reply
from volcv_async.job import run
from volcv_async.models import GeneralV21
from volcv_async.results import Outcome

COMMAND = Path(__file__).parents[2] / "docs" / "reference" / "command.md"
LIMITS = Limits(concurrency=2, adaptive=False)


def requests(*prompts: str) -> Iterator[GeneralV21]:
    for prompt in prompts:
        yield GeneralV21(prompt=prompt, width=256, height=256, use_sr=False)


def read_card(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "run.json").read_bytes()))


async def test_a_run_leaves_what_it_was_asked_for_and_what_it_came_to(tmp_path: Path) -> None:
    """The card has the arguments, the times, the figures of the report, and the versions."""

    async def refuse_one(received: Received) -> Reply | None:
        return service_error(50412) if received.prompt == "bad" else None

    out = tmp_path / "out"
    async with (
        LocalGateway(latency=0.0, answer=refuse_one) as gateway,
        Client(gateway.account(limits=LIMITS)) as client,
    ):
        words = {"command": "volcv run 千军.txt"}
        report = await run(client, requests("a", "b", "bad"), out=out, drain=5, arguments=words)
        key = gateway.account().credentials
    card = read_card(out)
    assert list(card) == [
        "ended",
        "began",
        "finished",
        "arguments",
        "figures",
        "limited_by",
        "slots",
        "versions",
    ]
    assert card["ended"] == "done"
    assert datetime.fromisoformat(card["began"]) < datetime.fromisoformat(card["finished"])
    assert card["arguments"]["drain"] == 5
    assert card["arguments"]["command"] == "volcv run 千军.txt"
    figures = card["figures"]
    assert (figures["completed"], figures["failed"], figures["paid"]) == (2, 1, report.paid)
    assert figures["reasons"] == list(report.reasons)
    assert card["slots"] == [[0.0, 2]]
    assert card["versions"]["volcv-async"] == volcv_async.__version__
    assert card["versions"]["python"] == platform.python_version()
    assert getattr(key, "key", "local-key") not in (out / "run.json").read_text(encoding="utf-8")


async def test_an_interrupted_run_leaves_its_card_too(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """It says what ended the run, and counts what was made until then."""
    first = asyncio.Event()

    def endless() -> Iterator[GeneralV21]:
        while True:
            yield from requests("a")

    def note(_: Outcome) -> None:
        first.set()

    async with Client(gateway.account(limits=LIMITS)) as client:
        job = asyncio.create_task(run(client, endless(), out=tmp_path / "out", on_outcome=note))
        await first.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    card = read_card(tmp_path / "out")
    assert card["ended"] == "interrupted"
    assert card["figures"]["completed"] >= 1


async def test_a_run_in_a_scope_that_is_cancelled_leaves_its_card(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Under ``anyio.move_on_after`` and the like it is as with a task that is cancelled."""
    async with Client(gateway.account(limits=LIMITS)) as client:
        with anyio.CancelScope() as scope:

            def stop(_: Outcome) -> None:
                scope.cancel()

            await run(client, requests(*"abcdefgh"), out=tmp_path, on_outcome=stop)
    assert scope.cancelled_caught
    assert read_card(tmp_path)["ended"] == "interrupted"


async def test_a_card_that_cannot_be_written_hides_no_other_error(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """What ended the run is raised; where nothing did, the card's own failure is."""
    (tmp_path / "out" / "run.json" / "in the way").mkdir(parents=True)

    def broken() -> Iterator[GeneralV21]:
        yield from requests("a")
        raise LookupError

    async with Client(gateway.account(limits=LIMITS)) as client:
        with pytest.raises(LookupError):
            await run(client, broken(), out=tmp_path / "out")
        with pytest.raises(LookupError):
            await run(client, broken(), out=tmp_path / "other")
        with pytest.raises(IsADirectoryError, match=r"run\.json"):
            await run(client, requests("a"), out=tmp_path / "out")
    assert len(list((tmp_path / "out" / "images").iterdir())) == 1
    assert read_card(tmp_path / "other")["ended"] == "LookupError"


CIRCLE: dict[str, Any] = {}
CIRCLE["within"] = CIRCLE


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime is not JSON"),
        (math.nan, "not JSON compliant"),
        (CIRCLE, "Circular"),
    ],
    ids=["no JSON", "no number", "circle"],
)
async def test_what_a_card_cannot_say_is_refused_before_anything_is_sent(
    gateway: LocalGateway, tmp_path: Path, said: object, why: str
) -> None:
    """Arguments that are no JSON cost nothing, and no folder is made."""
    async with Client(gateway.account(limits=LIMITS)) as client:
        with pytest.raises(ConfigurationError, match=rf"run\.json cannot say.*{why}"):
            await run(client, requests("a"), out=tmp_path / "out", arguments={"said": said})
    assert gateway.requests == []
    assert not (tmp_path / "out").exists()


async def test_what_has_no_end_is_null_in_the_card(gateway: LocalGateway, tmp_path: Path) -> None:
    """JSON has no infinity, and other programs would not read it."""
    async with Client(gateway.account(limits=LIMITS)) as client:
        await run(client, requests("a"), out=tmp_path, drain=math.inf, give_up=math.inf)
    asked = read_card(tmp_path)["arguments"]
    assert (asked["drain"], asked["give_up"]) == (None, None)


async def test_the_reference_has_every_field_of_a_card(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """What ``run.json`` has is described with the command, in that order."""
    async with Client(gateway.account(limits=LIMITS)) as client:
        await run(client, requests("a"), out=tmp_path)
    text = COMMAND.read_text(encoding="utf-8").partition("`run.json` is one object")[2]
    table = text.partition("A row of")[0]
    cells = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    described = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    assert described == list(read_card(tmp_path))
