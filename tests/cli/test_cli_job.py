"""What is said of a job at its end, whatever that end is."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_of_tests import SMALL, provider, rows, write

from volcv_async.cli import main
from volcv_async.gateway import Received
from volcv_async.gateway.answers import Reply, gateway_error

pytestmark = pytest.mark.usefixtures("empty_folder")

RUN = ["run", "list.txt", "-o", "out", "--concurrency", "1", *SMALL]


async def locked(received: Received) -> Reply | None:
    """Refuse the key for the prompt ``locked``; an answer."""
    if received.prompt != "locked":
        return None
    return gateway_error(401, "Invalid token", code="", request_id="r")


def test_a_gallery_that_cannot_be_drawn_leaves_the_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was made is said all the same; then what is in the way, and how to draw it later."""
    write("list.txt", "a\nb\n")
    Path("out", "index.html").mkdir(parents=True)
    assert main([*RUN, "--local"]) == 3
    said = capsys.readouterr()
    assert said.out.startswith("2 images in ")
    assert said.err.splitlines() == [
        "Error: out/index.html: Is a directory",
        "The pictures are there; for the gallery: volcv gallery out",
    ]
    assert len(rows("out/metadata.jsonl")) == 2


def test_what_ended_a_job_is_told_though_its_gallery_cannot_be_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error of the job stands first, and how to go on beside it."""
    write("list.txt", "a\nlocked\n")
    Path("out", "index.html").mkdir(parents=True)
    with provider(monkeypatch, locked):
        assert main(RUN) == 3
    said = capsys.readouterr().err
    assert said.startswith("Error: The key is refused")
    assert "\nTo go on where it stopped: volcv run list.txt" in said
    assert said.endswith("\nout/index.html: Is a directory\n")


def test_a_job_that_ends_early_tells_of_what_was_done_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line counts what an earlier run has left, as that of any other job."""
    with provider(monkeypatch, locked):
        write("list.txt", "a\nb\n")
        assert main(RUN) == 0
        write("list.txt", "a\nb\nc\nlocked\n")
        capsys.readouterr()
        assert main(RUN) == 3
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith("1 image in ")
    assert "2 done before, 0 failed" in line
