"""The ending of each request, said while a job runs: as objects of JSON, or as a line to read."""

from __future__ import annotations

from collections.abc import Sequence

from volcv_async.job import BadRow
from volcv_async.job.rows import Row, text
from volcv_async.results import Completed, InDoubt, Outcome

Rows = Sequence[Row]
"""What an outcome has become in ``metadata.jsonl``, ``failed.jsonl`` or ``in_doubt.jsonl``."""


def state_of(outcome: Outcome) -> str:
    """Name what became of a request: ``done``, ``failed`` or ``in doubt``."""
    if isinstance(outcome, Completed):
        return "done"
    return "in doubt" if isinstance(outcome, InDoubt) else "failed"


def as_objects(outcome: Outcome, rows: Rows) -> bytes:
    """Give a line of JSON for each row, with the state of the request at its end."""
    return _objects(state_of(outcome), rows)


def as_object(bad: BadRow) -> bytes:
    """Give a line of JSON for a row of the list that is no request: one that failed."""
    return _objects("failed", [bad.row])


def _objects(state: str, rows: Rows) -> bytes:
    return b"".join(text({**_without_state(row), "state": state}) + b"\n" for row in rows)


def _without_state(row: Row) -> Row:
    """Give a row with a column of the list's own that is called so out of the way."""
    return {"list_state" if name == "state" else name: value for name, value in row.items()}


def as_line(outcome: Outcome, rows: Rows) -> str:
    """Say it in one line: ``000012 done · images/000012.png · a red fox``."""
    files = [row["file_name"] for row in rows if "file_name" in row]
    why = [] if isinstance(outcome, Completed) else [on_one_line(str(outcome.error))]
    return " · ".join(
        [f"{outcome.index:06d} {state_of(outcome)}", *files, *why, prompt_of(outcome)]
    )


def bad_as_line(bad: BadRow) -> str:
    """Say in one line what is wrong with a row of the list."""
    return on_one_line(f"failed · {bad.error}")


def prompt_of(outcome: Outcome) -> str:
    """Give the prompt of an outcome as a text that is safe to show on one line."""
    return on_one_line(str(getattr(outcome.request, "prompt", "")))


def on_one_line(text: str) -> str:
    """Make spaces of what is no printable character; a terminal may take such for a command."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
