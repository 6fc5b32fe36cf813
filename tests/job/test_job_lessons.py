"""What refusals taught, kept between the runs of a job."""

from __future__ import annotations

from pathlib import Path

import attrs

import volcv_async as volcv
from volcv_async.client import Client
from volcv_async.gateway import LocalGateway
from volcv_async.job.journal import Journal
from volcv_async.job.lessons import Lessons
from volcv_async.job.records import Records

MODEL = "high_aes_general_v21_L"
KNOWN = volcv.Learned(account="studio", model=MODEL, rate=50.0, concurrency=3)


def cat(nth: int) -> volcv.Request:
    return volcv.GeneralV21(prompt=f"cat {nth}", width=256, height=256, use_sr=False)


async def learned_in(folder: Path) -> list[volcv.Learned]:
    """Give what a client at the account begins with in a folder."""
    async with LocalGateway() as gateway:
        client = volcv.Client(gateway.account(group="studio"))
        with Records(folder) as records:
            async with client, Journal(records) as journal:
                await Lessons(client, journal).recall()
                return list(client.statistics().learned)


async def test_the_next_run_begins_with_what_this_one_learned(tmp_path: Path) -> None:
    """What is believed of the limits at the end of a run is where the next begins."""
    async with LocalGateway(latency=0.01, concurrency=1) as gateway:
        retry = volcv.RetryPolicy(pause=0.01)
        account = gateway.account(group="studio")
        async with volcv.Client(account, retry=retry) as client:
            await volcv.run(client, [cat(nth) for nth in range(4)], out=tmp_path)
            learned = list(client.statistics().learned)
    assert [(one.account, one.model, one.concurrency) for one in learned] == [("studio", MODEL, 1)]
    assert await learned_in(tmp_path) == learned


async def test_nothing_is_recalled_of_a_new_folder(tmp_path: Path) -> None:
    """A first run begins blind."""
    assert await learned_in(tmp_path) == []


async def test_a_long_run_writes_it_down_now_and_then(tmp_path: Path) -> None:
    """After some seconds what is new is written, so that a kill loses little; the same is not."""
    now = 0.0
    async with LocalGateway() as gateway:
        client: Client = volcv.Client(gateway.account(group="studio"))
        with Records(tmp_path) as records:
            async with client, Journal(records) as journal:
                lessons = Lessons(client, journal, clock=lambda: now)
                client.recall([KNOWN])
                lessons.write_now_and_then()
                early = await journal.look(lambda records: records.noted("learned"))
                now = 5.0
                lessons.write_now_and_then()
                await journal.do(lambda records: records.note("learned", "[]"))
                lessons.write()
                same = await journal.look(lambda records: records.noted("learned"))
                client.recall([attrs.evolve(KNOWN, model="another")])
                lessons.write()
    assert (early, same) == (None, "[]")
    assert KNOWN in await learned_in(tmp_path)
