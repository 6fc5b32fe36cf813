"""The figures of a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from volcv_async.bottleneck import Cause
from volcv_async.errors import DownloadError, QuotaError, UnknownOutcomeError
from volcv_async.job import JobReport, Tally, duration
from volcv_async.models import GeneralV21
from volcv_async.results import Completed, Failed, Generation, Image, InDoubt

REQUEST = GeneralV21(prompt="a red fox")


def test_a_tally_tells_apart_what_was_paid_for() -> None:
    """Completed and undelivered images are paid for; what is in doubt perhaps is."""
    tally = Tally()
    generation = Generation(images=(Image(), Image()))
    tally.add(Completed(index=0, request=REQUEST, attempts=1, generation=generation))
    tally.add(Failed(index=1, request=REQUEST, attempts=1, error=QuotaError("Used up.")))
    tally.add(Failed(index=2, request=REQUEST, attempts=1, error=DownloadError("Gone.")))
    tally.add(InDoubt(index=3, request=REQUEST, attempts=1, error=UnknownOutcomeError("?")))
    report = tally.report(Path("out"))
    assert (report.completed, report.failed, report.in_doubt) == (1, 2, 1)
    assert (report.images, report.paid, report.perhaps_paid) == (2, 2, 1)
    assert tally.ended == 4
    assert not report.all_done
    assert 0 <= report.seconds <= tally.seconds


@pytest.mark.parametrize(
    ("images", "seconds", "line"),
    [
        (1632, 92.0, "1,632 images in 92 s (17.7/s), 0 failed, 3 in doubt → out"),
        (1, 0.0, "1 image in 0.0 s (0.0/s), 0 failed, 3 in doubt → out"),
    ],
)
def test_a_report_says_itself_in_a_line(images: int, seconds: float, line: str) -> None:
    """The line has images, time, pace, what failed, what is in doubt, and the folder."""
    report = JobReport(
        out=Path("out"),
        completed=images,
        failed=0,
        in_doubt=3,
        images=images,
        paid=images,
        perhaps_paid=3,
        seconds=seconds,
    )
    assert report.line() == line


def report_of(waited: Mapping[Cause, float], seconds: float) -> JobReport:
    tally = attrs.evolve(Tally().report(Path("out")), seconds=seconds)
    return attrs.evolve(tally, waited=waited)


@pytest.mark.parametrize(
    ("waited", "seconds", "line"),
    [
        ({}, 10.0, ""),
        ({}, 0.0, ""),
        ({"rate": 9.7, "source": 0.1}, 10.0, "Limited by rate (97 %)."),
        (
            {"disk": 2.0, "consumer": 5.0, "latency": 1.0, "source": 0.1},
            10.0,
            "Limited by the consumer (50 %), the disk (20 %), the provider's latency (10 %).",
        ),
        ({"rate": 6.0, "consumer": 6.0}, 10.0, "Limited by rate (50 %), the consumer (50 %)."),
    ],
)
def test_a_report_says_what_the_time_was_spent_on(
    waited: Mapping[Cause, float], seconds: float, line: str
) -> None:
    """The line has what took a twentieth of the time or more, the most first."""
    report = report_of(waited, seconds)
    assert report.time_line() == line
    assert (report.limited_by is None) == (not waited)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (4.23, "4.2 s"),
        (9.99, "10.0 s"),
        (92.4, "92 s"),
        (600, "10 min"),
        (725, "12 min 5 s"),
        (7200, "2 h"),
        (12_000, "3 h 20 min"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds: float, said: str) -> None:
    """The unit grows with the duration."""
    assert duration(seconds) == said
