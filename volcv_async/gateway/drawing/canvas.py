"""What scenes are drawn on: tones at twice the size, in coordinates that know no pixels.

The height is 1 and the width `aspect`; y points down. Everything is filled flat or with a straight
vertical gradient, which Pillow does fast; halving the size in the end smooths the edges.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw

Point = tuple[float, float]
Curve = Callable[[float], float]

_TOO_LARGE_TO_DOUBLE = 2048 * 2048
_STEPS = 96


class Canvas:
    """A picture in the making.

    Args:
        width: of the finished picture, in pixels.
        height: likewise.
    """

    def __init__(self, width: int, height: int) -> None:
        self._finer = 1 if width * height > _TOO_LARGE_TO_DOUBLE else 2
        self._unit = height * self._finer
        self.aspect = width / height
        self._image = Image.new("L", (width * self._finer, self._unit))
        self._pen = ImageDraw.Draw(self._image)

    def finish(self) -> Image.Image:
        """The picture at its own size."""
        return self._image.reduce(self._finer)

    def gradient(self, top: float, bottom: float, tone_top: float, tone_bottom: float) -> None:
        """Fill a band across the whole width with tones from one to the other."""
        upper, lower = round(top * self._unit), round(bottom * self._unit)
        steps = round(abs(tone_bottom - tone_top)) + 1
        edges = [upper + (lower - upper) * step // steps for step in range(steps + 1)]
        for step, (first, end) in enumerate(pairwise(edges)):
            tone = round(tone_top + (tone_bottom - tone_top) * step / steps)
            self._image.paste(tone, (0, first, self._image.width, end))

    def veil(self, top: float, depth: float, tone: int, strength: float) -> None:
        """Lay a tone over a band: not at all at its top, by `strength` (0 to 1) at its bottom."""
        mask = _mask(self._image.width, max(1, round(depth * self._unit)), strength)
        self._image.paste(tone, (0, round(top * self._unit)), mask)

    def wash(self, top: float, tone: int, strength: float) -> None:
        """Lay a tone evenly over everything below a level, by `strength` (0 to 1)."""
        box = (0, round(top * self._unit), self._image.width, self._unit)
        part = self._image.crop(box)
        self._image.paste(Image.blend(part, Image.new("L", part.size, tone), strength), box)

    def below(self, curve: Curve, tone: int) -> None:
        """Fill everything below a curve."""
        xs = [self.aspect * i / _STEPS for i in range(_STEPS + 1)]
        self.shape([(x, curve(x)) for x in xs] + [(self.aspect, 1.1), (0, 1.1)], tone)

    def shape(self, points: Iterable[Point], tone: int) -> None:
        """Fill a polygon of at least three points."""
        self._pen.polygon([self._at(*point) for point in points], fill=tone)

    def line(self, points: Iterable[Point], tone: int, width: float) -> None:
        """Draw along points; at least one pixel wide."""
        pixels = max(1, round(width * self._unit))
        self._pen.line([self._at(*point) for point in points], tone, pixels, joint="curve")

    def ellipse(self, x: float, y: float, rx: float, ry: float, tone: int) -> None:
        """Fill an ellipse around a point."""
        self._pen.ellipse((*self._at(x - rx, y - ry), *self._at(x + rx, y + ry)), fill=tone)

    def disc(self, x: float, y: float, radius: float, tone: int) -> None:
        """Fill a circle around a point."""
        self.ellipse(x, y, radius, radius, tone)

    def arc(
        self,
        box: tuple[float, float, float, float],
        start: float,
        end: float,
        tone: int,
        width: float,
    ) -> None:
        """Draw a part of an ellipse's outline; degrees go clockwise from three o'clock."""
        pixels = max(1, round(width * self._unit))
        corners = (*self._at(box[0], box[1]), *self._at(box[2], box[3]))
        self._pen.arc(corners, start, end, tone, pixels)

    def bar(self, x: float, y: float, width: float, height: float, tone: int) -> None:
        """Fill a rectangle, given by its upper left corner."""
        self._pen.rectangle((*self._at(x, y), *self._at(x + width, y + height)), fill=tone)

    def capsule(self, x: float, y: float, width: float, height: float, tone: int) -> None:
        """Fill a rectangle with round ends."""
        box = (*self._at(x, y), *self._at(x + width, y + height))
        self._pen.rounded_rectangle(box, radius=height * self._unit / 2, fill=tone)

    def mirror(self, line: float) -> None:
        """Repeat what stands above a line upside down below it; at 0.5 or lower down."""
        middle = round(line * self._unit)
        upper = self._image.crop((0, 2 * middle - self._unit, self._image.width, middle))
        self._image.paste(upper.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (0, middle))

    def _at(self, x: float, y: float) -> Point:
        return x * self._unit, y * self._unit


@lru_cache(maxsize=8)
def _mask(width: int, height: int, strength: float) -> Image.Image:
    """From nothing at the top to `strength` at the bottom; scenes use few depths, so it is kept."""
    rows = (bytes([round(255 * strength * y / height)]) * width for y in range(height))
    return Image.frombytes("L", (width, height), b"".join(rows))
