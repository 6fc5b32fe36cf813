"""What comes back: images, generations, and the outcome of each request of a stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import attrs

from volcv_async import durable
from volcv_async.errors import Billed, DownloadError, VolcvError
from volcv_async.images import SUFFIXES, inspect
from volcv_async.labels import read_label
from volcv_async.models import Request


def _size(data: bytes | None) -> str:
    return "None" if data is None else f"<{len(data)} bytes>"


@attrs.frozen(kw_only=True)
class Image:
    """One image, exactly as the provider sent it.

    Attributes:
        data: The bytes as they came, or None where it was not downloaded.
        url: Where it stands, or None where it came within the reply.
        expires: When that URL dies (UTC): what its ``x-expires`` says (community), otherwise one
            hour after the reply (official, the shorter of two statements).
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``, from the bytes; None without.
        width: In pixels, from the bytes; None without.
        height: In pixels, from the bytes; None without.
    """

    data: bytes | None = attrs.field(default=None, repr=_size)
    url: str | None = None
    expires: datetime | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, data: bytes, *, url: str | None = None, expires: datetime | None = None) -> Image:
        """Make an image of its bytes.

        Raises:
            BrokenImageError: They are no whole picture.
        """
        seen = inspect(data)
        return cls(
            data=data,
            url=url,
            expires=expires,
            media_type=seen.media_type,
            width=seen.width,
            height=seen.height,
        )

    @property
    def aigc_label(self) -> Mapping[str, Any] | None:
        """The label of origin that Chinese rules (GB 45438-2025) ask for; None where none is found.

        It is the JSON object in the picture's metadata, as it stands there, with fields such as
        ``Label`` (``"1"``: made by a machine), ``ContentProducer`` and ``ProduceID`` (community:
        the fields and the places are those that other people's code has met). It is looked for in
        XMP, in EXIF and in PNG text, each time it is asked for.
        """
        return None if self.data is None else read_label(self.data)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the bytes to a file, verbatim, and return its path.

        The suffix follows from the bytes: it is added where the name has none of a picture, and
        put right where it has a wrong one. The file appears whole or not at all: it is written
        beside, flushed to the disk and renamed, and its folder is flushed. This blocks; in async
        code use ``await asyncio.to_thread(image.save, path)``.

        Raises:
            DownloadError: The image was not downloaded, so there are no bytes.
            OSError: It cannot be written.
        """
        if self.data is None or self.media_type is None:
            raise self._absent()
        target = _with_suffix(Path(path), SUFFIXES[self.media_type])
        durable.write(target, self.data)
        return target

    def _absent(self) -> DownloadError:
        error = DownloadError(
            "This image was not downloaded, so there is nothing to save.",
            help=f"Fetch it from {self.url} before {self.expires}.",
        )
        error.url, error.expires = self.url or "", self.expires
        return error


def _with_suffix(path: Path, suffix: str) -> Path:
    named = path.suffix.lower()
    if named == suffix or (named == ".jpeg" and suffix == ".jpg"):
        return path
    if named in {*SUFFIXES.values(), ".jpeg"}:
        return path.with_suffix(suffix)
    return path.with_name(path.name + suffix)


@attrs.frozen(kw_only=True)
class Generation:
    """What one paid call gave.

    Attributes:
        images: The images, at least one; usually just one.
        request_id: The provider's id of the call; empty where it gave none.
        time_elapsed: How long the provider says it took, in seconds, or None.
        algorithm_request_id: The algorithm's own id; empty where it gave none.
        rephraser_result: The prompt as the rephraser wrote it, or None (2.0Pro, 2.1, 1.4).
        predict_tags_result: The tags that were predicted, or None (1.4).
        pe_result: The prompt as the ``pe`` schedule wrote it, or None (2.0Pro, 2.1).
        llm_result: The prompt as the language model wrote it, or None (2.1 with ``use_pre_llm``).
        vlm_result: What the vision model wrote, or None (siblings).
        aigc_meta_tagged: Whether the invisible label was set, or None where nothing is said.
        extra: The fields of the reply that have no place above, as they came.
    """

    images: tuple[Image, ...]
    request_id: str = ""
    time_elapsed: float | None = None
    algorithm_request_id: str = ""
    rephraser_result: str | None = None
    predict_tags_result: str | None = None
    pe_result: str | None = None
    llm_result: str | None = None
    vlm_result: str | None = None
    aigc_meta_tagged: bool | None = None
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False)

    @property
    def image(self) -> Image:
        """The first image."""
        return self.images[0]


@attrs.frozen(kw_only=True)
class _Ended:
    """What every outcome says."""

    index: int
    request: Request
    attempts: int
    lineage: tuple[Request, ...] = ()
    perhaps_billed: int = 0

    @property
    def sent(self) -> Request:
        """The request as it went out last, after a reroll with its fresh seed."""
        return self.lineage[-1] if self.lineage else self.request


@attrs.frozen(kw_only=True)
class Completed(_Ended):
    """A request that was answered with its image.

    Attributes:
        index: Its place in the source, from 0.
        request: The request as the source gave it.
        attempts: How many attempts it took, refusals and rerolls included.
        generation: What came back.
        billed: ``"yes"``.
        lineage: After rerolls: the requests that went out after the given one, the last of which
            gave the image.
        perhaps_billed: Attempts before that may have been billed, too: those in doubt that were
            repeated, and those whose picture was refused and drawn anew.
    """

    generation: Generation
    billed: Billed = "yes"

    def unwrap(self) -> Generation:
        """Give the generation."""
        return self.generation


@attrs.frozen(kw_only=True)
class Failed(_Ended):
    """A request that ended without an image, for a known reason.

    Attributes:
        index: Its place in the source, from 0.
        request: The request as the source gave it.
        attempts: How many attempts were made, refusals and rerolls included; 0 if it was never
            sent.
        error: What happened.
        billed: ``"no"``, ``"unknown"`` or ``"yes"`` (made, but not in hand).
        lineage: After rerolls: the requests that went out after the given one, the last of which
            met the error.
        perhaps_billed: Attempts that may have been billed beside the one that ``billed`` speaks
            of: those in doubt that were repeated, and those whose picture was refused and drawn
            anew.
    """

    error: VolcvError
    billed: Billed = attrs.field(
        default=attrs.Factory(lambda self: self.error.billed, takes_self=True)
    )

    def unwrap(self) -> NoReturn:
        """Raise the error."""
        raise self.error


@attrs.frozen(kw_only=True)
class InDoubt(_Ended):
    """A request that may have been made and billed, without our knowing.

    It was not sent again, unless ``RetryPolicy(in_doubt="retry")`` said so.

    Attributes:
        index: Its place in the source, from 0.
        request: The request as the source gave it.
        attempts: How many attempts were made, refusals and rerolls included.
        error: What is known of it.
        billed: ``"unknown"``.
        lineage: After rerolls: the requests that went out after the given one, the last of which
            is in doubt.
        perhaps_billed: Attempts that may have been billed beside the one that ``billed`` speaks
            of.
    """

    error: VolcvError
    billed: Billed = "unknown"

    def unwrap(self) -> NoReturn:
        """Raise the error."""
        raise self.error


Outcome = Completed | Failed | InDoubt
"""What became of one request: matched with ``match``, or asked with ``unwrap()``."""
