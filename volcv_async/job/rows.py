"""What a job writes down of an outcome: one row an image, or one row for what gave none. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from volcv_async.codec.requests import body
from volcv_async.errors import DownloadError, VolcvError
from volcv_async.job.pictures import Kept
from volcv_async.models import VARIANTS, RawRequest, Request, build
from volcv_async.results import Failed, InDoubt, Outcome

Row = dict[str, Any]
"""What becomes one line of JSON."""


OURS = frozenset(
    {
        "file_name",
        "prompt",
        "request",
        "seed",
        "llm_seed",
        "sr_seed",
        "request_id",
        "model",
        "width",
        "height",
        "sha256",
        "size_asked_for",
        "index",
        "error",
        "code",
        "http_status",
        "message",
        "help",
        "billed",
        "attempts",
        "sent",
        "seconds",
        "url",
        "expires",
        "seeds_refused",
        "perhaps_billed",
        "earlier_request_ids",
    }
)
"""The names of our fields in any row, whichever of them it has."""

_PICTURE = "image"
"""What Hugging Face datasets call the picture itself."""

_A_PICTURES = re.compile(r"(?<![^_])file_name(?=s?\Z)")
"""The end of a name whose texts they open as pictures."""

_encode = json.JSONEncoder(ensure_ascii=False).encode


@attrs.frozen
class Trip:
    """How the last attempt at a request went, on the wire.

    Attributes:
        sent: When it left (UTC), or None if none did.
        seconds: From then until its answer was there; None where nobody saw it come.
    """

    sent: datetime | None = None
    seconds: float | None = None

    def fields(self) -> Row:
        """Give what a row says of it; the seconds to the millisecond."""
        return {
            "sent": self.sent.isoformat() if self.sent else None,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
        }


NO_TRIP = Trip()
"""Of what never went out."""


def text(row: Row) -> bytes:
    """Write a row as JSON, in one line without its end."""
    # Half a surrogate pair in a provider's words becomes its JSON escape.
    return _encode(row).encode(errors="backslashreplace")


def image_row(request: Request, kept: Kept, folder: str, trip: Trip = NO_TRIP) -> Row:
    """Describe one image; ``file_name`` comes first: ``folder`` and the name within it.

    Hugging Face datasets, pandas and polars read a folder with such a ``metadata.jsonl`` as it is.

    Args:
        request: As it went out, its seeds in it.
        kept: The image on the disk.
        folder: Where it lies, seen from the rows.
        trip: The attempt that it came of.
    """
    sent = as_sent(request)
    asked = _size_asked_for(sent, kept)
    return {
        "file_name": f"{folder}/{kept.path.name}",
        "prompt": sent.get("prompt"),
        "request": sent,
        "seed": sent.get("seed"),
        **{name: sent[name] for name in ("llm_seed", "sr_seed") if name in sent},
        "request_id": kept.request_id,
        "model": type(request).__name__,
        "width": kept.image.width,
        "height": kept.image.height,
        "sha256": hashlib.sha256(kept.image.data or b"").hexdigest(),
        **trip.fields(),
        **({"size_asked_for": asked} if asked else {}),
    }


def error_row(outcome: Failed | InDoubt, trip: Trip = NO_TRIP) -> Row:
    """Describe what became of a request that gave no image.

    Args:
        outcome: What became of it; its ``index`` is its number in the folder.
        trip: Its last attempt.
    """
    sent, error = as_sent(outcome.sent), outcome.error
    return {
        "index": outcome.index,
        "prompt": sent.get("prompt"),
        "request": sent,
        "model": type(outcome.request).__name__,
        "error": type(error).__name__,
        "code": error.code,
        "http_status": error.http_status,
        "request_id": error.request_id,
        "message": error.message,
        "help": error.help,
        "billed": outcome.billed,
        "attempts": outcome.attempts,
        **trip.fields(),
        **_where_it_stands(error),
    }


def history(outcome: Outcome, earlier: Sequence[str]) -> Row:
    """Describe what went before an outcome; nothing, where it is the first of its request.

    Args:
        outcome: What became of a request.
        earlier: The ids of calls for it in earlier runs that may have been billed.
    """
    refused = (outcome.request, *outcome.lineage)[:-1] if outcome.lineage else ()
    known = {
        "seeds_refused": [as_sent(request).get("seed") for request in refused],
        "perhaps_billed": outcome.perhaps_billed,
        "earlier_request_ids": list(earlier),
    }
    return {name: value for name, value in known.items() if value}


def beside(columns: Mapping[str, Any]) -> Row:
    """Give what a list says beside a request as fields of a row.

    Ours keep their names, and no other name is one that Hugging Face datasets take for a picture's.
    """
    return {_name_beside(name): held for name, held in columns.items()}


def _name_beside(name: str) -> str:
    if _A_PICTURES.search(name):
        return f"list_{_A_PICTURES.sub('filename', name)}"
    return f"list_{name}" if name in OURS or name == _PICTURE else name


def as_sent(request: Request) -> Row:
    """Give the body of a request as plain values."""
    return body(request)


def from_sent(model: str, sent: Mapping[str, Any]) -> Request:
    """Make the request anew that was written down as it went out."""
    fields = {name: value for name, value in sent.items() if name != "req_key"}
    for known in VARIANTS:
        if known.__name__ == model:
            own = {name: fields.pop(name) for name in list(fields) if name in _names(known)}
            return build(known, {**own, "extra": fields})
    return RawRequest(req_key=sent["req_key"], body=fields)


def _names(model: type[Request]) -> set[str]:
    return set(attrs.fields_dict(model)) - {"extra"}


def _where_it_stands(error: VolcvError) -> Row:
    if not isinstance(error, DownloadError):
        return {}
    return {"url": error.url, "expires": error.expires.isoformat() if error.expires else None}


def _size_asked_for(sent: Mapping[str, Any], kept: Kept) -> list[int] | None:
    """Give the size that was asked for, if another came.

    Where a request leaves it open whether the picture is doubled, both sizes are right.
    """
    if not {"width", "height"} <= sent.keys():
        return None
    asked = [sent["width"], sent["height"]]
    doubled = [2 * side for side in asked]
    allowed = {None: [asked, doubled], True: [doubled], False: [asked]}[sent.get("use_sr")]
    return None if [kept.image.width, kept.image.height] in allowed else allowed[-1]
