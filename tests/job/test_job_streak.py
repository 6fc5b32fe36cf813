"""When one refusal after the other means that the account cannot go on."""

from __future__ import annotations

import pytest
from pictures_of_tests import completed

from volcv_async.codes import ACCESS_DENIED_HELP
from volcv_async.errors import AccessDeniedError, QuotaError, VolcvError
from volcv_async.job.streak import Streak
from volcv_async.models import GeneralV21
from volcv_async.results import Failed


def refused(error: VolcvError, index: int = 0) -> Failed:
    request = GeneralV21(prompt="a red fox")
    error.index, error.request = index, request
    return Failed(index=index, request=request, attempts=1, error=error)


def denied(index: int = 0) -> Failed:
    error = AccessDeniedError("Access was refused.", help=ACCESS_DENIED_HELP, code=50400)
    return refused(error, index)


def test_five_in_a_row_end_the_job() -> None:
    """The fifth refusal gives the error that ends it, with the request it came from."""
    streak = Streak()
    assert [streak.add(denied(nth)) for nth in range(4)] == [None] * 4
    ending = streak.add(denied(4))
    assert isinstance(ending, AccessDeniedError)
    assert (ending.code, ending.index) == (50400, 4)
    assert ending.message.startswith("5 requests in a row were refused alike")
    assert "CVFullAccess" in ending.help
    assert "look at (1), (2) and (4) first" in ending.help


def test_an_image_between_breaks_the_row() -> None:
    """Whoever gets images now and then is not stopped, and is sent to look at arrears first."""
    streak = Streak()
    for nth in range(4):
        assert streak.add(denied(nth)) is None
    assert streak.add(completed()) is None
    for nth in range(4):
        assert streak.add(denied(nth)) is None
    ending = streak.add(denied())
    assert ending is not None
    assert "look at (3) first" in ending.help


@pytest.mark.parametrize("request_id", ["id", None])
def test_a_quota_that_is_gone_ends_the_job_too(request_id: str | None) -> None:
    """It says that nothing is lost."""
    streak = Streak()
    error = QuotaError("The balance is used up.", help="Top up.", request_id=request_id)
    endings = [streak.add(refused(error)) for _ in range(5)]
    ending = endings[-1]
    assert isinstance(ending, QuotaError)
    assert ending.help == "Top up. None of them was billed; the next run sends them again."
    assert ending.request_id == request_id


def test_other_failures_end_nothing() -> None:
    """A list of prompts that are all refused, each for its own sake, runs to its end."""
    streak = Streak()
    error = VolcvError("Another.")
    assert {streak.add(refused(error)) for _ in range(20)} == {None}
