"""What time is spent on waiting for, by a virtual clock."""

from __future__ import annotations

from volcv_async.bottleneck import Stopwatch, TimeSpent, between, most


def test_a_stopwatch_counts_each_cause() -> None:
    """The seconds of each cause add up; one that is on counts until it is read."""
    watch = Stopwatch()
    watch.switch("rate", 1.0)
    watch.switch("rate", 2.0)
    watch.switch("source", 4.0)
    watch.switch(None, 5.0)
    watch.switch("rate", 9.0)
    assert watch.read(10.0) == {"rate": 4.0, "source": 1.0}
    assert watch.read(11.0) == {"rate": 5.0, "source": 1.0}
    assert watch.cause == "rate"


def test_lately_is_what_most_time_went_to_of_late() -> None:
    """What was long ago is in the total, and counts little for what limits of late."""
    spent = TimeSpent()
    lately = [spent.lately]
    spent.add({"source": 60.0}, 60.0)
    lately.append(spent.lately)
    spent.add({"disk": 30.0}, 90.0)
    lately.append(spent.lately)
    assert lately == [None, "source", "disk"]
    assert spent.total == {"source": 60.0, "disk": 30.0}


def test_what_was_spent_between_two_readings() -> None:
    """Only what grew is given."""
    assert between({"rate": 1.0}, {"rate": 3.0, "disk": 0.5}) == {"rate": 2.0, "disk": 0.5}
    assert between({"rate": 1.0}, {"rate": 1.0}) == {}


def test_the_most() -> None:
    """The cause that most was spent on; none of nothing."""
    assert most({"rate": 1.0, "latency": 2.0}) == "latency"
    assert most({}) is None
