"""The guard over calls a request: whose a call is, what is dearer, and what the guard says then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from benchmarks.hot_path import figures
from benchmarks.hot_path.figures import Costs, Memory
from benchmarks.hot_path.judging import IN_PIECES, Compared, compare, differing
from benchmarks.hot_path.steps import LIBRARIES, STEPS, in_files, roots, step_of_file, step_of_room

ROOT = Path(__file__).parents[2]
HERE = {
    "/here/volcv_async/": "volcv_async",
    "/lib/aiohttp/": "aiohttp",
    "/lib/selectors.py": "asyncio",
}
PINNED = {"Python": "3.11", "aiohttp": "3.14.5", "cattrs": "26.2.1"}


def costs(
    small: Mapping[str, float],
    medium: Mapping[str, float] | None = None,
    *,
    peak: int = 304_000,
    **versions: str,
) -> Costs:
    """Costs by step, each with one function."""
    return Costs(
        versions=PINNED | versions,
        calls={
            size: {step: {f"{step}.py: work": calls} for step, calls in steps.items()}
            for size, steps in {"small": small, "medium": medium or {}}.items()
        },
        memory={"medium": Memory(peak=peak, picture=300_000)},
    )


def dearer(found: Costs, recorded: Costs) -> list[str]:
    return [str(one) for one in compare(found, recorded) if one.dearer]


@pytest.mark.parametrize(
    ("file", "step"),
    [
        ("/here/volcv_async/stream.py", "stream"),
        ("/here/volcv_async/governor/gate.py", "gate"),
        ("/here/volcv_async/governor/pace.py", "governor"),
        ("/here/volcv_async/codec/requests.py", "encode"),
        ("/here/volcv_async/codec/cutting.py", "decode"),
        ("/here/volcv_async/novel.py", "novel.py"),
        ("<attrs generated methods volcv_async.models.general.GeneralV21>", "request"),
        ("/lib/aiohttp/client.py", "aiohttp"),
        ("/lib/selectors.py", "asyncio"),
        ("/lib/json/decoder.py", None),
        ("<attrs generated methods aiohttp.client.ClientTimeout>", None),
    ],
)
def test_a_file_tells_the_step(file: str, step: str | None) -> None:
    """A file of ours belongs to a step, or is one; aiohttp's and asyncio's are theirs."""
    assert step_of_file(file, HERE) == step


def test_steps_are_made_of_rooms_that_are_there() -> None:
    """A room that was renamed does not drop out of its step unseen."""
    rooms = [room for rooms in STEPS.values() for room in rooms]
    assert [room for room in rooms if not (ROOT / "volcv_async" / room).exists()] == []
    assert [step_of_room(f"{room}x.py" if room.endswith("/") else room) for room in rooms] == [
        step for step, rooms in STEPS.items() for _ in rooms
    ]


def test_packages_are_found_where_they_are_installed() -> None:
    """Calls of the library and of aiohttp are told apart by where the two lie."""
    found = roots()
    for name, step in (("volcv_async", "stream"), ("aiohttp", "aiohttp")):
        (root,) = (root for root in found if found[root] == name and f"/{name}/" in root)
        assert step_of_file(f"{root}stream.py", found) == step


def test_a_dearer_step_is_named() -> None:
    """The message has the step with its files, both figures, and the functions it is due to."""
    (said,) = dearer(costs({"governor": 41, "decode": 88}), costs({"governor": 36, "decode": 88}))
    assert said == (
        "small replies, governor (governor/): 41.0 calls a request, recorded 36.0 (+14%): "
        "governor.py: work 41 times, not 36"
    )


@pytest.mark.parametrize(
    ("now", "before", "too_dear"),
    [(110, 100, False), (111, 100, True), (4.9, 4, False), (5, 4, True), (1, 0, True)],
)
def test_dearer_is_a_tenth_and_a_call(now: float, before: float, *, too_dear: bool) -> None:
    """A step may cost a tenth more; a small one fails with the first call that is added."""
    assert Compared(name="step", now=now, before=before).dearer is too_dear


def test_many_small_things_add_up() -> None:
    """Steps of which each is a little dearer fail together where they come to a tenth."""
    now, before = dict.fromkeys(STEPS, 1.9), dict.fromkeys(STEPS, 1.0)
    (said,) = dearer(costs(now), costs(before))
    assert said.startswith("small replies, all these steps together: 28.5 calls a request")


def test_more_memory_is_dearer() -> None:
    """A copy of the picture more, which is one call, is seen in the bytes."""
    (said,) = dearer(costs({}, peak=700_000), costs({}))
    assert said == "memory for reading a medium reply: 700,000 bytes, recorded 304,000 (+130%)"


def test_what_is_cheaper_is_no_failure() -> None:
    """Less never fails; much less is to be recorded, so that it stays so."""
    all_of_it = list(compare(costs({"decode": 50}), costs({"decode": 88})))
    assert not any(one.dearer for one in all_of_it)
    assert {one.name for one in all_of_it if one.cheaper} == {
        f"small replies, {in_files('decode')}",
        "small replies, all these steps together",
    }


def test_what_varies_with_the_pieces_of_a_body_is_not_compared() -> None:
    """A long body comes in more pieces or fewer, which says nothing of the code."""
    before, now = (dict.fromkeys([*IN_PIECES, "decode"], calls) for calls in (10.0, 30.0))
    stable = dearer(costs({}, now), costs({}, before))
    assert [said.partition(":")[0] for said in stable] == [
        f"medium replies, {in_files('decode')}",
        "medium replies, all these steps together",
    ]


def test_with_other_versions_only_our_own_steps_are_compared() -> None:
    """What another aiohttp calls is not our doing, and it is said which version differs."""
    steps = {**dict.fromkeys(LIBRARIES, 100.0), "call": 20.0}
    found = costs({step: 2 * calls for step, calls in steps.items()}, aiohttp="3.15.0")
    assert differing(found, costs(steps)) == "aiohttp 3.15.0 (recorded with 3.14.5)"
    assert [said.partition(":")[0] for said in dearer(found, costs(steps))] == [
        f"small replies, {in_files('call')}",
        "small replies, all these steps together",
    ]


def test_the_nearest_figures_are_compared_with() -> None:
    """The same Python matters most, then the same aiohttp, then as many others as there are."""
    old, other, new = costs({}, cattrs="1"), costs({}, aiohttp="4"), costs({}, Python="3.13")
    assert figures.nearest([other, new, old], PINNED) is old
    assert figures.nearest([new, other], PINNED) is other
    assert figures.nearest([], PINNED) is None


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    """New figures take the place of those of the same Python and aiohttp, and of no others."""
    file, other = tmp_path / "hot_path.json", costs({"call": 1.5}, Python="3.12")
    assert figures.read(file) == []
    figures.write(figures.with_([costs({"call": 2}), other], costs({"call": 3})), file)
    assert figures.read(file) == [costs({"call": 3}), other]


def test_figures_are_recorded_for_what_ci_installs() -> None:
    """With the pinned versions all steps are compared, aiohttp's and asyncio's, too."""
    pins = (ROOT / ".ci" / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", pins, re.MULTILINE))
    recorded = figures.nearest(figures.read(), {"Python": "3.11", **pinned})
    assert recorded is not None
    there = {name: pinned.get(name, recorded.versions[name]) for name in recorded.versions}
    assert differing(attrs.evolve(recorded, versions=there), recorded) == ""
