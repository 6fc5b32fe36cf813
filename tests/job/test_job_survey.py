"""How a list stands against a folder, before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

import volcv_async as volcv
from volcv_async.codec import encode
from volcv_async.errors import ConfigurationError
from volcv_async.gateway import LocalGateway
from volcv_async.job import database
from volcv_async.job.books import enrol
from volcv_async.job.going_on import Wishes
from volcv_async.job.records import JOURNAL, Counts, Records, reading
from volcv_async.job.survey import Survey, look_ahead, survey
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


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_look_ahead_makes_no_folder(tmp_path: Path) -> None:
    """All is to do, and the first goes out with the seed that a run would give it."""
    ahead = look_ahead(tmp_path / "out", listed(*"abc"), wishes=Wishes())
    assert ahead.survey == Survey(to_do=3)
    assert (ahead.learned, ahead.latency) == ((), None)
    assert not (tmp_path / "out").exists()
    survey(tmp_path / "out", listed(*"abc"), wishes=Wishes())
    with reading(tmp_path / "out") as records:
        assert ahead.first is not None
        assert records.entry(0).request == encode(ahead.first).decode()


async def test_a_look_ahead_says_what_is_left_and_changes_nothing(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """What is done is not to do, how long a call took is known, and no byte is written."""
    async with volcv.Client(gateway.account()) as client:
        await volcv.run(client, listed("a", "b"), out=tmp_path)
    before = contents(tmp_path)
    ahead = look_ahead(tmp_path, listed("new", *"ab"), wishes=Wishes())
    assert ahead.survey == Survey(done=2, to_do=1)
    assert isinstance(ahead.first, GeneralV21)
    assert ahead.first.prompt == "new"
    assert ahead.latency is not None
    assert 0 < ahead.latency.mean <= ahead.latency.longest
    assert contents(tmp_path) == before


def test_a_look_ahead_reads_a_journal_that_is_being_written(tmp_path: Path) -> None:
    """A run may go on meanwhile; what it has under way counts as in doubt."""
    with Records(tmp_path) as records:
        entry, seeded = enrol(GeneralV21(prompt="a"), "list", records)
        records.sending(
            entry.number,
            attempts=1,
            sent=datetime.now(UTC),
            account="here",
            request=encode(seeded).decode(),
        )
        records.commit()
        ahead = look_ahead(tmp_path, listed("a", "b"), wishes=Wishes())
        assert ahead.survey == Survey(in_doubt=1, to_do=1)
        assert records.counts() == Counts(sent=1)


def test_a_copy_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The error names the journal."""
    survey(tmp_path, listed("a"), wishes=Wishes())
    to = tmp_path / "copy.sqlite"
    to.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigurationError, match=r"journal\.sqlite is no journal"):
        database.copy(tmp_path / JOURNAL, to)
