"""The story of a run: drawings of what the journal and the card hold, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from volcv_async.client import Client
from volcv_async.gateway import Drop, LocalGateway, Received, Reply
from volcv_async.gateway.answers import service_error
from volcv_async.job import run
from volcv_async.job.drawings import time_span
from volcv_async.job.records import Records
from volcv_async.job.story import tell
from volcv_async.models import GeneralV21

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def journal_of(folder: Path, *left: float) -> Path:
    """Make a journal of calls that gave an image and left at these seconds."""
    with Records(folder) as records:
        for number, seconds in enumerate(left):
            entry = records.enrol(bytes([number]) * 16, "GeneralV21", str)
            records.sending(
                entry.number,
                attempts=1,
                sent=BEGAN + timedelta(seconds=seconds),
                account="here",
                request="{}",
            )
            records.done(entry.number, [{"file_name": f"images/{number:06d}.png"}])
    return folder


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 - we have just drawn it


def parts(drawing: str, kind: str) -> list[ET.Element]:
    return [one for one in parsed(drawing).iter() if one.get("class") == kind]


def words(drawings: list[str]) -> Iterator[tuple[str | None, str | None]]:
    for drawing in drawings:
        svg = parsed(drawing)
        yield svg.findtext("title"), svg.findtext("desc")


async def test_a_run_is_told_in_drawings_that_can_be_read_aloud(tmp_path: Path) -> None:
    """Each is well-formed, with a title and a sentence that says its figures."""

    async def answer(received: Received) -> Reply | None:
        if received.prompt == "1":
            return service_error(50411)
        return Drop() if received.prompt == "2" else None

    requests = [GeneralV21(prompt=str(number)) for number in range(8)]
    async with (
        LocalGateway(latency=0.0, answer=answer) as gateway,
        Client(gateway.account()) as client,
    ):
        await run(client, requests, out=tmp_path)
    told = dict(words(tell(tmp_path)))
    assert list(told) == [
        "Images a second",
        "What the last run waited for",
        "Requests without an image, by cause",
    ]
    assert "6 calls gave an image" in (told["Images a second"] or "")
    assert "2 attempts gave none" in (told["Images a second"] or "")
    assert "ContentRejectedError 50411: 1" in (told["Requests without an image, by cause"] or "")


def test_what_the_last_run_waited_for_is_told_by_its_card(tmp_path: Path) -> None:
    """Waiting for a turn stands against waiting for the provider; what took no time is left out."""
    waited = {"rate": 120.0, "latency": 30.0, "disk": 0.001, "<new>": 1.0}
    (tmp_path / "run.json").write_text(json.dumps({"figures": {"waited": waited}}))
    (drawing,) = tell(journal_of(tmp_path))
    assert [one.get("width") for one in parts(drawing, "bar")] == ["280.0", "70.0", "2.3"]
    ((title, about),) = words([drawing])
    assert title == "What the last run waited for"
    assert "waited 2.02 min for a turn" in (about or "")
    assert "30 s with all sent" in (about or "")


def test_a_pause_is_cut_out_and_marked(tmp_path: Path) -> None:
    """A night between two evenings takes a narrow band that says how long it was."""
    evenings = [*range(60), *range(40_000, 40_060)]
    (drawing,) = tell(journal_of(tmp_path, *evenings))
    (gap,) = parts(drawing, "gap")
    assert gap.findtext("title") == "Nothing left for 11.1 h."
    assert float(gap.get("width") or 0) < 25
    bars = [float(bar.get("x") or 0) for bar in parts(drawing, "bar")]
    assert len(bars) == 20
    ((_, about),) = words([drawing])
    assert "1 pause of" in (about or "")


def test_one_call_is_a_story_too(tmp_path: Path) -> None:
    """No span of time is too short to be drawn."""
    (drawing,) = tell(journal_of(tmp_path, 0.0))
    assert len(parts(drawing, "bar")) == 1
    assert not parts(drawing, "bad")


def test_what_was_refused_first_is_marked(tmp_path: Path) -> None:
    """Attempts that gave nothing stand on those that gave an image, and are explained."""
    with Records(tmp_path) as records:
        entry = records.enrol(b"a" * 16, "GeneralV21", str)
        records.sending(entry.number, attempts=4, sent=BEGAN, account="here", request="{}")
        records.done(entry.number, [])
        records.enrol(b"not sent yet, so not told of", "GeneralV21", str)
    (drawing,) = tell(tmp_path)
    column, explained = sorted(parts(drawing, "bad"), key=lambda one: one.tag)
    assert column.tag == "rect"
    assert explained.text == "attempts refused or without an image"


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    """A cause with many words leaves room for its bar."""
    long = "a cause that nobody has foreseen and that has many words"
    (tmp_path / "run.json").write_text(json.dumps({"figures": {"waited": {long: 1.0}}}))
    (drawing,) = tell(journal_of(tmp_path))
    assert "a cause that nobody has for…" in drawing


NO_CARDS = [
    *("", "{", "{}", "[]", "null", "[" * 100_000),
    *('{"figures": null}', '{"figures": {"waited": []}}', '{"figures": {"waited": {"rate": "?"}}}'),
]


@pytest.mark.parametrize("card", NO_CARDS, ids=range(len(NO_CARDS)))
def test_what_is_not_known_is_not_drawn(tmp_path: Path, card: str) -> None:
    """Without a journal, calls, or a card that says something, there is nothing to tell."""
    assert tell(tmp_path) == []
    (tmp_path / "run.json").write_text(card)
    assert tell(journal_of(tmp_path)) == []


def test_looking_back_leaves_nothing_behind(tmp_path: Path) -> None:
    """The folder is as it was, though its journal was read."""
    before = {path.name for path in journal_of(tmp_path, 0.0, 1.0).iterdir()}
    assert tell(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("seconds", "said"), [(1.5, "1.5 s"), (150, "2.5 min"), (9000, "2.5 h"), (864_000, "10 d")]
)
def test_a_span_of_time_is_said_in_its_unit(seconds: float, said: str) -> None:
    """Nobody reads 864000 seconds."""
    assert time_span(seconds) == said
