"""How the library is used, for the type checkers alone: nothing here is ever run."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import assert_never, assert_type

import volcv_async as volcv


async def endless() -> AsyncGenerator[volcv.GeneralV21]:
    while True:
        yield volcv.GeneralV21(prompt="a red fox")


async def calls(client: volcv.Client) -> None:
    generation = await client.generate(volcv.GeneralV14(prompt="a red fox"))
    assert_type(generation, volcv.Generation)
    assert_type(generation.image, volcv.Image)
    assert_type(generation.image.save("fox"), Path)
    assert_type(generation.image.data, bytes | None)
    assert_type(client.statistics(), volcv.Statistics)

    mixed = [volcv.GeneralV14(prompt="a"), volcv.RawRequest(req_key="b", body={})]
    assert_type(await client.generate_many(mixed), list[volcv.Outcome])


async def streams(client: volcv.Client) -> None:
    async with client.stream(endless(), concurrency=8, ordered=True) as outcomes:
        assert_type(outcomes, volcv.OutcomeStream)
        async for outcome in outcomes:
            match outcome:
                case volcv.Completed(index=index, generation=generation):
                    assert_type(index, int)
                    assert_type(generation, volcv.Generation)
                case volcv.Failed(error=error) | volcv.InDoubt(error=error):
                    assert_type(error, volcv.VolcvError)
                case _:
                    assert_never(outcome)
            assert_type(outcome.unwrap(), volcv.Generation)
    assert_type(outcomes.leftover, list[volcv.Outcome])
    assert_type(outcomes.statistics(), volcv.StreamStatistics)


async def jobs(client: volcv.Client) -> None:
    prompts = volcv.read_prompts("prompts.tsv", model=volcv.GeneralV14, prompt_column="Prompt")
    matrix = volcv.Matrix("a {animal} of {size}", {"animal": ["cat", "fox"], "size": (1, 2)})
    assert_type(next(volcv.read_list(matrix, "more.txt")), volcv.Listed)
    report = await volcv.run(
        client, prompts, out="out", seeds="server", retry_failed=True, give_up=None
    )
    assert_type(report, volcv.JobReport)
    assert_type(report.all_done, bool)


class Books:
    async def sending(self, attempt: volcv.Attempt) -> None: ...

    async def answered(self, attempt: volcv.Attempt, generation: volcv.Generation) -> None: ...

    async def ended(self, attempt: volcv.Attempt, error: volcv.VolcvError) -> None: ...


async def books(client: volcv.Client) -> None:
    bookkeeper: volcv.Bookkeeper = Books()
    async with client.stream(endless(), recorder=bookkeeper, give_up=600.0) as outcomes:
        async for outcome in outcomes:
            assert_type(outcome.lineage, tuple[volcv.Request, ...])
            assert_type(outcome.sent, volcv.Request)
            assert_type(outcome.perhaps_billed, int)
    later = volcv.Image(url="https://pictures.example/1")
    assert_type(await client.download(later), volcv.Image)
    assert_type(volcv.SERVICE_CODES[50511].reroll, bool)


def limited(client: volcv.Client, counts: volcv.StreamStatistics) -> None:
    now = client.statistics()
    client.recall(now.learned)
    assert_type(now.learned, tuple[volcv.Learned, ...])
    cause: volcv.Cause | None = now.limited_by or counts.limited_by
    assert_type(counts.waited.get(cause or "rate"), float | None)
    store = "redis://limits.example"
    shared = volcv.Limits(
        rate=volcv.SharedRate(store, 50),
        concurrency=volcv.SharedConcurrency(store, 8, lease=10.0),
        ramp=30.0,
    )
    assert_type(shared.calls_a_second, float | None)
    assert_type(shared.slots, int | None)


async def locally() -> None:
    faults = {"reset_in_body": 0.1}
    async with volcv.gateway.LocalGateway(rate=5.0, concurrency=2, faults=faults) as gateway:
        assert_type(gateway.account(), volcv.Account)
        assert_type(gateway.paid, int)


def watch(event: volcv.Event) -> None:
    if isinstance(event, volcv.AttemptEnded):
        assert_type(event.error, volcv.VolcvError | None)


client = volcv.Client(
    [volcv.Account("https://gateway.example/volcv/v1", volcv.Bearer("a-key"), group="studio")],
    limits=volcv.Limits(rate=2, concurrency=4),
    timeouts=volcv.Timeouts(deadline=None),
    retry=volcv.RetryPolicy(
        in_doubt="retry", rerolls=2, codes={50500: volcv.Treatment(repeat=True)}, budget=None
    ),
    on_event=watch,
)
