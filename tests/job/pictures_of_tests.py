"""Small real pictures, and outcomes that hold them."""

from __future__ import annotations

import io

from PIL import Image as Pillow

from volcv_async.models import GeneralV21
from volcv_async.results import Completed, Generation, Image


def picture(width: int = 8, height: int = 8, kind: str = "PNG") -> bytes:
    """Draw a picture of one colour."""
    file = io.BytesIO()
    Pillow.new("RGB", (width, height), "teal").save(file, kind)
    return file.getvalue()


def completed(
    index: int = 0, *images: Image, prompt: str = "a red fox", seed: int | None = None
) -> Completed:
    """Make an outcome; with one small image if none is given."""
    request = GeneralV21(prompt=prompt, seed=seed)
    generation = Generation(images=images or (Image.of(picture()),), request_id=f"id-{index}")
    return Completed(index=index, request=request, attempts=1, generation=generation)
