"""Go durations to seconds."""

from __future__ import annotations

import math

import pytest

from volcv_async.codec.durations import seconds


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("16.52978614s", 16.52978614),
        ("456.790505ms", 0.456790505),
        ("84.448\u00b5s", 84.448e-6),
        ("84.448\u03bcs", 84.448e-6),
        ("84.448us", 84.448e-6),
        ("7ns", 7e-9),
        ("1m2.5s", 62.5),
        ("1h0m0.5s", 3600.5),
        ("-1.5s", -1.5),
        ("0", 0.0),
        (".5s", 0.5),
        (1500, 1.5),
        (1500.0, 1.5),
    ],
)
def test_what_states_a_time_is_read(stated: object, read: float) -> None:
    """A Go duration is read in all its units, and a number as milliseconds."""
    assert seconds(stated) == pytest.approx(read)


@pytest.mark.parametrize(
    "stated", ["", "fast", "5", "5 s", "1s!", "١s", "9" * 70 + "s", None, True, math.inf, [1]]
)
def test_what_states_none_is_none(stated: object) -> None:
    """What cannot be read is None and never an error."""
    assert seconds(stated) is None
