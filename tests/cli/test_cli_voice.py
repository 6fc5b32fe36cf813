"""What a run says to a program, to a log, and where little or much is asked for."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from itertools import repeat
from pathlib import Path

import pytest
from command_of_tests import (
    SMALL,
    VOLCV,
    good_bad_lost,
    provider,
    read_to_the_end,
    rows,
    start,
    write,
)

from volcv_async.cli import main
from volcv_async.cli.endings import as_line
from volcv_async.cli.logfile import in_words, logging_to
from volcv_async.cli.objects import Output
from volcv_async.cli.session import ReaderGoneError
from volcv_async.errors import ContentRejectedError
from volcv_async.events import Learned, LimitLearned
from volcv_async.gateway import Answer, Canned, LocalGateway, Received
from volcv_async.models import GeneralV21
from volcv_async.results import Failed

pytestmark = pytest.mark.usefixtures("empty_folder")

RUN = ["run", "list.txt", "-o", "out", *SMALL]


def listed(*prompts: str) -> None:
    write("list.txt", "".join(f"{one}\n" for one in prompts))


def test_a_program_reads_paths() -> None:
    """Through a pipe each image is an object, of the folder ``out`` unless another is named."""
    listed("a cat", "一只狐狸")
    words = ["run", "list.txt", *SMALL, "--local"]
    script = "import json, sys\nfor line in sys.stdin: print(json.loads(line)['file_name'])"
    with subprocess.Popen(  # noqa: S603 - our own command
        [VOLCV, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        reading = [sys.executable, "-c", script]
        read = subprocess.run(reading, stdin=run.stdout, capture_output=True, check=True)  # noqa: S603
        assert run.stderr is not None
        said = run.stderr.read().decode()
    assert run.returncode == 0
    paths = read.stdout.decode().split()
    assert sorted(paths) == ["images/000000.png", "images/000001.png"]
    assert all(Path("out", path).exists() for path in paths)
    assert "2 images in " in said


def test_a_pipe_can_have_the_words_instead() -> None:
    """With ``--no-json`` it gets what a terminal would; a dry run says its words anyway."""
    listed("a cat")
    for words, says in (["--dry-run"], "1 prompt: 1 to do."), (["--no-json"], "1 image in "):
        done = subprocess.run(  # noqa: S603 - our own command
            [VOLCV, *RUN, "--local", *words], capture_output=True, check=True, text=True
        )
        assert says in done.stdout


def test_an_object_is_the_row_and_its_state(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What was made, refused and lost are each the row of its file, with what became of it."""
    listed("good", "bad", "lost")
    with provider(monkeypatch, good_bad_lost):
        assert main([*RUN, "--json"]) == 1
    objects = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    by_state = {one.pop("state"): one for one in objects}
    assert by_state == {
        "done": rows("out/metadata.jsonl")[0],
        "failed": rows("out/failed.jsonl")[0],
        "in doubt": rows("out/in_doubt.jsonl")[0],
    }


def test_a_column_called_state_keeps_its_value(capfd: pytest.CaptureFixture[str]) -> None:
    """What became of a request stands under ``state``; the list's own goes out of the way."""
    write("list.csv", "prompt,state\na cat,Ohio\n")
    assert main(["run", "list.csv", *SMALL, "--local", "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert (said["state"], said["list_state"]) == ("done", "Ohio")


async def test_an_object_comes_at_once() -> None:
    """The first can be read while the second image is still being made."""
    listed("a", "b")
    second = asyncio.Event()

    async def hold_second(received: Received) -> None:
        if received.prompt == "b":
            await second.wait()

    async with LocalGateway(latency=0.0, answer=hold_second) as gateway:
        process = await start(gateway, *RUN, "--json")
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["prompt"] == "a"
        second.set()
        rest, _ = await process.communicate()
    assert json.loads(rest)["prompt"] == "b"


def all_but_one_waits_for(event: asyncio.Event) -> Answer:
    """Script a provider that answers the first request at once, and the others then."""

    async def hold(received: Received) -> None:
        if received.number:
            await event.wait()

    return hold


async def test_a_reader_that_goes_ends_the_run() -> None:
    """After the first line nothing new goes out; what is paid for has its row; it ends with 141."""
    listed(*map(str, range(400)))
    gone = asyncio.Event()
    async with LocalGateway(latency=0.0, answer=all_but_one_waits_for(gone)) as gateway:
        ours, theirs = os.pipe()
        process = await start(gateway, *RUN, "--json", "--concurrency", "4", stdout=theirs)
        os.close(theirs)
        with os.fdopen(ours) as read:
            assert json.loads(await asyncio.to_thread(read.readline))["state"] == "done"
        gone.set()
        _, said = await process.communicate()
        assert process.returncode == 141
        assert gateway.paid < 40
        assert len(rows("out/metadata.jsonl")) == gateway.paid
    lines = said.decode().splitlines()
    assert "Traceback" not in said.decode()
    assert lines[-1].startswith("To go on where it stopped: volcv run list.txt")


async def test_a_reader_that_goes_when_all_is_out_changes_nothing() -> None:
    """Where nothing was left to send, the end is what it would have been."""
    listed("a", "b")
    gone = asyncio.Event()
    async with LocalGateway(latency=0.0, answer=all_but_one_waits_for(gone)) as gateway:
        ours, theirs = os.pipe()
        process = await start(gateway, *RUN, "--json", "--concurrency", "2", stdout=theirs)
        os.close(theirs)
        with os.fdopen(ours) as read:
            await asyncio.to_thread(read.readline)
        gone.set()
        _, said = await process.communicate()
        assert process.returncode == 0
        assert gateway.paid == 2
    assert b"2 images in " in said


async def test_a_reader_that_is_slow_slows_the_sending() -> None:
    """While too much is unread the source waits, and the loop does not; read, it goes on."""
    requests = [GeneralV21(prompt=prompt) for prompt in "ab"]
    ours, theirs = os.pipe()
    with Output(FileIO(theirs, "w")) as output, os.fdopen(ours, "rb") as read:
        source = output.read_along(requests)
        assert await anext(source) is requests[0]
        for _ in range(200):
            output.write(b"x" * 1023 + b"\n")
        waiting = asyncio.ensure_future(anext(source))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        lines = [await asyncio.to_thread(read.readline) for _ in range(200)]
        assert await waiting is requests[1]
        await source.aclose()
    assert {len(line) for line in lines} == {1024}


async def test_a_source_is_not_pulled_for_a_reader_who_has_gone() -> None:
    """Within this process as between two: the source ends, and the output with no complaint."""
    ours, theirs = os.pipe()
    os.close(ours)
    with Output(FileIO(theirs, "w")) as output:
        for _ in range(2):
            output.write(b"{}\n")
        with pytest.raises(ReaderGoneError):
            async for _ in output.read_along(repeat(GeneralV21(prompt="a"))):
                await asyncio.sleep(0)


def test_an_output_that_cannot_be_written_says_so_at_its_end() -> None:
    """What else goes wrong there is raised, once nothing else was."""
    with pytest.raises(OSError, match="No space left"):
        with Output(FileIO("/dev/full", "w")) as output:
            output.write(b"{}\n")


def test_standard_output_on_a_full_disk_is_said() -> None:
    """That is no reader who has gone: it ends with 3, says why, and keeps what was made."""
    listed(*map(str, range(40)))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [VOLCV, *RUN, "--local", "--json"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert b"Error: No space left on device" in done.stderr
    assert rows("out/metadata.jsonl")


def test_a_last_line_that_cannot_be_written_is_said() -> None:
    """Though all was sent, an output that is not whole is no success."""
    listed("a")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 - our own command
            [VOLCV, *RUN, "--local", "--json"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert len(rows("out/metadata.jsonl")) == 1


def test_standard_error_on_a_full_disk_ends_no_run() -> None:
    """What is said there is of less worth than the images: all are made."""
    listed("a", "b")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([VOLCV, *RUN, "--local", "-v"], stderr=full, check=False)  # noqa: S603 - our own command
    assert done.returncode == 0
    assert len(rows("out/metadata.jsonl")) == 2


def test_quiet_says_only_errors(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an error there is not a word; with some, why and where they are."""
    listed("good")
    with provider(monkeypatch, good_bad_lost):
        assert main([*RUN, "-q"]) == 0
        assert capsys.readouterr() == ("", "")
        listed("good", "bad")
        assert main([*RUN, "--quiet"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    first, second = said.err.splitlines()
    assert first.startswith("ContentRejectedError, 1 in all.")
    assert second == "Each is a row of failed.jsonl or in_doubt.jsonl in out."


def test_what_is_in_doubt_comes_with_the_way_to_buy_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody pays twice unasked, and nobody has to search how to ask for it."""
    listed("lost")
    with provider(monkeypatch, good_bad_lost):
        assert main([*RUN, "-q"]) == 1
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "What is in doubt may be billed: only --in-doubt retry buys it again."


def test_quiet_and_verbose_contradict(capsys: pytest.CaptureFixture[str]) -> None:
    """Both at once are a mistake in the words."""
    listed("a")
    assert main([*RUN, "--local", "-q", "-v"]) == 2
    assert "--quiet and -v" in capsys.readouterr().err
    assert not Path("out").exists()


def test_verbose_says_how_each_request_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each, with its number, its picture or why there is none, and its prompt."""
    listed("good", "bad")
    with provider(monkeypatch, good_bad_lost):
        assert main([*RUN, "-v"]) == 1
    said = capsys.readouterr().err
    assert "000000 done · images/000000.png · good\n" in said
    assert re.search(r"^000001 failed · .*50412.* · bad$", said, re.MULTILINE)


def test_verbose_lines_are_cut_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes one row there, however long its prompt; elsewhere nothing is cut."""
    listed("and on " * 40)
    ours, theirs = os.openpty()
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    with ThreadPoolExecutor() as threads:
        shown = threads.submit(read_to_the_end, ours)
        with os.fdopen(theirs, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            assert main([*RUN, "--local", "-v"]) == 0
    [line] = re.findall(r"000000 done [^\r\n]*", shown.result())
    assert len(line) == 59
    assert line.endswith("…")


def test_a_line_is_one_whatever_is_in_it() -> None:
    """A prompt and a provider's words may hold what a terminal would take for a command."""
    error = ContentRejectedError("No\n\x1b[2Jway.")
    outcome = Failed(index=1, request=GeneralV21(prompt="a\tb\x07"), attempts=1, error=error)
    line = as_line(outcome, [])
    assert line.isprintable()
    assert line.endswith(" · a b")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_objects_on_a_terminal_are_not_torn_by_a_view(words: list[str]) -> None:
    """A view stays on its lines; where objects scroll past there is none."""
    listed("a", "b")
    ours, theirs = os.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        [VOLCV, *RUN, "--local", *words],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        shown = read_to_the_end(ours)
    assert process.returncode == 0
    assert ("in flight" in shown) is not bool(words)


def test_a_log_has_every_event_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt's start and end is a line, and the key is in none."""
    listed("good", "千军万马", "bad")
    with provider(monkeypatch, good_bad_lost):
        assert main([*RUN, "--log-file", "run.log"]) == 1
    lines = Path("run.log").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z request \d, ", one) for one in lines
    )
    assert any(re.search(r" goes out to 127\.0\.0\.1:\d+ · 千军万马$", one) for one in lines)
    assert any(re.search(r" answered after \d+\.\d\d s$", one) for one in lines)
    assert any(" rejected after " in one and "50412" in one for one in lines)
    assert "local-key" not in "".join(lines)


def test_a_log_is_gone_on_with() -> None:
    """A second run appends, and the library's own log is as it was."""
    log = logging.getLogger("volcv_async")
    before = (log.level, list(log.handlers))
    for text in ("first", "second"):
        with logging_to(Path("run.log")):
            log.warning(text)
    assert [one.split()[-1] for one in Path("run.log").read_text().splitlines()] == [
        "first",
        "second",
    ]
    assert (log.level, log.handlers) == before


def test_a_log_that_cannot_be_opened_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 2 before anything is sent."""
    listed("a")
    assert main([*RUN, "--local", "--log-file", "none/run.log"]) == 2
    assert "none/run.log: No such file" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_log_on_a_full_disk_ends_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    """It is said once, and every image is made."""
    listed("a", "b")
    assert main([*RUN, "--local", "--log-file", "/dev/full"]) == 0
    assert capsys.readouterr().err.count("/dev/full cannot be written; the run goes on") == 1
    assert len(rows("out/metadata.jsonl")) == 2


def test_what_was_learned_is_logged_in_words() -> None:
    """An event that is of no attempt says its name and its facts, on one line."""
    learned = Learned(account="here", model="m", rate=2.0, concurrency=None)
    assert in_words(LimitLearned(learned=learned, of="rate")) == (
        "LimitLearned: learned Learned(account='here', model='m', rate=2.0, concurrency=None), "
        "of rate"
    )


def test_a_run_is_not_ended_by_one_odd_picture(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Half a character in a provider's words becomes its escape, and the line is still JSON."""
    listed("a")

    async def script(_: Received) -> Canned:
        body = rb'{"code": 50412, "message": "no \ud800 way", "request_id": "r"}'
        return Canned(body=body, status=400)

    with provider(monkeypatch, script):
        assert main([*RUN, "--json"]) == 1
    assert "no \ud800 way" in json.loads(capfd.readouterr().out)["message"]
