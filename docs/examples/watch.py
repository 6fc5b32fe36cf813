"""Watch what happens: events as they come, and the counts at the end."""

import asyncio

import volcv_async as volcv


def watch(event: volcv.Event) -> None:
    match event:
        case volcv.AttemptStarted(attempt=attempt):
            print(f"request {attempt.index}, attempt {attempt.number}: going out")
        case volcv.AttemptEnded(attempt=attempt, ending=ending):
            print(f"request {attempt.index}, attempt {attempt.number}: {ending}")
        case _:
            print(event)


async def main() -> None:
    async with (
        volcv.gateway.LocalGateway() as gateway,
        volcv.Client(gateway.account(), on_event=watch) as client,
    ):
        requests = [volcv.GeneralV21(prompt=prompt) for prompt in ("a fox", "a hare")]
        await client.generate_many(requests, concurrency=1)
        counts = client.statistics()
        print(counts.attempts, "attempts,", counts.completed, "images")


asyncio.run(main())
