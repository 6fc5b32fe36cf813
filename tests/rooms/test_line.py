"""Who goes next, by arithmetic: first come, first served among equals, repetitions first."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from volcv_async.governor.line import Line, Place

Item = TypeVar("Item")


def served(line: Line[Item], model: str | None = None) -> list[Item]:
    """Let all of one model go, one after the other."""
    gone: list[Item] = []
    while place := next((place for place in line.heads() if place.model == model), None):
        line.leave(place)
        gone.append(place.item)
    return gone


def test_first_come_first_served() -> None:
    """Those for the same model go in the order in which they came."""
    line: Line[str] = Line()
    for item in "abc":
        line.join(item, None)
    assert (len(line), served(line), len(line)) == (3, ["a", "b", "c"], 0)


def test_a_repetition_goes_before_new_work() -> None:
    """A request that was out before goes first, and repetitions among themselves in order."""
    line: Line[str] = Line()
    for item, again in (("a", False), ("b", True), ("c", False), ("d", True)):
        line.join(item, None, again=again)
    assert served(line) == ["b", "d", "a", "c"]


def test_each_model_has_a_line_of_its_own() -> None:
    """The heads are the first of each model, so that one model holds back none of another."""
    line: Line[str] = Line()
    for item, model in (("a", "one"), ("b", "one"), ("c", "two")):
        line.join(item, model)
    assert [place.item for place in line.heads()] == ["a", "c"]
    assert (served(line, "one"), served(line, "two")) == (["a", "b"], ["c"])
    assert list(line.heads()) == []


def test_a_number_keeps_a_place() -> None:
    """Who comes back with the number of an earlier place stands where that was."""
    line: Line[str] = Line()
    peeked = line.join("a", None)
    line.join("b", None)
    line.leave(peeked)
    line.leave(peeked)  # once is enough
    assert len(line) == 1
    line.join("a", None, number=peeked.number)
    assert [place.item for place in line.everybody()] == ["a", "b"]
    assert served(line) == ["a", "b"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["one", "two", None]), st.booleans(), st.booleans()), max_size=40
    )
)
def test_the_line_is_what_sorting_says(joined: list[tuple[str | None, bool, bool]]) -> None:
    """Whoever leaves early, the rest go in order: repetitions, then the others, as they came."""
    line: Line[int] = Line()
    places: list[tuple[Place[int], bool]] = []
    for item, (model, again, goes) in enumerate(joined):
        places.append((line.join(item, model, again=again), goes))
    for place, goes in places:
        if goes:
            line.leave(place)
    stay = [place for place, goes in places if not goes]
    assert line.everybody() == sorted(stay, key=lambda place: (not place.again, place.number))
    assert len(line) == len(stay)
    for head in line.heads():
        assert head is min(place for place in stay if place.model == head.model)
        assert line.is_head(head)


def test_places_that_were_left_do_not_pile_up_behind_a_head_that_stays() -> None:
    """However many come and go while the first of a line waits, only few of them are kept."""
    line: Line[int] = Line()
    line.join(0, "one")
    stays = [line.join(nth, "one") for nth in range(1, 4)]
    for nth in range(1000):
        line.leave(line.join(nth, "one"))
    assert sum(len(queue.places) for queue in line._queues["one"]) < 50
    assert [place.item for place in line.everybody()] == [0, 1, 2, 3]
    line.leave(stays[0])
    assert served(line, "one") == [0, 2, 3]
