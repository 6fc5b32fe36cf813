"""What a run that died left behind, before the next one sends anything. All of it blocks.

A call that was sent, and whose whole image lies in the folder, is done: it is adopted. One that was
paid for and whose image stands at a URL waits to be fetched. Every other one is in doubt.
The files of rows are written anew from the journal, for the dead may have left half of them.
"""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

from volcv_async.durable import PART
from volcv_async.errors import (
    BrokenImageError,
    ConfigurationError,
    UnknownOutcomeError,
    VolcvError,
)
from volcv_async.images import SUFFIXES
from volcv_async.job.going_on import earlier_ids, spent
from volcv_async.job.pictures import Kept, path_of
from volcv_async.job.records import JOURNAL, Entry, Records
from volcv_async.job.rows import Row, Trip, beside, error_row, from_sent, image_row
from volcv_async.job.sink import FAILED, IMAGES, IN_DOUBT, METADATA, name_of, write_rows
from volcv_async.results import Image, InDoubt

_CLOCKS = 2.0  # seconds by which a file system's clock may differ from the process's


def refuse_foreign(out: Path) -> None:
    """Make sure that a folder is new, or holds a journal to go on with.

    Raises:
        ConfigurationError: It holds rows or images that no journal knows of, or is no folder.
    """
    if out.exists() and not out.is_dir():
        raise ConfigurationError(f"{out} is no folder.", help="Give another one to write to.")
    if (out / JOURNAL).exists():
        return
    for name in (METADATA, FAILED, IN_DOUBT):
        if (out / name).exists():
            raise ConfigurationError(
                f"{out} holds a {name} and no journal to go on from.",
                help="Give another folder, or move that one away. Nothing was sent.",
            )
    if (out / IMAGES).is_dir() and any((out / IMAGES).iterdir()):
        raise ConfigurationError(
            f"{out / IMAGES} holds files, and no journal says what they are.",
            help="Give another folder, or move that one away. Nothing was sent.",
        )


def recover(out: Path, records: Records) -> None:
    """Bring the journal and the folder into agreement, but for what ``write_failures`` writes.

    Raises:
        OSError: The folder cannot be read, or written to.
    """
    (out / IMAGES).mkdir(exist_ok=True)
    adopted = settle(out, records)
    if adopted or not records.was_clean or not (out / METADATA).exists():
        _sweep(out)
        kept = (row for row in records.rows("done", "failed") if "file_name" in row)
        write_rows(out / METADATA, kept, though_empty=True)


def settle(out: Path, records: Records) -> bool:
    """Say in the journal alone what became of calls under way; tell whether any was adopted."""
    return sum(_settle(out, entry, records) for entry in records.unfinished()) > 0


def write_failures(out: Path, records: Records) -> None:
    """Write the rows of what gave no image anew, as the journal has them.

    Afterwards the journal is the only one to know what stood in them, so it is to be durable.

    Raises:
        OSError: They cannot be written.
    """
    failed = (row for row in records.rows("failed", "paid") if "file_name" not in row)
    write_rows(out / FAILED, chain(failed, records.aside()))
    write_rows(out / IN_DOUBT, records.rows("in doubt"))


def _settle(out: Path, entry: Entry, records: Records) -> bool:
    """Say what became of a call that was left under way; tell whether its image was adopted."""
    rows = _adopted(out, entry)
    if rows:
        records.done(entry.number, rows)
    elif entry.state == "sent":
        _doubt(entry, _cut_off(), records)
    elif not entry.images or any(image.url is None for image in entry.images):
        _doubt(entry, _lost(), records)
    return bool(rows)


def _adopted(out: Path, entry: Entry) -> list[Row]:
    """Describe the whole images of an entry that lie in the folder, if all do."""
    request = from_sent(entry.model, json.loads(entry.request))
    found: list[Row] = []
    for place in range(max(1, len(entry.images))):
        path = path_of(out / IMAGES / name_of(entry.number), place + 1)
        kept = _whole(path, entry)
        if kept is None:
            return []
        found.append({**image_row(request, kept, IMAGES, Trip(entry.sent)), **_before(entry)})
    return found


def _whole(path: Path, entry: Entry) -> Kept | None:
    """Give a whole image of this name that was written after the call went out."""
    for suffix in SUFFIXES.values():
        file = path.with_name(f"{path.name}{suffix}")
        try:
            image = Image.of(file.read_bytes())
        except (FileNotFoundError, BrokenImageError):
            continue
        if entry.sent is None or file.stat().st_mtime >= entry.sent.timestamp() - _CLOCKS:
            return Kept(path=file, image=image, request_id=entry.request_id or "")
    return None


def _doubt(entry: Entry, error: VolcvError, records: Records) -> None:
    error.request_id = entry.request_id
    outcome = InDoubt(
        index=entry.number,
        request=from_sent(entry.model, json.loads(entry.request)),
        attempts=entry.attempts,
        error=error,
        billed=entry.billed if entry.billed == "yes" else "unknown",
    )
    records.in_doubt(
        entry.number,
        {**error_row(outcome, Trip(entry.sent)), **_before(entry)},
        billed=outcome.billed,
        request_id=entry.request_id,
    )


def _before(entry: Entry) -> Row:
    """Say what may have been billed before the call that was cut off, and what the list says."""
    known = {"perhaps_billed": spent(entry), "earlier_request_ids": list(earlier_ids(entry))}
    return {
        **{name: value for name, value in known.items() if value},
        **beside(entry.columns),
    }


def _cut_off() -> VolcvError:
    return UnknownOutcomeError(
        "The process ended while the call was under way.",
        help="The image may have been made and billed. `--in-doubt retry` buys it again.",
    )


def _lost() -> VolcvError:
    return UnknownOutcomeError(
        "The call was answered and paid for, and the process ended before its image was saved.",
        help="`--in-doubt retry` buys it again.",
    )


def _sweep(out: Path) -> None:
    """Take away what was being written when the process died."""
    for part in [*out.glob(f".*{PART}"), *(out / IMAGES).glob(f".*{PART}")]:
        part.unlink(missing_ok=True)
