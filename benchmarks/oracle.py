"""What was asked for, what the provider was paid for, and what the client said: held side by side.

The oracle believes the provider's ledger and the pictures themselves, each of which names the
prompt it was drawn for, and nothing that the client says of itself. It reads pictures, rows and the
journal's file with lines of its own. What it counts are the zeros that this library promises.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import attrs

import volcv_async as volcv

Kind = Literal["completed", "failed", "in doubt"]
Mode = Literal["report", "retry"]

JOURNAL = "journal.sqlite"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LATE = 1.0


@attrs.frozen(kw_only=True)
class Ending:
    """What the client says became of one request.

    Attributes:
        prompt: The prompt that it asked for.
        kind: How it ended.
        billed: What the client says of its price.
        pictured: The prompts that its pictures name.
        to_be_had: Whether a picture that was paid for can still be had, if it is not in hand: it
            stands at a URL, or its bytes were kept though they are broken.
    """

    prompt: str
    kind: Kind
    billed: str
    pictured: tuple[str | None, ...] = ()
    to_be_had: bool = True


@attrs.frozen(kw_only=True)
class Zeros:
    """What must never be, counted; zeros are added up over runs.

    Attributes:
        lost: Requests without an outcome, payments that the client says were none, and pictures
            that were paid for, that it has had, and that are gone.
        mispaired: Outcomes with another's picture, or more than one for a request.
        paid_twice: Payments beyond what may be: the first, and in ``retry`` one more for each
            attempt that was in doubt.
        late: Calls that outlived their timeout by more than a second.
        left_over: Tasks and sockets that are still there when all is over.
        torn: Databases, rows and pictures that are not whole.
    """

    lost: int = 0
    mispaired: int = 0
    paid_twice: int = 0
    late: int = 0
    left_over: int = 0
    torn: int = 0

    def __add__(self, other: Zeros) -> Zeros:
        """Add up what two runs came to."""
        both = zip(attrs.astuple(self), attrs.astuple(other), strict=True)
        return Zeros(**dict(zip(NAMES, map(sum, both), strict=True)))

    def __bool__(self) -> bool:
        """Tell whether one of them is not zero."""
        return any(attrs.astuple(self))

    def __str__(self) -> str:
        """Name those that are not zero."""
        wrong = [f"{name} {n}" for name, n in attrs.asdict(self).items() if n]
        return ", ".join(wrong) or "nothing wrong"


NAMES = tuple(attrs.fields_dict(Zeros))


def judge(
    asked: Sequence[str],
    endings: Iterable[Ending],
    paid: Mapping[str, int],
    *,
    doubts: Mapping[str, int] | None = None,
) -> Zeros:
    """Hold what the client says of different prompts against what was paid for each.

    Args:
        asked: The prompts that went in, each once.
        endings: What the client says became of them.
        paid: How often the provider was paid for each.
        doubts: How often each may have been paid for beyond once, as the client said so.
    """
    said: dict[str, list[Ending]] = {prompt: [] for prompt in asked}
    zeros = Zeros()
    for ending in endings:
        said.setdefault(ending.prompt, []).append(ending)
    for prompt, endings_of_it in said.items():
        allowed = 1 + (doubts or {}).get(prompt, 0)
        zeros += _judge_one(endings_of_it, paid.get(prompt, 0), allowed, known=prompt in asked)
    strangers = sum(times for prompt, times in paid.items() if prompt not in said)
    return zeros + Zeros(lost=strangers)


def _judge_one(endings: Sequence[Ending], paid: int, allowed: int, *, known: bool) -> Zeros:
    if not endings:
        return Zeros(lost=1, paid_twice=max(0, paid - allowed))
    ending = endings[0]
    unpaid = ending.kind == "completed" and not paid
    another = any(named != ending.prompt for named in ending.pictured)
    gone = ending.billed == "yes" and not ending.to_be_had
    return Zeros(
        lost=int(paid > 0 and (ending.billed == "no" or gone)),
        mispaired=len(endings) - 1 + (unpaid or another or not known),
        paid_twice=max(0, paid - allowed),
    )


def late(seconds: float, timeout: float) -> bool:
    """Tell whether a call outlived its timeout; both in seconds."""
    return seconds > timeout + _LATE


def ending_of(outcome: volcv.Outcome) -> Ending:
    """Reduce an outcome to what the oracle looks at."""
    prompt = getattr(outcome.request, "prompt", "")
    match outcome:
        case volcv.Completed():
            pictures = [image.data or b"" for image in outcome.generation.images]
            return Ending(
                prompt=prompt,
                kind="completed",
                billed=outcome.billed,
                pictured=tuple(map(prompt_in, pictures)),
            )
        case volcv.InDoubt():
            return Ending(prompt=prompt, kind="in doubt", billed=outcome.billed)
        case _:
            return Ending(
                prompt=prompt,
                kind="failed",
                billed=outcome.billed,
                to_be_had=bool(
                    getattr(outcome.error, "url", "") or getattr(outcome.error, "data", b"")
                ),
            )


def prompt_in(picture: bytes) -> str | None:
    """Read the prompt that a picture of the local gateway names; None if it is not whole."""
    try:
        texts = dict(_texts(picture))
    except (ValueError, struct.error):
        return None
    return texts.get("prompt")


def _texts(picture: bytes) -> Iterator[tuple[str, str]]:
    """Walk a PNG to its end, checksums included, and give its international texts."""
    if not picture.startswith(_SIGNATURE):
        raise ValueError("no PNG")
    place, name = len(_SIGNATURE), b""
    while name != b"IEND":
        length, name = struct.unpack_from(">I4s", picture, place)
        data = picture[place + 8 : place + 8 + length]
        (check,) = struct.unpack_from(">I", picture, place + 8 + length)
        if zlib.crc32(name + data) != check:
            raise ValueError("a chunk is damaged")
        if name == b"iTXt":
            keyword, _, rest = data.partition(b"\0")
            yield keyword.decode(), rest[2:].split(b"\0", 2)[2].decode()
        place += 12 + length


# Folders


@attrs.frozen(kw_only=True)
class Folder:
    """What a job's folder holds, read as an auditor would.

    Attributes:
        endings: What its rows say.
        torn: What is not whole, in words.
    """

    endings: tuple[Ending, ...]
    torn: tuple[str, ...]

    def of(self, kind: Kind) -> list[Ending]:
        """Give those that ended in this way."""
        return [ending for ending in self.endings if ending.kind == kind]


def read_folder(out: Path) -> Folder:
    """Read rows, pictures and the journal of a job that nobody runs now."""
    torn: list[str] = []
    endings = [_picture(out, row, torn) for row in _rows(out / "metadata.jsonl", torn)]
    endings += [_failed(out, row) for row in _rows(out / "failed.jsonl", torn)]
    endings += [
        Ending(prompt=row["prompt"], kind="in doubt", billed=row["billed"])
        for row in _rows(out / "in_doubt.jsonl", torn)
    ]
    torn += [f"{part.name} is left over" for part in out.rglob(".*.part")]
    torn += read_journal(out).torn
    return Folder(endings=tuple(endings), torn=tuple(torn))


@attrs.frozen(kw_only=True)
class Journal:
    """What a journal says that nobody writes to now.

    Attributes:
        under_way: The prompts whose calls it knows to have been sent, and not what became of them.
        torn: What is not whole, in words.
    """

    under_way: tuple[str, ...] = ()
    torn: tuple[str, ...] = ()


def read_journal(out: Path) -> Journal:
    """Read the journal in a folder, if there is one, and check that it is whole."""
    journal = out / JOURNAL
    if not journal.exists() or not journal.stat().st_size:
        return Journal()
    with closing(sqlite3.connect(journal)) as database:
        try:
            problems = [text for (text,) in database.execute("PRAGMA integrity_check")]
            if not list(database.execute(_TABLES)):
                return Journal(torn=_broken(problems))
            sent = [json.loads(request)["prompt"] for (request,) in database.execute(_UNDER_WAY)]
        except sqlite3.DatabaseError as error:
            return Journal(torn=(f"{JOURNAL}: {error}",))
    return Journal(under_way=tuple(sent), torn=_broken(problems))


def look_at_journal(out: Path) -> Journal:
    """Read a copy of the journal, so that the next run finds it as the last one left it."""
    with tempfile.TemporaryDirectory() as copy:
        for file in out.glob(f"{JOURNAL}*"):
            shutil.copy(file, copy)
        return read_journal(Path(copy))


def doubted(out: Path) -> list[str]:
    """Give the prompts that a run which was struck may have paid for, and has no picture of."""
    rows = [row["prompt"] for row in _rows(out / "in_doubt.jsonl", [])]
    return [*look_at_journal(out).under_way, *rows]


def _broken(problems: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{JOURNAL}: {text}" for text in problems if text != "ok")


_TABLES = "SELECT name FROM sqlite_schema WHERE name = 'entries'"
_UNDER_WAY = "SELECT request FROM entries WHERE state IN ('sent', 'paid')"


def judge_folder(
    asked: Sequence[str],
    folder: Folder,
    paid: Mapping[str, int],
    *,
    doubts: Mapping[str, int] | None = None,
) -> Zeros:
    """Hold what a folder says against what was paid."""
    zeros = judge(asked, folder.endings, paid, doubts=doubts)
    return zeros + Zeros(torn=len(folder.torn))


def _rows(path: Path, torn: list[str]) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line:
            continue
        try:
            yield json.loads(line)
        except ValueError:
            torn.append(f"{path.name}, line {number}, is no JSON")


def _failed(out: Path, row: Mapping[str, Any]) -> Ending:
    kept = any(out.glob(f"images/{row['index']:06d}*.broken"))
    return Ending(
        prompt=row["prompt"],
        kind="failed",
        billed=row["billed"],
        to_be_had=kept or bool(row.get("url")),
    )


def _picture(out: Path, row: Mapping[str, Any], torn: list[str]) -> Ending:
    path = out / row["file_name"]
    data = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        torn.append(f"{path.name} is not what its row says")
    return Ending(prompt=row["prompt"], kind="completed", billed="yes", pictured=(prompt_in(data),))
