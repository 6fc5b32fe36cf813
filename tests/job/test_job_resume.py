"""A job that is started again in its folder: what goes out, what is fetched, what stays."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from volcv_async.client import Client
from volcv_async.codec import encode
from volcv_async.config import Limits, RetryPolicy, Timeouts
from volcv_async.errors import (
    AccessDeniedError,
    AuthenticationError,
    ConfigurationError,
    InvalidRequestError,
    NotSentError,
    VolcvWarning,
)
from volcv_async.gateway import Answer, Canned, Drop, LocalGateway, Received, service_error
from volcv_async.gateway.answers import Reply, gateway_error
from volcv_async.job import JobReport, Wishes, read_status, run, survey
from volcv_async.job.books import enrol
from volcv_async.job.records import Records, Standing
from volcv_async.models import GeneralV14, GeneralV21, RawRequest, Request
from volcv_async.results import Completed, Outcome

LIMITS = Limits(concurrency=4, adaptive=False)
QUICK = RetryPolicy(pause=0.01, longest_pause=0.02)


def listed(*prompts: str) -> list[GeneralV21]:
    return [GeneralV21(prompt=p, width=256, height=256, use_sr=False) for p in prompts]


def rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prompts(path: Path) -> list[str]:
    return [row["prompt"] for row in rows(path)]


def standings(out: Path) -> dict[str | None, str]:
    return {one.prompt: one.standing for one in read_status(out)}


def by_prompt(**answers: Reply) -> Answer:
    """Answer some prompts so, and draw the others."""

    async def script(received: Received) -> Reply | None:
        return answers.get(received.prompt or "")

    return script


async def go(
    gateway: LocalGateway,
    requests: Iterable[Request] | AsyncIterable[Request],
    out: Path,
    *,
    retry: RetryPolicy = QUICK,
    **options: Any,  # noqa: ANN401 - those of run
) -> JobReport:
    async with Client(gateway.account(limits=LIMITS), retry=retry) as client:
        return await run(client, requests, out=out, **options)


def leave(out: Path, request: Request, *, paid: Sequence[Standing] | None = None) -> int:
    """Leave a folder as a process leaves it that is killed during its only call."""
    with Records(out) as records:
        entry, seeded = enrol(request, "list", records)
        body = encode(seeded).decode()
        records.sending(
            entry.number, attempts=1, sent=datetime.now(UTC), account="local", request=body
        )
        if paid is not None:
            records.paid(entry.number, request_id="id-of-the-dead", images=paid)
    return entry.number


def place(path: Path, data: bytes, *, age: float) -> None:
    """Write a file that is so many seconds old."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    then = path.stat().st_mtime - age
    os.utime(path, (then, then))


def picture_reply(picture: bytes) -> Canned:
    data = {"binary_data_base64": [base64.b64encode(picture).decode()]}
    body = {"code": 10000, "data": data, "request_id": "r"}
    return Canned(body=json.dumps(body).encode(), paid=True)


async def test_what_is_done_is_not_sent_again(gateway: LocalGateway, tmp_path: Path) -> None:
    """The same list again sends nothing, and says that all was done before."""
    await go(gateway, listed(*"abc"), tmp_path)
    before = (tmp_path / "metadata.jsonl").read_bytes()
    report = await go(gateway, listed(*"abc"), tmp_path)
    assert gateway.paid == 3
    assert (report.completed, report.before) == (0, 3)
    assert report.all_done
    assert "3 done before" in report.line()
    assert (tmp_path / "metadata.jsonl").read_bytes() == before


async def test_a_list_may_change_between_runs(gateway: LocalGateway, tmp_path: Path) -> None:
    """Reordered, shortened and lengthened, it is sent for what is new, and overwrites nothing."""
    await go(gateway, listed("a", "b", "b", "c"), tmp_path)
    first = {row["file_name"]: row["sha256"] for row in rows(tmp_path / "metadata.jsonl")}
    report = await go(gateway, listed("b", "d", "c", "b", "b"), tmp_path)
    assert (report.completed, report.before) == (2, 3)
    now = {row["file_name"]: row for row in rows(tmp_path / "metadata.jsonl")}
    assert first.items() <= {name: row["sha256"] for name, row in now.items()}.items()
    assert now["images/000004.png"]["prompt"] == "d"
    assert now["images/000005.png"]["prompt"] == "b"
    assert gateway.paid_by_prompt == {"a": 1, "b": 3, "c": 1, "d": 1}


async def test_seeds_follow_from_the_list(tmp_path: Path) -> None:
    """The same list gives the same seeds anywhere, and rows have the seeds that were sent.

    Equal prompts get different ones.
    """
    seeds: list[dict[str, list[int]]] = []
    for out, listing in (("one", "aab"), ("two", "baa")):
        async with LocalGateway(latency=0.0) as gateway:
            await go(gateway, [GeneralV21(prompt=p, seed=-1) for p in listing], tmp_path / out)
            sent = [one.body for one in gateway.requests if one.body]
        made = rows(tmp_path / out / "metadata.jsonl")
        for name in ("seed", "llm_seed", "sr_seed"):
            assert sorted(body[name] for body in sent) == sorted(row[name] for row in made)
        seeds.append({p: sorted(row["seed"] for row in made if row["prompt"] == p) for p in "ab"})
    assert seeds[0] == seeds[1]
    assert len({*seeds[0]["a"], *seeds[0]["b"]}) == 3


async def test_seeds_may_be_left_to_the_provider(gateway: LocalGateway, tmp_path: Path) -> None:
    """With ``seeds="server"`` a request goes out as the list has it, and is known again."""
    await go(gateway, listed("a"), tmp_path, seeds="server")
    assert gateway.requests[0].body is not None
    assert "seed" not in gateway.requests[0].body
    await go(gateway, listed("a"), tmp_path)
    assert gateway.paid == 1


async def test_what_is_in_doubt_is_reported_and_not_bought_again(tmp_path: Path) -> None:
    """By default a call in doubt stays so, run after run, and its row says since when."""
    async with LocalGateway(latency=0.0, answer=by_prompt(lost=Drop())) as gateway:
        await go(gateway, listed("lost", "fine"), tmp_path)
        report = await go(gateway, listed("lost", "fine"), tmp_path)
        assert gateway.paid_by_prompt == {"lost": 1, "fine": 1}
    assert (report.before, report.in_doubt_before) == (1, 1)
    assert not report.all_done
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert row["prompt"] == "lost"
    assert datetime.fromisoformat(row["sent"]) <= datetime.now(UTC)
    assert standings(tmp_path) == {"lost": "in doubt", "fine": "done"}


async def test_what_is_in_doubt_is_bought_again_where_the_user_says_so(tmp_path: Path) -> None:
    """It goes out once more, and its row is taken from the file of doubts."""
    async with LocalGateway(latency=0.0, answer=by_prompt(lost=Drop())) as gateway:
        await go(gateway, listed("lost", "fine"), tmp_path)
    async with LocalGateway(latency=0.0) as gateway:
        again = RetryPolicy(in_doubt="retry")
        report = await go(gateway, listed("lost", "fine"), tmp_path, retry=again)
        assert gateway.paid_by_prompt == {"lost": 1}
    assert report.all_done
    assert not (tmp_path / "in_doubt.jsonl").exists()


async def test_a_doubt_is_not_settled_by_a_refusal(tmp_path: Path) -> None:
    """Bought again and refused for its content, the first call is as doubtful as before."""
    async with LocalGateway(latency=0.0, answer=by_prompt(lost=Drop())) as gateway:
        await go(gateway, listed("lost"), tmp_path)
    refused = by_prompt(lost=service_error(50412))
    async with LocalGateway(latency=0.0, answer=refused) as gateway:
        await go(gateway, listed("lost"), tmp_path, retry=RetryPolicy(in_doubt="retry"))
    assert standings(tmp_path) == {"lost": "in doubt"}
    assert prompts(tmp_path / "in_doubt.jsonl") == ["lost"]


async def test_refused_content_stays_refused_unless_asked_for(tmp_path: Path) -> None:
    """It is sent again only with ``retry_failed``; then its old row is gone."""
    async with LocalGateway(latency=0.0, answer=by_prompt(bad=service_error(50412))) as gateway:
        await go(gateway, listed("bad", "fine"), tmp_path)
    assert standings(tmp_path) == {"bad": "refused", "fine": "done"}
    async with LocalGateway(latency=0.0) as gateway:
        report = await go(gateway, listed("bad", "fine"), tmp_path)
        assert (report.failed_before, gateway.paid) == (1, 0)
        report = await go(gateway, listed("bad", "fine"), tmp_path, retry_failed=True)
        assert gateway.paid_by_prompt == {"bad": 1}
    assert report.all_done
    assert not (tmp_path / "failed.jsonl").exists()


async def test_a_billed_failure_stays_billed_when_its_repetition_is_refused(tmp_path: Path) -> None:
    """What may have been billed once is not made free by another attempt that is."""
    async with LocalGateway(latency=0.0, answer=by_prompt(bad=service_error(50500))) as gateway:
        await go(gateway, listed("bad"), tmp_path)
    assert standings(tmp_path) == {"bad": "in doubt"}
    async with LocalGateway(latency=0.0, answer=by_prompt(bad=service_error(50412))) as gateway:
        await go(gateway, listed("bad"), tmp_path, retry_failed=True)
        assert len(gateway.requests) == 1
    assert standings(tmp_path) == {"bad": "in doubt"}


async def test_what_was_not_sent_is_sent_by_the_next_run(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    """A network that was gone loses nothing: what failed for it goes out unasked."""
    once = RetryPolicy(attempts=1, pause=0.01, longest_pause=0.02)
    async with LocalGateway(latency=0.0, port=unused_tcp_port) as gateway:
        await go(gateway, listed("first"), tmp_path)
        account = gateway.account(limits=LIMITS)
    async with Client(account, retry=once) as client:
        with pytest.raises(NotSentError):
            await run(client, listed("first", *"abc"), out=tmp_path, give_up=0.2)
    assert set(standings(tmp_path).values()) == {"done", "not sent"}
    async with LocalGateway(latency=0.0, port=unused_tcp_port) as gateway:
        report = await go(gateway, listed("first", *"abc"), tmp_path)
        assert (report.completed, gateway.paid) == (3, 3)


async def test_one_refusal_after_the_other_stops_the_job(tmp_path: Path) -> None:
    """Where access is denied, a few calls show it; the others are not sent, and none is lost."""

    async def deny(_: Received) -> Reply:
        return service_error(50400)

    many = [str(number) for number in range(100)]
    async with LocalGateway(latency=0.0, answer=deny) as gateway:
        with pytest.raises(AccessDeniedError, match="5 requests in a row") as caught:
            await go(gateway, listed(*many), tmp_path)
        assert len(gateway.requests) < 15
    assert "look at (1), (2) and (4) first" in caught.value.help
    async with LocalGateway(latency=0.0) as gateway:
        report = await go(gateway, listed(*many), tmp_path)
        assert report.all_done
        assert gateway.paid == 100


async def test_a_call_that_was_sent_when_the_process_died_is_in_doubt(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Without an image on the disk nobody can tell; it is reported with the time of its call."""
    (request,) = listed("a")
    leave(tmp_path, request)
    assert standings(tmp_path) == {"a": "in doubt"}
    report = await go(gateway, [request], tmp_path)
    assert (gateway.paid, report.in_doubt_before) == (0, 1)
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert row["message"] == "The process ended while the call was under way."
    assert row["billed"] == "unknown"
    assert row["sent"] is not None


async def test_an_image_that_died_with_the_process_is_known_to_be_billed(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Paid for and not yet saved, it is listed with its request id, and not bought again."""
    (request,) = listed("a")
    leave(tmp_path, request, paid=[Standing(url=None, expires=None)])
    assert standings(tmp_path) == {"a": "billed"}
    report = await go(gateway, [request], tmp_path)
    assert (gateway.paid, report.in_doubt_before) == (0, 1)
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert (row["request_id"], row["billed"]) == ("id-of-the-dead", "yes")
    assert standings(tmp_path) == {"a": "billed"}


@pytest.mark.parametrize("model", [GeneralV21, GeneralV14])
async def test_a_whole_image_on_the_disk_is_adopted(
    gateway: LocalGateway, tmp_path: Path, model: type[Request]
) -> None:
    """A call that had its image saved when the process died is done, and its row is written."""
    request = model(prompt="a", extra={"new_field": 1})  # type: ignore[call-arg]
    await go(gateway, [request], tmp_path / "elsewhere")
    number = leave(tmp_path / "out", request, paid=[Standing(url=None, expires=None)])
    images = tmp_path / "out" / "images"
    images.mkdir(exist_ok=True)
    shutil.copy(tmp_path / "elsewhere" / "images" / "000000.png", images / f"{number:06d}.png")
    report = await go(gateway, [request], tmp_path / "out")
    assert (gateway.paid, report.before) == (1, 1)
    (row,), (other,) = (rows(tmp_path / name / "metadata.jsonl") for name in ("out", "elsewhere"))
    assert row == {**other, "request_id": "id-of-the-dead", "sent": row["sent"], "seconds": None}
    assert row["sent"] > other["sent"]


async def test_an_adopted_image_gets_its_row_beside_the_others(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Also where the run before ended in good order, but for the image that it could not note."""
    await go(gateway, listed("a", "b"), tmp_path)
    first, second = sorted(rows(tmp_path / "metadata.jsonl"), key=str)
    assert leave(tmp_path, *listed("b"), paid=[Standing(url=None, expires=None)]) == 1
    (tmp_path / "metadata.jsonl").write_text(json.dumps(first) + "\n", encoding="utf-8")
    await go(gateway, listed("a", "b"), tmp_path)
    kept, adopted = rows(tmp_path / "metadata.jsonl")
    of_the_dead = {"request_id": "id-of-the-dead", "sent": adopted["sent"], "seconds": None}
    assert (kept, adopted) == (first, {**second, **of_the_dead})


async def test_half_an_image_is_not_adopted(gateway: LocalGateway, tmp_path: Path) -> None:
    """What is on the disk under the name of an image, and is none, settles nothing."""
    (request,) = listed("a")
    number = leave(tmp_path, request)
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "images" / f"{number:06d}.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    report = await go(gateway, [request], tmp_path)
    assert (gateway.paid, report.in_doubt_before) == (0, 1)


async def test_what_was_being_written_when_the_process_died_is_swept(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """After an unclean end the folder holds no half files, and rows as the journal has them."""
    await go(gateway, listed("a", "b"), tmp_path)
    whole = rows(tmp_path / "metadata.jsonl")
    with pytest.raises(RuntimeError), Records(tmp_path):
        raise RuntimeError  # an unclean end
    (tmp_path / "images" / ".000009.png.1-1.part").write_bytes(b"half")
    (tmp_path / ".metadata.jsonl.1-1.part").write_bytes(b"half")
    with (tmp_path / "metadata.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"file_name": "images/0000')
    await go(gateway, listed("a", "b"), tmp_path)
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == [
        "000000.png",
        "000001.png",
    ]
    assert not any(name.startswith(".") for name in os.listdir(tmp_path))  # noqa: PTH208 - names alone
    assert sorted(rows(tmp_path / "metadata.jsonl"), key=str) == sorted(whole, key=str)


async def test_a_paid_image_is_fetched_by_the_next_run(tmp_path: Path) -> None:
    """A call that was paid for and whose image stands at its URL is not bought again."""
    request = GeneralV21(prompt="a", return_url=True)
    async with (
        LocalGateway(latency=0.0) as gateway,
        Client(gateway.account(), download=False) as client,
    ):
        made = (await client.generate(request)).image
        leave(tmp_path, request, paid=[Standing(url=made.url, expires=made.expires)])
        assert standings(tmp_path) == {"a": "billed"}
        report = await go(gateway, [request], tmp_path)
        assert (report.completed, gateway.paid) == (1, 1)
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert (row["prompt"], row["request_id"]) == ("a", "id-of-the-dead")
    assert (row["sent"] is None, row["seconds"]) == (False, None)
    assert standings(tmp_path) == {"a": "done"}


async def test_an_image_that_is_fetched_later_keeps_the_times_of_its_call(tmp_path: Path) -> None:
    """What the run that paid for it saw stands in the row that another writes."""
    requests = [GeneralV21(prompt="a", return_url=True)]
    async with LocalGateway(latency=0.0) as gateway:
        async with Client(gateway.account(), download=False) as client:
            await run(client, requests, out=tmp_path)
        (waiting,) = rows(tmp_path / "failed.jsonl")
        await go(gateway, requests, tmp_path)
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert waiting["seconds"] > 0
    assert (row["sent"], row["seconds"]) == (waiting["sent"], waiting["seconds"])


async def test_an_image_that_cannot_be_fetched_waits_for_the_next_run(tmp_path: Path) -> None:
    """While its URL lives it stays paid for and to be fetched, and its failure has a row."""
    request = GeneralV21(prompt="a", return_url=True)
    async with LocalGateway(latency=0.0) as gateway:
        url = gateway.url.replace("/volcv/v1", "/nothing.png")
        later = datetime.now(UTC) + timedelta(hours=1)
        leave(tmp_path, request, paid=[Standing(url=url, expires=later)])
        for _ in range(2):
            report = await go(gateway, [request], tmp_path)
            assert (report.failed, gateway.paid) == (1, 0)
            assert prompts(tmp_path / "failed.jsonl") == ["a"]
            assert standings(tmp_path) == {"a": "billed"}


async def test_an_image_is_asked_for_once_more_after_its_url_expired(tmp_path: Path) -> None:
    """Clocks differ and an expiry may be a guess: only the other end's refusal ends the waiting."""
    request = GeneralV21(prompt="a", return_url=True)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    async with (
        LocalGateway(latency=0.0) as gateway,
        Client(gateway.account(), download=False) as client,
    ):
        made = (await client.generate(request)).image
        leave(tmp_path, request, paid=[Standing(url=made.url, expires=long_ago)])
        report = await go(gateway, [request], tmp_path)
        assert (report.completed, gateway.paid) == (1, 1)


async def test_a_refused_url_that_expired_ends_the_waiting(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """When its URL is dead, a paid image is lost, and bought again only where asked for."""
    request = GeneralV21(prompt="a", return_url=True)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    url = gateway.url.replace("/volcv/v1", "/nothing.png")
    leave(tmp_path, request, paid=[Standing(url=url, expires=long_ago)])
    report = await go(gateway, [request], tmp_path)
    assert (report.failed, gateway.paid) == (1, 0)
    report = await go(gateway, [request], tmp_path)
    assert (report.failed_before, gateway.paid) == (1, 0)
    report = await go(gateway, [request], tmp_path, retry_failed=True)
    assert (report.completed, gateway.paid) == (1, 1)
    (row,) = rows(tmp_path / "metadata.jsonl")
    assert row["earlier_request_ids"] == ["id-of-the-dead"]
    assert row["perhaps_billed"] == 1


async def test_an_unreachable_host_loses_no_image_that_is_paid_for(
    gateway: LocalGateway, tmp_path: Path, unused_tcp_port: int
) -> None:
    """After its URL expired, too, an image that nobody refused waits for the next run."""
    request = GeneralV21(prompt="a", return_url=True)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    url = f"http://127.0.0.1:{unused_tcp_port}/a.png"
    leave(tmp_path, request, paid=[Standing(url=url, expires=long_ago)])
    brief = Timeouts(attempt=0.3)
    async with Client(gateway.account(limits=LIMITS), retry=QUICK, timeouts=brief) as client:
        report = await run(client, [request], out=tmp_path)
    assert (report.failed, gateway.paid) == (1, 0)
    assert standings(tmp_path) == {"a": "billed"}
    (status,) = read_status(tmp_path)
    assert status.url == url


async def test_what_was_billed_for_certain_stays_so(tmp_path: Path) -> None:
    """Bought again on request and in doubt then, both calls can be accounted for."""
    broken = Canned(body=b'{"code":10000,"request_id":"R1","data":{"binary_data_base64":["eA=="]}}')
    async with LocalGateway(latency=0.0, answer=by_prompt(a=broken)) as gateway:
        await go(gateway, listed("a"), tmp_path)
    assert standings(tmp_path) == {"a": "billed"}
    async with LocalGateway(latency=0.0, answer=by_prompt(a=Drop())) as gateway:
        report = await go(gateway, listed("a"), tmp_path, retry_failed=True)
        assert report.in_doubt == 1
    (status,) = read_status(tmp_path)
    assert (status.standing, status.perhaps_billed) == ("billed", 1)
    assert status.earlier_request_ids == ("R1",)


async def test_a_kill_during_a_repetition_forgets_no_earlier_bill(tmp_path: Path) -> None:
    """What was billed before the call that died is still told, with its request id."""
    broken = Canned(body=b'{"code":10000,"request_id":"R1","data":{"binary_data_base64":["eA=="]}}')
    async with LocalGateway(latency=0.0, answer=by_prompt(a=broken)) as gateway:
        await go(gateway, listed("a"), tmp_path)
    leave(tmp_path, *listed("a"))
    survey(tmp_path, [], wishes=Wishes())
    (status,) = read_status(tmp_path)
    assert (status.standing, status.perhaps_billed) == ("billed", 1)
    assert status.earlier_request_ids == ("R1",)


async def test_what_is_bought_again_is_counted(tmp_path: Path) -> None:
    """A call in doubt that was bought again stays in the row, in the report and in the status."""
    async with LocalGateway(latency=0.0, answer=by_prompt(a=Drop())) as gateway:
        await go(gateway, listed("a"), tmp_path)
    async with LocalGateway(latency=0.0) as gateway:
        report = await go(gateway, listed("a"), tmp_path, retry=RetryPolicy(in_doubt="retry"))
    assert (report.paid, report.perhaps_paid) == (1, 1)
    (status,) = read_status(tmp_path)
    assert (status.standing, status.perhaps_billed) == ("done", 1)


async def test_a_doubt_that_could_not_be_sent_again_stays_one(tmp_path: Path) -> None:
    """In doubt, then refused for its content: it is in doubt, and "retry" sends it once more."""
    says: list[Reply] = [Drop(), service_error(50412)]

    async def script(_: Received) -> Reply | None:
        return says.pop(0) if says else None

    again = RetryPolicy(in_doubt="retry", pause=0.01)
    async with LocalGateway(latency=0.0, answer=script) as gateway:
        report = await go(gateway, listed("a"), tmp_path, retry=again)
        assert report.in_doubt == 1
        assert prompts(tmp_path / "in_doubt.jsonl") == ["a"]
        report = await go(gateway, listed("a"), tmp_path, retry=again)
        assert report.all_done


async def test_a_doubt_before_a_refused_key_is_written_down(tmp_path: Path) -> None:
    """The request in whose place the refusal is raised may have been billed, and is told of."""
    says: list[Reply] = [
        Drop(),
        gateway_error(401, "Invalid token", code="", request_id="r"),
    ]

    async def script(_: Received) -> Reply | None:
        return says.pop(0) if says else None

    again = RetryPolicy(in_doubt="retry", pause=0.01)
    async with LocalGateway(latency=0.0, answer=script) as gateway:
        with pytest.raises(AuthenticationError):
            await go(gateway, listed("a"), tmp_path, retry=again)
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert (row["prompt"], row["error"]) == ("a", "AuthenticationError")


async def test_a_doubt_of_an_earlier_run_outlives_a_refused_key(tmp_path: Path) -> None:
    """Bought again with a key that is refused, what was in doubt stays so and in its file."""
    async with LocalGateway(latency=0.0, answer=by_prompt(a=Drop())) as gateway:
        await go(gateway, listed("a"), tmp_path)
    refused = gateway_error(401, "Invalid token", code="", request_id="r")
    async with LocalGateway(latency=0.0, answer=by_prompt(a=refused)) as gateway:
        with pytest.raises(AuthenticationError):
            await go(gateway, listed("a"), tmp_path, retry=RetryPolicy(in_doubt="retry"))
    assert standings(tmp_path) == {"a": "in doubt"}
    assert prompts(tmp_path / "in_doubt.jsonl") == ["a"]


async def test_what_a_table_says_may_be_repeated_is_sent_by_the_next_run(tmp_path: Path) -> None:
    """A gateway with nothing behind it refuses before anything is made; the list is not burned."""
    nothing = Canned(
        status=503,
        body=b'{"error":{"message":"no channel","type":"x","code":"model_not_found"}}',
    )
    async with LocalGateway(latency=0.0, answer=by_prompt(a=nothing)) as gateway:
        report = await go(gateway, listed("a"), tmp_path)
        assert report.failed == 1
    assert standings(tmp_path) == {"a": "not sent"}
    async with LocalGateway(latency=0.0) as gateway:
        report = await go(gateway, listed("a"), tmp_path)
        assert report.all_done


async def test_the_whole_images_of_a_broken_reply_keep_their_rows(tmp_path: Path) -> None:
    """After an unclean end, too, each picture in the folder that was paid for has its row."""
    async with LocalGateway(latency=0.0) as donor:
        await go(donor, listed("a"), tmp_path / "small")
    whole = (tmp_path / "small" / "images" / "000000.png").read_bytes()
    texts = [base64.b64encode(data).decode() for data in (whole, b"half")]
    body = {"code": 10000, "data": {"binary_data_base64": texts}, "request_id": "R1"}
    twice = Canned(body=json.dumps(body).encode(), paid=True)
    out = tmp_path / "out"
    async with LocalGateway(latency=0.0, answer=by_prompt(a=twice)) as gateway:
        await go(gateway, listed("a"), out)
        (before,) = rows(out / "metadata.jsonl")
        with pytest.raises(RuntimeError), Records(out):
            raise RuntimeError  # an unclean end
        await go(gateway, listed("a"), out)
    assert rows(out / "metadata.jsonl") == [before]
    assert prompts(out / "failed.jsonl") == ["a"]


async def test_what_is_left_at_its_url_remembers_what_went_before(tmp_path: Path) -> None:
    """A client that does not download leaves the seed that was sent last, and what it cost."""
    says: list[Reply] = [service_error(50511)]

    async def script(_: Received) -> Reply | None:
        return says.pop(0) if says else None

    async with (
        LocalGateway(latency=0.0, answer=script) as gateway,
        Client(gateway.account(), download=False, retry=RetryPolicy(rerolls=1)) as client,
    ):
        request = GeneralV21(prompt="a", seed=5, return_url=True)
        report = await run(client, [request], out=tmp_path)
        assert gateway.requests[1].body is not None
    assert report.perhaps_paid == 1
    (row,) = rows(tmp_path / "failed.jsonl")
    assert row["request"]["seed"] == gateway.requests[1].body["seed"] != 5
    assert row["seeds_refused"] == [5]


async def test_a_wrong_path_loses_no_prompt(tmp_path: Path) -> None:
    """What met a 404 of the address says nothing of the prompts: all go out at the right one."""
    lost = Canned(status=404, body=b"nothing here")
    many = [str(number) for number in range(8)]
    async with LocalGateway(latency=0.0, answer=by_prompt(**dict.fromkeys(many, lost))) as gateway:
        with pytest.raises(InvalidRequestError):
            await go(gateway, listed(*many), tmp_path)
    async with LocalGateway(latency=0.0) as gateway:
        report = await go(gateway, listed(*many), tmp_path)
        assert report.all_done
        assert gateway.paid == 8


async def test_an_older_image_is_not_adopted_for_a_newer_call(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """A file that lay there before the call went out says nothing of it."""
    (request,) = listed("a")
    await go(gateway, [request], tmp_path / "elsewhere")
    number = leave(tmp_path / "out", request)
    image = tmp_path / "out" / "images" / f"{number:06d}.png"
    place(image, (tmp_path / "elsewhere" / "images" / "000000.png").read_bytes(), age=60.0)
    report = await go(gateway, [request], tmp_path / "out")
    assert (report.before, report.in_doubt_before) == (0, 1)


async def test_fetching_can_be_interrupted(tmp_path: Path) -> None:
    """A run that is cancelled while it fetches leaves what is paid for to the next one."""
    request = GeneralV21(prompt="a", return_url=True)
    came, held = asyncio.Event(), asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        await held.wait()
        writer.close()

    async with (
        await asyncio.start_server(hold, "127.0.0.1", 0) as server,
        LocalGateway(latency=0.0) as gateway,
    ):
        port = server.sockets[0].getsockname()[1]
        later = datetime.now(UTC) + timedelta(hours=1)
        url = f"http://127.0.0.1:{port}/a.png"
        leave(tmp_path, request, paid=[Standing(url=url, expires=later)])
        job = asyncio.create_task(go(gateway, [request], tmp_path))
        await came.wait()
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        held.set()
        assert gateway.paid == 0
    assert standings(tmp_path) == {"a": "billed"}


async def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """While one run is on, another says who holds the folder, and sends nothing."""
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def hold(_: Received) -> None:
        arrived.set()
        await let_go.wait()

    async with LocalGateway(latency=0.0, answer=hold) as gateway:
        job = asyncio.create_task(go(gateway, listed("a"), tmp_path))
        await arrived.wait()
        with pytest.raises(ConfigurationError, match="in use by process"):
            await go(gateway, listed("b"), tmp_path)
        assert standings(tmp_path) == {"a": "in doubt"}
        let_go.set()
        await job
        assert gateway.paid == 1


async def test_a_size_other_than_asked_for_is_warned_of_once(
    tmp_path: Path,
) -> None:
    """It is kept as it came, with a warning for the first and a note in each row."""
    async with LocalGateway(latency=0.0) as donor:
        await go(donor, listed("a"), tmp_path / "small")
    small = (tmp_path / "small" / "images" / "000000.png").read_bytes()

    async def answer(_: Received) -> Canned:
        return picture_reply(small)

    async with LocalGateway(latency=0.0, answer=answer) as gateway:
        asked = [GeneralV14(prompt=p, width=512, height=512) for p in "abc"]
        with pytest.warns(VolcvWarning, match="256 x 256 pixels where") as warned:
            report = await go(gateway, asked, tmp_path / "out")
            await asyncio.sleep(0)
    assert len(warned) == 1
    assert report.completed == 3
    noted = [row["size_asked_for"] for row in rows(tmp_path / "out" / "metadata.jsonl")]
    assert noted == [[1024, 1024]] * 3


async def test_an_endless_source_is_pulled_as_calls_go_out(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """A job over a source without an end, asynchronous and closed in the end, keeps its books."""
    closed = asyncio.Event()

    async def source() -> AsyncIterator[GeneralV21]:
        number = 0
        try:
            while True:
                yield listed(str(number))[0]
                number += 1
        finally:
            closed.set()

    seen: list[Outcome] = []

    def stop(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 10:
            job.cancel()

    async with Client(gateway.account(limits=LIMITS)) as client:
        job = asyncio.create_task(run(client, source(), out=tmp_path, on_outcome=stop))
        with pytest.raises(asyncio.CancelledError):
            await job
    assert closed.is_set()
    made = [outcome for outcome in seen if isinstance(outcome, Completed)]
    assert gateway.paid == len(made) == len(rows(tmp_path / "metadata.jsonl")) < 30
    # What was being written down as going out when the job ended was called off, and is free.
    assert {outcome.billed for outcome in seen if outcome not in made} <= {"no"}


class Numbers:
    """A source that is asynchronous and no generator."""

    def __init__(self) -> None:
        self._left = iter(listed(*"abc"))

    def __aiter__(self) -> Numbers:
        return self

    async def __anext__(self) -> GeneralV21:
        for request in self._left:
            return request
        raise StopAsyncIteration


async def test_a_source_may_be_any_asynchronous_iterator(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """One without an end to be told of is taken as it is."""
    report = await go(gateway, Numbers(), tmp_path)
    assert report.completed == 3


async def test_an_older_list_is_no_noise(gateway: LocalGateway, tmp_path: Path) -> None:
    """What was listed, never sent, and is no more in the list, is not told as to do."""
    survey(tmp_path, listed("old", "kept"), wishes=Wishes())
    await go(gateway, listed("kept", "new"), tmp_path)
    assert standings(tmp_path) == {"kept": "done", "new": "done"}


async def test_a_run_that_ends_early_leaves_the_rest_to_do(tmp_path: Path) -> None:
    """After a refused key, what was not pulled of the list is still told as not sent."""
    denied = by_prompt(b=gateway_error(401, "Invalid token", code="", request_id="r"))
    survey(tmp_path, listed(*"abc"), wishes=Wishes())
    async with LocalGateway(latency=0.0, answer=denied) as gateway:
        one = Limits(concurrency=1, adaptive=False)
        async with Client(gateway.account(limits=one), retry=QUICK) as client:
            with pytest.raises(AuthenticationError):
                await run(client, listed(*"abc"), out=tmp_path)
    assert standings(tmp_path) == {"a": "done", "b": "not sent", "c": "not sent"}


async def test_an_interrupted_run_leaves_its_rows_in_order(tmp_path: Path) -> None:
    """What was bought again before the interruption stands no more in the file of doubts."""
    async with LocalGateway(latency=0.0, answer=by_prompt(a=Drop(), b=Drop())) as gateway:
        await go(gateway, listed(*"ab"), tmp_path)
    done = asyncio.Event()

    async def hold(received: Received) -> None:
        if received.prompt == "b":
            await done.wait()

    def stop(_: Outcome) -> None:
        if not done.is_set():  # a second time would cut off what is in flight
            job.cancel()
            done.set()

    async with LocalGateway(latency=0.0, answer=hold) as gateway:
        again = RetryPolicy(in_doubt="retry")
        job = asyncio.create_task(
            go(gateway, listed(*"abc"), tmp_path, retry=again, on_outcome=stop, concurrency=2)
        )
        with pytest.raises(asyncio.CancelledError):
            await job
    assert not (tmp_path / "in_doubt.jsonl").exists()


async def test_what_is_no_request_ends_the_job_as_a_slip(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """A list of texts is a programming error, said as one."""
    wrong: Iterator[Any] = iter(["a red fox"])
    with pytest.raises(TypeError, match="a stream takes requests"):
        await go(gateway, wrong, tmp_path)


async def test_a_variant_without_a_class_goes_on_too(gateway: LocalGateway, tmp_path: Path) -> None:
    """A raw request is known again, and adopted or fetched as any other."""
    body = {"prompt": "a", "seed": -1}
    request = RawRequest(req_key="high_aes_general_v21_L", body=body)
    leave(tmp_path, request)
    report = await go(gateway, [request, request], tmp_path)
    assert (report.completed, report.in_doubt_before) == (1, 1)
    (row,) = rows(tmp_path / "in_doubt.jsonl")
    assert row["model"] == "RawRequest"
    assert row["request"]["seed"] >= 0


async def test_a_deadline_may_be_the_jobs_own(gateway: LocalGateway, tmp_path: Path) -> None:
    """The job's timeouts go for what it sends."""
    report = await go(gateway, listed("a"), tmp_path, timeouts=Timeouts(deadline=60.0))
    assert report.completed == 1
