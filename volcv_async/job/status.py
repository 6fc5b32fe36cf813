"""What became of each prompt, for whoever must account for it, read from the journal alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs

from volcv_async.job.records import Entry, reading

Standing = Literal["done", "billed", "in doubt", "refused", "not sent"]
"""*done*: the image is there. *billed*: paid for, and the image is not there, or not yet. *in
doubt*: it may have been billed. *refused*: it was not billed, and no run sends it again unasked.
*not sent*, or refused before anything was made in a way that may pass: the next run sends it."""

STANDINGS: tuple[Standing, ...] = ("done", "billed", "in doubt", "refused", "not sent")


@attrs.frozen(kw_only=True)
class Status:
    """What became of one request.

    Attributes:
        number: Its number in the folder, which names its files.
        standing: What became of it.
        prompt: Its prompt, where it has one.
        request_id: The provider's id of the call, if it gave one.
        sent: When its last attempt went out (UTC, ISO), if any did.
        attempts: How often it went out, over all runs.
        account: Where it went to.
        files: Its images, seen from the folder.
        why: What it met, in words, where there is no image.
        url: Where an image stands that is paid for and not there yet.
        perhaps_billed: Calls for it that may have been billed beside the one of ``request_id``.
        earlier_request_ids: The ids of such calls in earlier runs, as far as they are known.
    """

    number: int
    standing: Standing
    prompt: str | None
    request_id: str | None
    sent: str | None
    attempts: int
    account: str | None
    files: tuple[str, ...]
    why: str | None
    url: str | None
    perhaps_billed: int
    earlier_request_ids: tuple[str, ...]


def read_status(out: Path) -> Iterator[Status]:
    """Give what became of each request of a folder, in the order in which they first came.

    It may be asked while a run is on. What was to be sent by an earlier list, never was, and is no
    more in the latest one, is left out. This blocks.

    Raises:
        ConfigurationError: The folder holds no journal, or one that cannot be read.
    """
    with reading(out) as records:
        for entry in records.entries():
            if entry.listed or entry.state != "pending":
                yield _status(entry)


def _status(entry: Entry) -> Status:
    made = entry.rows if entry.state == "done" else ()
    last = entry.rows[-1] if entry.rows else {}
    missed = {} if made else last
    return Status(
        number=entry.number,
        standing=_standing(entry),
        prompt=json.loads(entry.request).get("prompt") if entry.request else None,
        request_id=entry.request_id or None,
        sent=entry.sent.isoformat() if entry.sent else None,
        attempts=entry.attempts,
        account=entry.account,
        files=tuple(row["file_name"] for row in made),
        why=missed.get("message"),
        url=next((image.url for image in entry.images if image.url), None) if not made else None,
        perhaps_billed=last.get("perhaps_billed", 0),
        earlier_request_ids=tuple(last.get("earlier_request_ids", ())),
    )


def _standing(entry: Entry) -> Standing:
    match entry.state:
        case "done":
            return "done"
        case "paid":
            return "billed"
        case "sent":
            return "in doubt"
        case "pending":
            return "not sent"
        case "failed" if entry.again:
            return "not sent"
        case _:
            return _by_bill(entry)


def _by_bill(entry: Entry) -> Standing:
    if entry.billed == "yes":
        return "billed"
    if entry.billed == "unknown":
        return "in doubt"
    return "refused"
