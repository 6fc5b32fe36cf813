"""What ``volcv run`` leaves beside the pictures: its card, and lists of what is left to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_of_tests import SMALL, provider, rows, write

from volcv_async.cli import main
from volcv_async.gateway import Received, service_error
from volcv_async.gateway.answers import Reply

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_the_card_has_the_command_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was typed is on the card, and the key, which was not, is not."""
    with provider(monkeypatch):
        assert main(["run", write("a list.txt", "a fox\n"), "-o", "out", *SMALL]) == 0
    text = Path("out/run.json").read_text(encoding="utf-8")
    card = json.loads(text)
    assert card["arguments"]["command"] == f"volcv run 'a list.txt' -o out {' '.join(SMALL)}"
    assert card["figures"]["completed"] == 1
    assert "local-key" not in text


def test_what_failed_is_a_list_to_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """``failed.jsonl`` is taken as it is: what gave nothing goes out as it did, and no more."""
    moods = {"bad": True}

    async def refuse(received: Received) -> Reply | None:
        return service_error(50412) if moods["bad"] and "fox" in (received.prompt or "") else None

    with provider(monkeypatch, refuse) as gateway:
        listed = write("list.txt", 'a fox\na hare\n"千军" fox \n')
        assert main(["run", listed, "-o", "out", "--model", "GeneralV20Pro", *SMALL]) == 1
        moods["bad"] = False
        paid = gateway.paid
        assert main(["run", "out/failed.jsonl", "-o", "again"]) == 0
        assert gateway.paid - paid == 2
    failed = {row["prompt"]: row["request"] for row in rows("out/failed.jsonl")}
    assert set(failed) == {"a fox", '"千军" fox '}
    assert {row["prompt"]: row["request"] for row in rows("again/metadata.jsonl")} == failed
    assert {row["model"] for row in rows("again/metadata.jsonl")} == {"GeneralV20Pro"}
