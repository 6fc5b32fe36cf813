"""The limit of calls in flight over the time of a run."""

from __future__ import annotations

from pathlib import Path

from volcv_async.client import Client
from volcv_async.config import Limits
from volcv_async.gateway import LocalGateway
from volcv_async.job import run
from volcv_async.job.ceiling import Ceiling
from volcv_async.job.story import Card
from volcv_async.models import GeneralV21


class Scene:
    """A limit and a clock that are set by hand."""

    def __init__(self) -> None:
        self.limit, self.now = 2, 100.0
        self.ceiling = Ceiling(lambda: self.limit, lambda: self.now)


def test_only_what_changed_is_kept() -> None:
    """A limit that comes back is a change as well."""
    scene = Scene()
    for scene.now, scene.limit in [(101.0, 2), (102.0, 3), (103.0, 3), (104.25, 2)]:
        scene.ceiling.look()
    assert scene.ceiling.steps == [(0.0, 2), (2.0, 3), (4.25, 2)]


def test_it_is_looked_at_once_a_second() -> None:
    """However many outcomes come; what was in between is not seen."""
    scene = Scene()
    for scene.now, scene.limit in [(100.9, 3), (101.0, 4), (101.9, 5), (102.1, 6)]:
        scene.ceiling.look_now_and_then()
    assert scene.ceiling.steps == [(0.0, 2), (1.0, 4), (2.1, 6)]


def test_a_limit_that_never_rests_takes_no_more_room() -> None:
    """The first and the latest stay."""
    scene = Scene()
    for number in range(10_000):
        scene.now, scene.limit = 100.0 + number, number
        scene.ceiling.look()
    steps = scene.ceiling.steps
    assert len(steps) <= 500
    assert (steps[0], steps[1], steps[-1]) == ((0.0, 2), steps[1], (9999.0, 9999))
    assert steps == sorted(steps)


async def test_the_card_has_the_narrower_of_slots_and_window(tmp_path: Path) -> None:
    """What the accounts allow, or how many requests the run may have under way."""
    async with (
        LocalGateway(latency=0.0) as gateway,
        Client(gateway.account(limits=Limits(concurrency=4, adaptive=False))) as client,
    ):
        for window, slots in ((3, 3), (9, 4), (None, 4)):
            out = tmp_path / str(window)
            await run(client, [GeneralV21(prompt="a")], out=out, concurrency=window)
            assert [number for _, number in Card.of(out).slots] == [slots]
