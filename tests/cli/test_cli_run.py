"""``volcv run``, ``demo`` and ``generate``: what is printed, what lies there, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
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
from volcv_async.gateway import Answer, Canned, Drop, LocalGateway, Received, service_error
from volcv_async.gateway.answers import Reply, gateway_error

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_a_list_becomes_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """Images, rows and gallery are there, results are on standard output, and the end is 0."""
    listed = write("list.tsv", "Prompt\tx\n[bold]cat[/bold]\t1\n 42 \t2\n千军万马\t3\n")
    assert main(["run", listed, "--local", "-o", "out", *SMALL]) == 0
    assert {row["prompt"] for row in rows("out/metadata.jsonl")} == {
        "[bold]cat[/bold]",
        " 42 ",
        "千军万马",
    }
    assert all(Path("out", row["file_name"]).exists() for row in rows("out/metadata.jsonl"))
    said = capsys.readouterr()
    gallery, figures = said.out.splitlines()
    assert gallery == str(Path("out/index.html"))
    assert figures.startswith("3 images in ")
    assert figures.endswith(", 0 failed, 0 in doubt → out")
    assert said.err == ""


def test_a_run_need_not_wait_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """It flushes none of its images then, and every one is there."""
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    listed = write("list.txt", "a\nb\nc\nd\ne\nf\ng\nh\n")
    run = ["run", listed, "--local", *SMALL]
    assert main([*run, "-o", "quick", "--no-fsync"]) == 0
    quick = len(flushed)
    assert main([*run, "-o", "safe"]) == 0
    assert len(flushed) - quick >= quick + 2 * 8
    assert len(rows("quick/metadata.jsonl")) == len(rows("safe/metadata.jsonl")) == 8


def test_rate_and_concurrency_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stated on the command line binds the account."""
    listed = write("list.txt", "\n".join("abcdef"))
    with provider(monkeypatch) as gateway:
        words = ["--rate", "20", "--concurrency", "1", "--model", "GeneralV14", "-p", "width=128"]
        assert main(["run", listed, "-o", "out", *words]) == 0
        assert gateway.most_in_flight == 1
        assert gateway.worst_window(0.2) <= 5
        assert {one.req_key for one in gateway.requests} == {"high_aes_general_v14"}


def test_what_fails_is_said_by_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused prompt and one in doubt make it 1, and the figures count them."""
    with provider(monkeypatch, good_bad_lost):
        code = main(["run", write("list.txt", "good\nbad\nlost\n"), "-o", "out", *SMALL])
    assert code == 1
    assert "1 failed, 1 in doubt" in capsys.readouterr().out
    assert len(rows("out/failed.jsonl")) == 1


def test_a_run_without_an_image_has_no_gallery(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to show, and the figures say so."""

    async def refuse(_: Received) -> Canned:
        return service_error(50412)

    with provider(monkeypatch, refuse):
        assert main(["run", write("list.txt", "bad\n"), "-o", "out"]) == 1
    assert capsys.readouterr().out.startswith("0 images in ")
    assert not Path("out/index.html").exists()


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("", [], "list.csv, line 1: has no column that is the prompt's"),
        ("prompt\n", [], "list.csv holds no prompts."),
        (
            "prompt\na\n\n''\n\"\"\n",
            ["--strict"],
            "list.csv, line 5: GeneralV21: prompt='' is empty.",
        ),
        ("a,b\n1,2\n", [], "--prompt-column"),
        ("prompt\na\n", ["-p", "widht=1"], "Did you mean width?"),
        ("prompt\na\n", ["-p", "width"], "no '=' in it"),
        ("prompt\na\n", ["--rate", "-1"], "--rate -1 makes no sense."),
        ("prompt\na\n", ["--concurrency", "0"], "--concurrency 0 makes no sense."),
        ("prompt\na\n", ["--drain", "-1"], "--drain -1 makes no sense."),
        ("prompt\na\n", ["--drain", "nan"], "--drain nan makes no sense."),
        ("prompt\na\n", ["--give-up", "0"], "--give-up 0 makes no sense."),
        ("prompt\na\n", ["--give-up", "nan"], "--give-up nan makes no sense."),
        ("prompt\na\n", ["--model", "V9"], "There is no model 'V9'."),
    ],
)
def test_bad_input_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    options: list[str],
    says: str,
) -> None:
    """It ends with 2, in plain lines, and makes no folder."""
    with provider(monkeypatch) as gateway:
        assert main(["run", write("list.csv", content), "-o", "out", *options]) == 2
        assert not gateway.requests
    said = capsys.readouterr()
    assert says in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not Path("out").exists()


def test_patience_may_be_without_an_end() -> None:
    """An outage and calls in flight may be waited for until they end."""
    words = ["run", write("list.txt", "a\n"), "--local", "-o", "out", *SMALL]
    assert main([*words, "--give-up", "inf", "--drain", "inf"]) == 0


def test_a_missing_list_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 2, and names the file."""
    assert main(["run", "none.txt", "--local", "-o", "out"]) == 2
    assert "none.txt" in capsys.readouterr().err


def test_the_same_words_again_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is not sent again, what is new is, and the line before it says how it stands."""
    words = ["run", write("list.txt", "a red fox\n"), "--local", "-o", "out", *SMALL]
    assert main(words) == 0
    assert capsys.readouterr().err == ""
    write("list.txt", "a hare\na red fox\n")
    assert main(words) == 0
    said = capsys.readouterr()
    assert "Going on in out: 1 done, 1 to do." in said.err
    assert "1 image in " in said.out
    assert "1 done before, 0 failed, 0 in doubt" in said.out
    assert [row["prompt"] for row in rows("out/metadata.jsonl")] == ["a red fox", "a hare"]
    assert main(words) == 0
    assert "Going on in out: 2 done, 0 to do." in capsys.readouterr().err


def test_what_a_rehearsal_has_drawn_is_said_to_be_no_work_of_the_provider(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same words without --local send nothing, and a line says why, and what to do."""
    words = ["run", write("list.txt", "a red fox\n"), "-o", "out", *SMALL]
    assert main([*words, "--local"]) == 0
    monkeypatch.setenv("VOLCV_BASE_URL", "https://gateway.example/volcv/v1")
    monkeypatch.setenv("VOLCV_API_KEY", "key")
    capsys.readouterr()
    assert main(words) == 0
    going_on, why = capsys.readouterr().err.splitlines()
    assert going_on == "Going on in out: 1 done, 0 to do."
    assert why.startswith("What is done there was drawn by a local gateway, and is not sent.")
    assert "give another folder with --out" in why


def test_rows_of_another_program_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with rows and no journal ends it with 2, before anything is sent."""
    Path("out").mkdir()
    write("out/metadata.jsonl", "{}\n")
    assert main(["run", write("list.txt", "a red fox\n"), "--local", "-o", "out"]) == 2
    assert "no journal to go on from" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["metadata.jsonl"]


def test_pictures_of_another_program_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with images and no journal ends it with 2, before one is written over."""
    Path("out/images").mkdir(parents=True)
    write("out/images/000000.png", "mine")
    assert main(["run", write("list.txt", "a red fox\n"), "--local", "-o", "out"]) == 2
    assert "no journal says what they are" in capsys.readouterr().err
    assert Path("out/images/000000.png").read_text(encoding="utf-8") == "mine"


def test_doubts_and_refusals_are_left_or_sent_again_as_the_words_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a word they stay; ``--in-doubt retry`` and ``--retry-failed`` send them again."""

    async def script(received: Received) -> Reply | None:
        return await good_bad_lost(received) if received.number < 3 else None

    words = ["run", write("list.txt", "good\nbad\nlost\n"), "-o", "out", *SMALL]
    with provider(monkeypatch, script) as gateway:
        assert main(words) == 1
        assert main(words) == 1
        assert "1 done, 1 failed, 1 in doubt, 0 to do" in capsys.readouterr().err
        assert len(gateway.requests) == 3
        assert main([*words, "--in-doubt", "retry"]) == 1
        assert gateway.paid_by_prompt == {"good": 1, "lost": 2}
        assert main([*words, "--retry-failed"]) == 0
        assert gateway.paid_by_prompt == {"good": 1, "lost": 2, "bad": 1}


def test_what_refusals_taught_is_said_at_the_end_and_known_at_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose calls were refused for calls in flight says how many fit; so does the next."""
    write("list.txt", "a cat\na dog\n")
    refused = [service_error(50430)]

    async def refuse_once(_: Received) -> Canned | None:
        return refused.pop() if refused else None

    with provider(monkeypatch, refuse_once):
        for concurrency in ("4", "8"):
            assert main(["run", "list.txt", "-o", "out", "--concurrency", concurrency]) == 0
            said = capsys.readouterr().err
            assert re.search(r"Learned of high_aes_general_v21_L at .*: it took \d in flight", said)


def test_a_refused_picture_gets_fresh_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--rerolls`` sends it again with another seed, and the row says which seed was refused."""

    async def script(received: Received) -> Reply | None:
        return service_error(50511) if received.number == 0 else None

    with provider(monkeypatch, script) as gateway:
        listed = write("list.txt", "a red fox\n")
        assert main(["run", listed, "-o", "out", "--rerolls", "1", *SMALL]) == 0
        first, second = (one.body for one in gateway.requests)
    assert first is not None
    assert second is not None
    (row,) = rows("out/metadata.jsonl")
    assert (row["seeds_refused"], row["seed"]) == ([first["seed"]], second["seed"])
    assert first["seed"] != second["seed"]


def test_seeds_can_be_left_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--seed server`` sends none."""
    with provider(monkeypatch) as gateway:
        assert main(["run", write("list.txt", "a\n"), "-o", "out", "--seed", "server"]) == 0
        assert gateway.requests[0].body is not None
        assert "seed" not in gateway.requests[0].body


def test_without_an_account_it_cannot_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with 3, says which names to set, and can be tried again as it is."""
    assert main(["run", write("list.txt", "a red fox\n"), "-o", "out"]) == 3
    said = capsys.readouterr().err
    assert "VOLCV_BASE_URL and VOLCV_API_KEY not set" in said
    assert "volcv demo" in said
    assert not Path("out").exists()


def test_a_refused_key_ends_with_what_was_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 3; the images before it are counted, shown and kept, the key is not shown."""

    async def script(received: Received) -> Canned | None:
        if received.prompt == "b":
            return gateway_error(401, "Invalid token", code="", request_id="r")
        return None

    with provider(monkeypatch, script):
        listed = write("list.txt", "a\nb\nc\n")
        assert main(["run", listed, "-o", "out", "--concurrency", "1", *SMALL]) == 3
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("1 image in ")
    assert Path("out/index.html").exists()
    assert said.err.startswith("Error: ")
    assert "local-key" not in said.err + said.out


def test_nothing_at_the_address_cannot_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    """A refused connection, where nothing was ever answered, ends with 3."""
    monkeypatch.setenv("VOLCV_BASE_URL", f"http://127.0.0.1:{unused_tcp_port}/volcv/v1")
    monkeypatch.setenv("VOLCV_API_KEY", "key")
    assert main(["generate", "a red fox", "-o", "fox"]) == 3
    assert capsys.readouterr().err.startswith("Error: ")
    assert not Path("fox.png").exists()


def test_a_full_disk_cannot_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """An image that cannot be written ends the run with 3 and the system's own words."""
    words = ["run", write("list.txt", "a\n"), "--local", "-o", "out", *SMALL]
    assert main(words) == 0
    Path("out/images/000001.png").mkdir()
    write("list.txt", "a\nb\n")
    assert main(words) == 3
    assert "Is a directory" in capsys.readouterr().err


def test_a_list_that_changes_under_way_is_an_input_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad row that was not there at first ends with 2, with what was made before it."""
    listed = write("list.txt", "".join(f"{number:02d}{' and on' * 100}\n" for number in range(40)))

    def spoil() -> None:
        with Path(listed).open("r+b") as file:
            file.seek(-10, os.SEEK_END)
            file.write(b"\xff")

    async def script(_: Received) -> None:
        spoil()

    with provider(monkeypatch, script) as gateway:
        assert main(["run", listed, "-o", "out", "--concurrency", "2", *SMALL]) == 2
        assert len(rows("out/metadata.jsonl")) == gateway.paid == 39
    assert "list.txt, line 40: is not UTF-8" in capsys.readouterr().err


def test_a_warning_is_a_line_and_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A value out of a range that only the community knows is sent, and said once."""
    listed = write("list.txt", "a\nb\nc\n")
    assert main(["run", listed, "--local", "-o", "out", "-p", "scale=11", *SMALL]) == 0
    said = capsys.readouterr().err
    assert said.count("scale=11.0 is out of its community range") == 1
    assert said.startswith("Warning: GeneralV21: ")


def test_a_terminal_gets_a_bar() -> None:
    """On a terminal the bar moves, and is cleared away at the end."""
    words = [VOLCV, "run", write("list.txt", "a\nb\nc\n"), "--local", "-o", "out", *SMALL]
    ours, theirs = os.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command
        words, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = read_to_the_end(ours)
    assert process.returncode == 0
    assert "0 of 3" in shown
    assert "3 of 3" in shown
    assert shown.rstrip().endswith("\x1b[2K")


def test_the_demo_shows_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Two dozen pictures and more, Chinese prompts among them, in a page that can be opened."""
    assert main(["demo"]) == 0
    made = rows("volcv-demo/metadata.jsonl")
    assert len(made) >= 24
    assert sum("\u4e00" <= row["prompt"][0] <= "\u9fff" for row in made) >= 8
    said = capsys.readouterr()
    page = Path("volcv-demo/index.html").resolve()
    assert said.out.splitlines()[-1] == f"Open it in a browser: {page.as_uri()}"
    assert "No model" in said.err
    assert "No model made these pictures." in page.read_text(encoding="utf-8")


def test_the_demo_can_be_seen_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is taken is left alone, and the next number is used."""
    for name in ("volcv-demo", "volcv-demo-2"):
        Path(name).mkdir()
        Path(name, "mine.txt").write_text("mine")
    assert main(["demo"]) == 0
    assert Path("volcv-demo-3/index.html").exists()
    assert [path.name for path in Path("volcv-demo").iterdir()] == ["mine.txt"]
    assert "volcv-demo-3" in capsys.readouterr().out


def test_one_image_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    """The line has its path, size, seed, request id and time."""
    assert main(["generate", "a [red] fox", "-o", "fox", "--local", "-p", "seed=7", *SMALL]) == 0
    path, size, seed, request_id, took = capsys.readouterr().out.strip().split(" · ")
    assert path == "fox.png"
    assert Path(path).exists()
    assert size == "256 \N{MULTIPLICATION SIGN} 256"
    assert seed == "seed 7"
    assert request_id.startswith("request id 2")
    assert took.endswith(" s")


def test_an_image_is_not_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that a picture has is refused before anything is sent."""
    Path("fox.png").write_bytes(b"mine")
    assert main(["generate", "a red fox", "-o", "fox", "--local"]) == 2
    assert "fox.png is there already" in capsys.readouterr().err
    assert Path("fox.png").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (service_error(50412), "code 50412"),
        (Drop(), "It may have been made and billed."),
    ],
)
def test_a_failed_image_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reply: Reply, says: str
) -> None:
    """It ends with 1, with the provider's code, or with what may have been billed."""

    async def script(_: Received) -> Reply:
        return reply

    with provider(monkeypatch, script):
        assert main(["generate", "a red fox", "-o", "fox"]) == 1
    assert says in capsys.readouterr().err


def test_an_image_that_cannot_be_fetched_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture that was paid for and stands at a URL is not lost from sight."""
    url = ""

    async def script(received: Received) -> Canned:
        nonlocal url
        url = f"http://{received.headers['Host']}/gone.png?x-expires=1"
        body = {"code": 10000, "data": {"image_urls": [url]}, "request_id": "r"}
        return Canned(body=json.dumps(body).encode(), paid=True)

    with provider(monkeypatch, script):
        assert main(["generate", "a red fox", "-o", "fox"]) == 1
    assert f"The image stands at {url}" in capsys.readouterr().err


def interrupt_at(place: int) -> Answer:
    """Script a provider that sends this process SIGINT with a certain request."""

    async def script(received: Received) -> None:
        if received.number == place:
            os.kill(os.getpid(), signal.SIGINT)

    return script


def test_an_interrupted_run_keeps_what_was_paid_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C ends it with 130: nothing new went out, and every paid image has its row."""
    listed = write("list.txt", "".join(f"prompt {number}\n" for number in range(2000)))
    with provider(monkeypatch, interrupt_at(10)) as gateway:
        assert main(["run", listed, "-o", "out", "--concurrency", "4", *SMALL]) == 130
        assert len(rows("out/metadata.jsonl")) == gateway.paid < 2000
    said = capsys.readouterr()
    assert said.err.count("Interrupted: nothing new goes out") == 1
    assert said.out.splitlines()[-1].startswith(f"{gateway.paid} images in ")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupted_image_is_saved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one image that is paid for is awaited, saved and told of."""
    with provider(monkeypatch, interrupt_at(0)):
        assert main(["generate", "a red fox", "-o", "fox", *SMALL]) == 130
    assert Path("fox.png").exists()
    assert capsys.readouterr().out.startswith("fox.png · ")


async def line_of(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    return (await stream.readline()).decode()


class Held:
    """Holds what the gateway accepts until it is let go."""

    def __init__(self) -> None:
        self.arrived = asyncio.Semaphore(0)
        self.let_go = asyncio.Event()

    async def __call__(self, _: Received) -> None:
        self.arrived.release()
        await self.let_go.wait()


WORDS = ["run", "list.txt", "-o", "out", "--concurrency", "2", *SMALL, "--no-json"]


@pytest.fixture
def four(empty_folder: Path) -> None:
    """Have a list of four prompts."""
    write(str(empty_folder / "list.txt"), "a\nb\nc\nd\n")


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_awaits_what_is_in_flight(number: signal.Signals) -> None:
    """A process that is interrupted with two calls held in flight waits for both, and no more."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        process = await start(gateway, *WORDS)
        for _ in range(2):
            await held.arrived.acquire()
        process.send_signal(number)
        assert (await line_of(process.stderr)).startswith("Interrupted: nothing new goes out")
        held.let_go.set()
        out, err = await process.communicate()
        assert process.returncode == 130
        assert gateway.paid == 2
    assert sorted(row["prompt"] for row in rows("out/metadata.jsonl")) == ["a", "b"]
    assert out.decode().splitlines()[-1].startswith("2 images in ")
    assert err.decode() == f"To go on where it stopped: {shlex.join(['volcv', *WORDS])}\n"


@pytest.mark.usefixtures("four")
async def test_a_signal_that_is_ignored_stays_so() -> None:
    """Started with SIGHUP ignored, as by nohup, a run goes on when the terminal is closed."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = await start(gateway, *WORDS)
        finally:
            signal.signal(signal.SIGHUP, before)
        for _ in range(2):
            await held.arrived.acquire()
        process.send_signal(signal.SIGHUP)
        held.let_go.set()
        await process.communicate()
        assert process.returncode == 0
        assert gateway.paid == 4


@pytest.mark.usefixtures("four")
async def test_a_second_signal_cuts() -> None:
    """Interrupted again, the process does not wait, and says what is in doubt."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        process = await start(gateway, *WORDS)
        for _ in range(2):
            await held.arrived.acquire()
        process.send_signal(signal.SIGINT)
        assert (await line_of(process.stderr)).startswith("Interrupted: ")
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert process.returncode == 130
    assert sorted(row["prompt"] for row in rows("out/in_doubt.jsonl")) == ["a", "b"]
    assert out.decode().startswith("0 images in ")
    assert b"Traceback" not in err


@pytest.mark.usefixtures("four")
async def test_a_signal_is_heeded_where_nobody_can_be_told() -> None:
    """With standard error full, one signal ends the spending all the same."""
    held = Held()
    async with LocalGateway(latency=0.0, answer=held) as gateway:
        full = os.open("/dev/full", os.O_WRONLY)
        process = await start(gateway, *WORDS, "-q", "--drain", "0", stderr=full)
        os.close(full)
        for _ in range(2):
            await held.arrived.acquire()
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 130
    assert sorted(row["prompt"] for row in rows("out/in_doubt.jsonl")) == ["a", "b"]
