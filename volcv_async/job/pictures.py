"""The pictures of an outcome, saved one by one; of a failed one too, where it holds any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from volcv_async import durable
from volcv_async.errors import BrokenImageError, ImageError
from volcv_async.images import SUFFIXES
from volcv_async.results import Completed, Generation, Image, Outcome

BROKEN = ".broken"


@attrs.frozen(kw_only=True)
class Kept:
    """One whole image on the disk.

    Attributes:
        path: Where it lies.
        image: What it is.
        request_id: The provider's id of the call that made it.
    """

    path: Path
    image: Image
    request_id: str


Dress = Callable[[Image, str], Image]
"""Gives an image as it is to be kept, from what came and the id of its call."""


def as_it_came(image: Image, _: str) -> Image:
    """Keep an image byte for byte."""
    return image


def save_images(
    outcome: Outcome, path: Path, dress: Dress = as_it_came, *, fsync: bool = True
) -> Iterator[Kept]:
    """Save all images of an outcome, and give the whole ones as they lie on the disk.

    The first gets the name that is given, the others ``-2``, ``-3`` and so on behind it; each gets
    the suffix that its bytes call for. What is no whole picture is kept, verbatim, as ``.broken``.

    Args:
        outcome: Whose images.
        path: Where the first goes.
        dress: Gives one that is whole as it is to be kept.
        fsync: Whether each is on the disk before the next is begun.

    Raises:
        OSError: One cannot be written.
    """
    save = Image.save if fsync else _save_unflushed
    request_id, images = _held(outcome)
    for place, image in enumerate(images, start=1):
        target = path_of(path, place)
        if image.media_type is not None:
            dressed = dress(image, request_id)
            yield Kept(path=save(dressed, target), image=dressed, request_id=request_id)
        else:
            broken = target.with_name(f"{target.name}{BROKEN}")
            durable.write(broken, image.data or b"", fsync=fsync)


def _save_unflushed(image: Image, path: Path) -> Path:
    assert image.media_type is not None and image.data is not None  # noqa: S101, PT018 - it is whole
    target = path.with_name(f"{path.name}{SUFFIXES[image.media_type]}")
    durable.write(target, image.data, fsync=False)
    return target


def path_of(path: Path, place: int) -> Path:
    """Give the name of one image of an outcome, without a suffix, by its place from 1."""
    return path if place == 1 else path.with_name(f"{path.name}-{place}")


def _held(outcome: Outcome) -> tuple[str, list[Image]]:
    """Give the images that an outcome holds the bytes of, and the id of their call."""
    error = None if isinstance(outcome, Completed) else outcome.error
    made = outcome.generation if isinstance(outcome, Completed) else None
    if isinstance(error, ImageError) and isinstance(error.generation, Generation):
        made = error.generation
    images = [image for image in made.images if image.data is not None] if made else []
    if isinstance(error, BrokenImageError) and error.data not in [i.data for i in images]:
        images.append(Image(data=error.data))
    return made.request_id if made else "", images
