"""The story of a run: drawings of what the journal and the card hold, and of nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree as ET

import pytest

from volcv_async.client import Client
from volcv_async.gateway import Drop, LocalGateway, Received, Reply
from volcv_async.gateway.answers import service_error
from volcv_async.job import run
from volcv_async.job.drawings import time_span
from volcv_async.job.records import Records
from volcv_async.job.rows import Trip
from volcv_async.job.story import tell
from volcv_async.models import GeneralV21

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def journal_of(folder: Path, *left: float, took: float | None = None) -> Path:
    """Make a journal of calls that gave an image, left at these seconds, and took so many."""
    with Records(folder) as records:
        for number, seconds in enumerate(left):
            entry = records.enrol(number.to_bytes(16), "GeneralV21", str)
            sent = BEGAN + timedelta(seconds=seconds)
            records.sending(entry.number, attempts=1, sent=sent, account="here", request="{}")
            row = {"file_name": f"images/{number:06d}.png", **Trip(sent, took).fields()}
            records.done(entry.number, [row])
    return folder


def card_of(
    folder: Path, *, waited: Mapping[str, float] = MappingProxyType({}), slots: object = ()
) -> None:
    """Leave a card that says this, as a run that began with the journal does."""
    figures = {"waited": dict(waited)}
    told = {"began": BEGAN.isoformat(), "figures": figures, "slots": slots}
    (folder / "run.json").write_text(json.dumps(told))


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
        "Calls in flight",
        "Seconds to an image",
        "Waiting against generation, in the last run",
        "Requests without an image, by cause",
    ]
    assert "6 calls gave an image" in (told["Images a second"] or "")
    assert "2 attempts gave none" in (told["Images a second"] or "")
    assert "ContentRejectedError 50411: 1" in (told["Requests without an image, by cause"] or "")


def test_what_the_last_run_waited_for_is_told_by_its_card(tmp_path: Path) -> None:
    """Waiting for a turn stands against waiting for the provider; what took no time is left out."""
    waited = {"rate": 120.0, "latency": 30.0, "disk": 0.001, "<new>": 1.0}
    card_of(tmp_path, waited=waited)
    (drawing,) = tell(journal_of(tmp_path))
    assert [one.get("width") for one in parts(drawing, "bar")] == ["280.0", "2.3"]
    assert [one.get("width") for one in parts(drawing, "other")] == ["70.0"]
    ((title, about),) = words([drawing])
    assert title == "Waiting against generation, in the last run"
    assert "waited 2.02 min for a turn" in (about or "")
    assert "30 s with all sent" in (about or "")


def test_a_pause_is_cut_out_and_marked(tmp_path: Path) -> None:
    """A night between two evenings takes a narrow band that says how long it was."""
    evenings = [*range(60), *range(40_000, 40_060)]
    (drawing,) = tell(journal_of(tmp_path, *evenings))
    (gap,) = parts(drawing, "gap")
    assert gap.findtext("title") == "Nothing was under way for 11.1 h."
    assert float(gap.get("width") or 0) < 25
    bars = [float(bar.get("x") or 0) for bar in parts(drawing, "bar")]
    assert len(bars) == 20
    ((_, about),) = words([drawing])
    assert "1 pause is cut out." in (about or "")


def heights(drawing: str, kind: str = "bar") -> list[float]:
    """Give the heights of columns, as shares of the whole axis."""
    return [
        round(float(one.attrib["height"]) / 146, 2)
        for one in parts(drawing, kind)
        if one.get("height")
    ]


def test_calls_in_flight_are_drawn_against_their_limit(tmp_path: Path) -> None:
    """Each part has the mean of its time; the limit is a line of steps where it changed."""
    card_of(tmp_path, slots=[[0.0, 2], [4.0, 3], [60.0, 4]])
    _, drawing, _ = tell(journal_of(tmp_path, *(i / 2 for i in range(12)), took=1.0))
    assert heights(drawing) == [0.37, 0.37]  # 1.85 of 5
    (line,) = parts(drawing, "limit")[:1]
    assert line.get("d") == "M46.0 127.6H353.7V98.4H546.0V69.2H546.0"
    ((title, about),) = words([drawing])
    assert title == "Calls in flight"
    assert "the busiest 1.85. The limit of the last run was 2 to 4, and changed 2 times" in str(
        about
    )


def test_a_limit_that_stayed_is_said_as_one_number(tmp_path: Path) -> None:
    """Where it is not known, that is said, and no line is drawn."""
    _, unknown, _ = tell(journal_of(tmp_path, 0.0, 1.0, took=1.0))
    assert parts(unknown, "limit") == []
    assert "What the limit was is not known." in unknown
    card_of(tmp_path, slots=[[0.0, 8]])
    _, known, _ = tell(tmp_path)
    assert "The limit of the last run was 8; that of earlier runs is not known." in known
    assert [one.text for one in parts(known, "limit")] == [None, "limit of the last run: 8"]


def test_a_limit_is_drawn_over_the_last_run_alone(tmp_path: Path) -> None:
    """What was sent before the last run began has no line."""
    card_of(tmp_path, slots=[[5.0, 8]])
    _, drawing, _ = tell(journal_of(tmp_path, 0.0, 9.0, took=1.0))
    assert parts(drawing, "limit")[0].get("d") == "M296.0 69.2H546.0"


def test_a_limit_of_a_run_that_began_in_a_pause_is_drawn_from_its_end(tmp_path: Path) -> None:
    """The run that made the first calls had another limit, or none."""
    card_of(tmp_path, slots=[[5000.0, 8]])
    _, drawing, _ = tell(journal_of(tmp_path, 0.0, 1.0, 2.0, 9000.0, 9001.0, took=1.0))
    (gap,) = parts(drawing, "gap")
    end = float(gap.attrib["x"]) + float(gap.attrib["width"])
    assert parts(drawing, "limit")[0].get("d") == f"M{end:.1f} 69.2H546.0"


def test_calls_whose_answer_nobody_saw_are_left_out_and_counted(tmp_path: Path) -> None:
    """A run that died meanwhile says when they left, and not how long they were out."""
    with Records(journal_of(tmp_path, 0.0, took=1.0)) as records:
        entry = records.enrol(b"a" * 16, "GeneralV21", str)
        records.sending(entry.number, attempts=1, sent=BEGAN, account="here", request="{}")
    _, in_flight, _ = tell(tmp_path)
    assert heights(in_flight) == [1.0]
    assert "1 whose answer nobody saw are left out." in in_flight


def test_the_seconds_to_an_image_are_told_by_median_and_slowest(tmp_path: Path) -> None:
    """Of a part the slowest stands on the median; what gave no image is not counted."""
    with Records(tmp_path) as records:
        for number, took in enumerate((1.0, 2.0, 4.0, 100.0)):
            entry = records.enrol(bytes([number]) * 16, "GeneralV21", str)
            records.sending(entry.number, attempts=1, sent=BEGAN, account="here", request="{}")
            if took < 100:
                records.done(entry.number, [Trip(BEGAN, took).fields()])
            else:
                row = {"error": "Timeout", **Trip(BEGAN, took).fields()}
                records.in_doubt(entry.number, row, billed="unknown", request_id=None)
    _, _, drawing, _ = tell(tmp_path)
    assert (heights(drawing), heights(drawing, "other")) == ([0.5], [0.5])
    ((_, about),) = words([drawing])
    assert "Half of 3 images were there 2 s after" in (about or "")
    assert "nine in ten after 4 s, the last after 4 s" in (about or "")


def test_nine_in_ten_of_ten_are_nine(tmp_path: Path) -> None:
    """The last of ten is not among them."""
    with Records(tmp_path) as records:
        for number in range(10):
            entry = records.enrol(bytes([number]) * 16, "GeneralV21", str)
            records.sending(entry.number, attempts=1, sent=BEGAN, account="here", request="{}")
            records.done(entry.number, [Trip(BEGAN, 1.0 if number else 60.0).fields()])
    assert "nine in ten after 1 s, the last after 60 s" in tell(tmp_path)[2]


def test_a_slow_pace_has_no_pauses(tmp_path: Path) -> None:
    """Half a minute between two calls is cut out nowhere where it is the usual."""
    pace, *_ = tell(journal_of(tmp_path, *range(0, 300, 30), took=5.0))
    assert "0 pauses are cut out." in pace


def test_answers_in_no_time_are_drawn_too(tmp_path: Path) -> None:
    """Less than a millisecond is nothing, and an axis has a height all the same."""
    _, in_flight, seconds = tell(journal_of(tmp_path, 0.0, took=0.0))
    assert not parts(in_flight, "bar")
    assert not parts(seconds, "bar")


def test_no_pause_is_seen_while_a_call_is_out(tmp_path: Path) -> None:
    """Nothing leaves for half an hour, and what left before is back only then."""
    drawings = tell(journal_of(tmp_path, 0.0, 1.0, 1800.0, took=1750.0))
    assert not any(parts(drawing, "gap") for drawing in drawings)


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
    card_of(tmp_path, waited={long: 1.0})
    (drawing,) = tell(journal_of(tmp_path))
    assert "a cause that nobody has for…" in drawing


GOOD = '{"began": "2026-01-01", "slots": [], "figures": {"waited": {"rate": 1}}}'
NO_CARDS = [
    *("", "{", "{}", "[]", "null", "[" * 100_000),
    *(GOOD.replace(good, bad) for good, bad in [("2026", "?"), ("[]", "[[0]]"), ("[]", "8")]),
    *(GOOD.replace(good, bad) for good, bad in [('{"rate": 1}', "[]"), ("1}", '"?"}')]),
    *(GOOD.replace("1}", f"{bad}}}") for bad in ("-1", "NaN", "Infinity", "1e13", "9" * 400)),
    *(GOOD.replace("[]", bad) for bad in ("[[0, 1e999]]", "[[1e999, 8]]", "[[0, -1]]")),
]


@pytest.mark.parametrize("card", NO_CARDS, ids=range(len(NO_CARDS)))
def test_what_is_not_known_is_not_drawn(tmp_path: Path, card: str) -> None:
    """Without a journal, calls, or a card that says something, there is nothing to tell."""
    assert tell(tmp_path) == []
    (tmp_path / "run.json").write_text(card)
    assert tell(journal_of(tmp_path)) == []


def test_a_card_of_an_older_run_says_what_it_can(tmp_path: Path) -> None:
    """It knows of no limit, and tells of the waiting all the same."""
    (tmp_path / "run.json").write_text(GOOD.replace('"slots": [], ', ""))
    ((title, _),) = words(tell(journal_of(tmp_path)))
    assert title == "Waiting against generation, in the last run"


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
