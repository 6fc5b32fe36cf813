"""What a job writes down of an outcome: one row an image, or one row for what gave none. Pure."""

from __future__ import annotations

import json
from typing import Any

from volcv_async.codec import encode
from volcv_async.errors import DownloadError, VolcvError
from volcv_async.job.pictures import Kept
from volcv_async.models import Request
from volcv_async.results import Failed, InDoubt

Row = dict[str, Any]
"""What becomes one line of JSON."""


def image_row(request: Request, kept: Kept, folder: str) -> Row:
    """Describe one image; ``file_name`` comes first: ``folder`` and the name within it.

    Hugging Face datasets, pandas and polars read a folder with such a ``metadata.jsonl`` as it is.
    """
    sent = _as_sent(request)
    return {
        "file_name": f"{folder}/{kept.path.name}",
        "prompt": sent.get("prompt"),
        "request": sent,
        "seed": sent.get("seed"),
        "request_id": kept.request_id,
        "model": type(request).__name__,
        "width": kept.image.width,
        "height": kept.image.height,
    }


def error_row(outcome: Failed | InDoubt) -> Row:
    """Describe what became of a request that gave no image."""
    sent, error = _as_sent(outcome.request), outcome.error
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
        **_where_it_stands(error),
    }


def _as_sent(request: Request) -> Row:
    sent: Row = json.loads(encode(request))
    return sent


def _where_it_stands(error: VolcvError) -> Row:
    if not isinstance(error, DownloadError):
        return {}
    return {"url": error.url, "expires": error.expires.isoformat() if error.expires else None}
