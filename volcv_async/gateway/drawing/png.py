"""From a subject to a PNG: a scene in tones, a ramp of colours, a label, and the metadata."""

import hashlib
import io
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from volcv_async.gateway.drawing.canvas import Canvas
from volcv_async.gateway.drawing.colours import HAZE, RAMPS, palette
from volcv_async.gateway.drawing.scenes import SCENES
from volcv_async.gateway.subject import Subject

_SENTENCES = ("Drawn by the volcv-async local gateway.", "No model made this.")
LABEL = " ".join(_SENTENCES)
_SOFTWARE = "volcv-async local gateway; no model made this picture"
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(subject: Subject) -> bytes:
    """The PNG of a subject, of exactly its size; equal subjects give equal bytes."""
    chosen = hashlib.sha256(f"{subject.model}\0{subject.seed}\0{subject.prompt}".encode()).digest()
    scene = SCENES[chosen[0] % len(SCENES)]
    canvas = Canvas(subject.width, subject.height)
    scene(canvas, Random(chosen))
    image = canvas.finish()
    _label(image)
    image.putpalette(palette(chosen[1] % len(RAMPS)))
    return _encode(image, subject)


def _label(image: Image.Image) -> None:
    """Say in plain letters, on a strip at the bottom, where the picture comes from."""
    strip = _strip(*image.size)
    image.paste(strip, (0, image.height - strip.height))


@lru_cache(maxsize=8)
def _strip(width: int, height: int) -> Image.Image:
    size = max(9, round(min(width / 34, height / 12)))
    lines = set_lines(size, 0.96 * width)
    line_height = round(1.3 * size)
    strip = Image.new("L", (width, line_height * len(lines) + size // 2))
    pen = ImageDraw.Draw(strip)
    for number, line in enumerate(lines):
        middle = (width / 2, size // 4 + (number + 0.5) * line_height)
        pen.text(middle, line, fill=HAZE, font=_font(size), anchor="mm")
    return strip


def set_lines(size: int, width: float) -> list[str]:
    """The label in one line if it fits, else a line for each sentence, else broken at words."""
    if _font(size).getlength(LABEL) <= width:
        return [LABEL]
    return [line for sentence in _SENTENCES for line in _break(sentence, size, width)]


def _break(sentence: str, size: int, width: float) -> list[str]:
    lines = [""]
    for word in sentence.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _font(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@lru_cache(maxsize=8)
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _encode(image: Image.Image, subject: Subject) -> bytes:
    notes = PngInfo()
    notes.add_itxt("prompt", subject.prompt)
    notes.add_itxt("seed", str(subject.seed))
    notes.add_itxt("model", subject.model)
    notes.add_itxt("Software", _SOFTWARE)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=notes, compress_level=1)
    return file.getvalue()
