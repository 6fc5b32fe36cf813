"""How a list stands against a folder, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from volcv_async.errors import ConfigurationError
from volcv_async.job.going_on import Wishes
from volcv_async.job.records import Counts, reading
from volcv_async.job.survey import Survey, survey
from volcv_async.models import GeneralV21


def listed(*prompts: str) -> list[GeneralV21]:
    return [GeneralV21(prompt=prompt) for prompt in prompts]


def test_a_fresh_folder_has_all_to_do(tmp_path: Path) -> None:
    """Nothing is done yet, and there is nothing to go on with."""
    ahead = survey(tmp_path / "out", listed(*"abc"), wishes=Wishes())
    assert (ahead.total, ahead.to_do) == (3, 3)
    assert not ahead.goes_on
    assert ahead.line() == "3 to do"


def test_it_is_said_in_one_line() -> None:
    """What is not there is not said, but for what is to do."""
    ahead = Survey(done=1412, in_doubt=3, failed=2, to_fetch=1, to_do=0)
    assert ahead.goes_on
    assert ahead.total == 1418
    assert ahead.line() == "1,412 done, 1 to fetch, 2 failed, 3 in doubt, 0 to do"


def test_a_long_list_is_entered_whole(tmp_path: Path) -> None:
    """However long, each prompt is entered once, and is found again."""
    many = [str(number) for number in range(5001)]
    for _ in range(2):
        assert survey(tmp_path, listed(*many), wishes=Wishes()).line() == "5,001 to do"
    with reading(tmp_path) as records:
        assert records.counts() == Counts(pending=5001)


@pytest.mark.parametrize("name", ["metadata.jsonl", "failed.jsonl", "in_doubt.jsonl"])
def test_rows_that_no_journal_knows_are_left_alone(tmp_path: Path, name: str) -> None:
    """A folder of something else is refused before it is touched."""
    (tmp_path / name).write_text("{}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no journal to go on from"):
        survey(tmp_path, listed("a"), wishes=Wishes())
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    """It says that this is no folder."""
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is no folder"):
        survey(tmp_path / "out", listed("a"), wishes=Wishes())
