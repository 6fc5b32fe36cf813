"""The motifs that scenes are put together from: suns, ridges, trees, boats, lamps.

Each draws on a `Canvas` in tones (see `colours.py`) and varies by the dice it is given.
"""

import math
from random import Random

from volcv_async.gateway.drawing import ridges
from volcv_async.gateway.drawing.canvas import Canvas, Curve, Point
from volcv_async.gateway.drawing.colours import HAZE, LIGHT


def chance(dice: Random, share: float) -> bool:
    """Whether the dice say yes, which they do in this share of cases (0 to 1)."""
    return dice.random() < share


def sky(canvas: Canvas, dice: Random, horizon: float) -> None:
    """A sky that grows lighter down to the haze, which fills the rest."""
    canvas.gradient(0, horizon - 0.08, dice.uniform(110, 165), HAZE)
    canvas.bar(0, horizon - 0.08, canvas.aspect, 1.1 - horizon, HAZE)


def sun(canvas: Canvas, dice: Random, y: float, size: float = 1.0) -> Point:
    """A disc with a faint halo; returns where it stands."""
    x = canvas.aspect * dice.uniform(0.2, 0.8)
    radius = size * dice.uniform(0.06, 0.1) * min(1, canvas.aspect + 0.2)
    canvas.disc(x, y, radius * 1.9, 216)
    canvas.disc(x, y, radius * 1.4, 224)
    canvas.disc(x, y, radius, LIGHT)
    return x, y


def moon(canvas: Canvas, dice: Random, tone_at: Curve) -> None:
    """A full moon, or a crescent cut out by a disc of the sky's tone."""
    x, y, radius = canvas.aspect * dice.uniform(0.2, 0.8), dice.uniform(0.14, 0.24), 0.06
    canvas.disc(x, y, radius, LIGHT)
    if chance(dice, 0.5):
        canvas.disc(
            x + radius * 0.45, y - radius * 0.2, radius * 0.85, round(tone_at(y - radius * 0.2))
        )


def stars(canvas: Canvas, dice: Random, lowest: float, count: int) -> None:
    """Specks down to a level."""
    for _ in range(count):
        size = dice.choice((0.0012, 0.0016, 0.003))
        canvas.disc(canvas.aspect * dice.random(), lowest * dice.random(), size, 235)


def birds(canvas: Canvas, dice: Random) -> None:
    """A few birds at a distance, or none."""
    x, y = canvas.aspect * dice.uniform(0.2, 0.8), dice.uniform(0.14, 0.32)
    for _ in range(dice.randint(0, 6)):
        wing = dice.uniform(0.009, 0.016)
        bird_x, bird_y = x + dice.uniform(-0.15, 0.15), y + dice.uniform(-0.06, 0.06)
        wings = [(bird_x - wing, bird_y - wing * 0.6), (bird_x, bird_y)]
        canvas.line([*wings, (bird_x + wing, bird_y - wing * 0.6)], 40, 0.003)


def clouds(canvas: Canvas, dice: Random, lowest: float) -> None:
    """Flat clouds down to a level."""
    for _ in range(dice.randint(2, 5)):
        x, y = canvas.aspect * dice.uniform(-0.1, 0.9), dice.uniform(0.06, lowest)
        for part in range(3):
            width = dice.uniform(0.12, 0.3) * min(1, canvas.aspect)
            canvas.capsule(x + dice.uniform(-0.06, 0.06), y + 0.018 * part, width, 0.018, 212)


def rolling(canvas: Canvas, dice: Random, *, top: float, layers: int, nearest: int) -> None:
    """Hills behind each other from `top` to the lower edge, mist between them."""
    farthest = 185
    for layer in range(layers):
        share = layer / (layers - 1)
        tone = round(farthest + share * (nearest - farthest))
        y = top + (0.93 - top) * share**1.1
        canvas.below(ridges.waves(dice, y, 0.05 + 0.05 * share), tone)
        if layer < layers - 1:
            canvas.veil(y - 0.02, 0.24, min(HAZE, tone + 55), 0.75)


def peaks(canvas: Canvas, dice: Random, foot: float) -> None:
    """Mountains side by side, standing on `foot`."""
    count = dice.randint(3, 4)
    for number in sorted(range(count), key=lambda _: dice.random()):
        x = canvas.aspect * (number + dice.uniform(0.3, 0.7)) / count
        height = dice.uniform(0.2, 0.36)
        half = height * dice.uniform(0.75, 1.0)
        _peak(canvas, dice, (x, foot - height), half, foot)


def _peak(canvas: Canvas, dice: Random, top: Point, half: float, foot: float) -> None:
    """A triangle with a shaded side and a toothed cap of snow."""
    x, y = top
    lean = dice.uniform(-0.1, 0.15) * half
    canvas.shape([(x, y), (x + half, foot), (x - half, foot)], 112)
    canvas.shape([(x, y), (x + half, foot), (x + lean, foot)], 72)
    snow = dice.uniform(0.3, 0.42)
    edge = y + snow * (foot - y)
    teeth = [
        (x + half * snow * t, edge + dice.uniform(-0.03, 0.03)) for t in (0.6, 0.25, -0.2, -0.6)
    ]
    canvas.shape([(x, y), (x + half * snow, edge), *teeth, (x - half * snow, edge)], HAZE)
    canvas.shape([(x, y), (x + half * snow, edge), *teeth[:2], (x + lean * snow, edge)], 178)


def ripples(canvas: Canvas, dice: Random, top: float) -> None:
    """Short lights on still water."""
    for _ in range(26):
        depth = dice.random() ** 1.5
        y, width = top + 0.01 + depth * (0.98 - top), dice.uniform(0.04, 0.2) * (0.5 + depth)
        x = canvas.aspect * dice.uniform(-0.1, 1)
        canvas.capsule(x, y, width, 0.002 + 0.002 * depth, round(190 - 100 * depth))


def pines(
    canvas: Canvas, dice: Random, foot: float, *, height: float, tone: int, density: int
) -> None:
    """Uneven ground with a row of firs."""
    ground = ridges.waves(dice, foot, 0.04)
    canvas.below(ground, tone)
    firs(canvas, dice, ground, height=height, tone=tone, density=density)


def firs(
    canvas: Canvas, dice: Random, ground: Curve, *, height: float, tone: int, density: int
) -> None:
    """Firs along a ground; `density` is their number over a width of 1."""
    count = max(4, round(density * canvas.aspect))
    for number in range(count):
        x = canvas.aspect * (number + dice.random()) / count
        _pine(canvas, (x, ground(x) + 0.01), height * dice.uniform(0.55, 1.0), tone)


def _pine(canvas: Canvas, foot: Point, height: float, tone: int) -> None:
    x, y = foot
    left = [
        (0.0, 1.0),
        (0.1, 0.7),
        (0.055, 0.72),
        (0.16, 0.42),
        (0.09, 0.44),
        (0.22, 0.1),
        (0.03, 0.13),
        (0.03, 0.0),
    ]
    outline = [(x - dx * height, y - dy * height) for dx, dy in left]
    outline += [(x + dx * height, y - dy * height) for dx, dy in reversed(left)]
    canvas.shape(outline, tone)


def tree(canvas: Canvas, dice: Random) -> None:
    """One round tree on the nearest hill."""
    x, y = canvas.aspect * dice.uniform(0.12, 0.88), 0.9
    height = dice.uniform(0.2, 0.3)
    canvas.shape(
        [
            (x - 0.012, y + 0.1),
            (x - 0.005, y - height),
            (x + 0.005, y - height),
            (x + 0.012, y + 0.1),
        ],
        12,
    )
    for _ in range(7):
        radius = height * dice.uniform(0.16, 0.3)
        canvas.disc(
            x + dice.uniform(-0.28, 0.28) * height, y - height * dice.uniform(0.7, 1.1), radius, 12
        )


def island(canvas: Canvas, dice: Random, horizon: float) -> None:
    """An island on the horizon, near one side."""
    x, width = canvas.aspect * dice.choice((0.08, 0.92)), dice.uniform(0.2, 0.35)
    for part in range(3):
        top = (x + width * dice.uniform(-0.3, 0.3), horizon - dice.uniform(0.03, 0.11))
        canvas.shape(
            [(x - width * (1 - 0.2 * part), horizon), top, (x + width * (1 - 0.2 * part), horizon)],
            130 - 18 * part,
        )


def glitter(canvas: Canvas, dice: Random, sun: Point, horizon: float) -> None:
    """The light's path over the water, and small waves beside it."""
    for step in range(34):
        depth = (step / 34) ** 1.4
        y = horizon + 0.008 + depth * (0.97 - horizon)
        width = (0.05 + 0.16 * depth) * dice.uniform(0.3, 1.0)
        x = sun[0] + dice.uniform(-0.5, 0.5) * (0.05 + 0.12 * depth) - width / 2
        canvas.capsule(x, y, width, 0.003 + 0.005 * depth, LIGHT if step % 3 else HAZE)
    for _ in range(24):
        depth = dice.random()
        y, width = (
            horizon + 0.01 + depth * (0.98 - horizon),
            dice.uniform(0.03, 0.1) * (0.4 + depth),
        )
        canvas.capsule(canvas.aspect * dice.random(), y, width, 0.003, round(150 - 95 * depth))


def boat(canvas: Canvas, dice: Random, horizon: float) -> None:
    """A sailing boat, the larger the nearer."""
    x, y = canvas.aspect * dice.uniform(0.15, 0.85), dice.uniform(horizon + 0.08, 0.82)
    size = 0.06 + 0.25 * (y - horizon)
    hull = [(-0.5, 0), (0.55, 0), (0.38, 0.16), (-0.36, 0.16)]
    canvas.shape([(x + size * dx, y + size * dy) for dx, dy in hull], 14)
    canvas.line([(x, y), (x, y - 1.1 * size)], 14, 0.07 * size)
    canvas.shape(
        [
            (x + 0.05 * size, y - 1.1 * size),
            (x + 0.5 * size, y - 0.1 * size),
            (x + 0.05 * size, y - 0.1 * size),
        ],
        HAZE,
    )
    canvas.shape(
        [
            (x - 0.05 * size, y - 0.95 * size),
            (x - 0.36 * size, y - 0.1 * size),
            (x - 0.05 * size, y - 0.1 * size),
        ],
        195,
    )
    canvas.capsule(x - 0.6 * size, y + 0.16 * size, 1.2 * size, 0.04 * size, 20)


def towers(canvas: Canvas, dice: Random, top: float, tone: int, *, lamps: bool) -> None:
    """A row of houses and towers from side to side."""
    x = -0.02
    while x < canvas.aspect:
        width, roof = dice.uniform(0.05, 0.12), top + dice.uniform(0, 0.26)
        canvas.bar(x, roof, width, 1 - roof, tone)
        if chance(dice, 0.3):
            canvas.line([(x + width / 2, roof), (x + width / 2, roof - 0.06)], tone, 0.004)
        elif chance(dice, 0.4):
            canvas.shape([(x, roof), (x + width / 2, roof - width * 0.6), (x + width, roof)], tone)
        if lamps:
            _windows(canvas, dice, x, roof, width)
        x += width + dice.uniform(-0.005, 0.02)


def _windows(canvas: Canvas, dice: Random, x: float, roof: float, width: float) -> None:
    columns, pitch = round(width / 0.018), 0.026
    for row in range(int((0.89 - roof - 0.02) / pitch)):
        for column in range(columns):
            if chance(dice, 0.4):
                left = x + width * (column + 0.28) / columns
                tone = dice.choice((LIGHT, LIGHT, 215, 190))
                canvas.bar(left, roof + 0.02 + row * pitch, 0.0075, 0.012, tone)


def ringed(canvas: Canvas, dice: Random, x: float, y: float, radius: float) -> None:
    """A planet and its two rings, partly before and partly behind it."""
    flat = dice.uniform(0.18, 0.3)
    ring = (x - 2 * radius, y - 2 * radius * flat, x + 2 * radius, y + 2 * radius * flat)
    inner = (x - 1.7 * radius, y - 1.7 * radius * flat, x + 1.7 * radius, y + 1.7 * radius * flat)
    canvas.arc(ring, 180, 360, 170, 0.16 * radius)
    canvas.arc(inner, 180, 360, 110, 0.1 * radius)
    canvas.disc(x, y, radius, 150)
    for part, tone in ((0.86, 172), (0.7, 190), (0.5, 206)):
        shift = radius * (1 - part) * 0.6
        canvas.disc(x - shift, y - shift, radius * part, tone)
    canvas.arc(ring, 0, 180, 222, 0.16 * radius)
    canvas.arc(inner, 0, 180, 150, 0.1 * radius)


def balloon(canvas: Canvas, dice: Random, x: float, y: float, radius: float) -> None:
    """A striped hot-air balloon."""
    dark, light = dice.choice(((70, LIGHT), (40, 205), (95, LIGHT), (55, HAZE)))
    knot = y + 1.75 * radius
    canvas.shape(
        [
            (x - 0.86 * radius, y + 0.5 * radius),
            (x + 0.86 * radius, y + 0.5 * radius),
            (x + 0.16 * radius, knot),
            (x - 0.16 * radius, knot),
        ],
        dark,
    )
    for part, tone in ((1.0, dark), (0.72, light), (0.4, dark), (0.13, light)):
        canvas.ellipse(x, y, radius * part, radius, tone)
        canvas.shape(
            [
                (x - 0.86 * radius * part, y + 0.5 * radius),
                (x + 0.86 * radius * part, y + 0.5 * radius),
                (x + 0.16 * radius * part, knot),
                (x - 0.16 * radius * part, knot),
            ],
            tone,
        )
    canvas.bar(x - 0.14 * radius, knot + 0.16 * radius, 0.28 * radius, 0.24 * radius, 20)
    for side in (-0.13, 0.13):
        canvas.line(
            [(x + side * radius, knot), (x + side * radius, knot + 0.2 * radius)], 20, 0.002
        )


def flower(canvas: Canvas, dice: Random, x: float, y: float) -> None:
    """A flower with its stem, its head at the point given."""
    lean = dice.uniform(-0.06, 0.06)
    stem = [(x + lean * (1 - t) ** 2, y + (1.02 - y) * t) for t in (0, 0.25, 0.5, 0.75, 1)]
    canvas.line(stem, 25, 0.007)
    head_x, head_y = stem[0]
    size = dice.uniform(0.022, 0.04)
    petals, turn = dice.choice((5, 6, 8)), dice.uniform(0, 1)
    tone, heart = dice.choice(((LIGHT, 30), (LIGHT, 30), (HAZE, 30), (90, LIGHT), (60, LIGHT)))
    for petal in range(petals):
        angle = math.tau * petal / petals + turn
        canvas.disc(
            head_x + size * math.cos(angle), head_y + size * math.sin(angle), size * 0.62, tone
        )
    canvas.disc(head_x, head_y, size * 0.55, heart)


def grass(canvas: Canvas, dice: Random) -> None:
    """Grass along the lower edge."""
    canvas.below(ridges.waves(dice, 0.94, 0.02), 18)
    for _ in range(round(70 * canvas.aspect)):
        x, height = canvas.aspect * dice.random(), dice.uniform(0.05, 0.16)
        tip = x + dice.uniform(-0.04, 0.04)
        canvas.shape(
            [(x - 0.006, 1), (tip, 0.95 - height), (x + 0.006, 1)], dice.choice((18, 18, 34))
        )


def scallops(canvas: Canvas, y: float, radius: float, row: int, tone: int) -> None:
    """One row of overlapping scales; every other row is shifted by half a scale."""
    count = math.ceil(canvas.aspect / (2 * radius)) + 1
    for number in range(count):
        x = 2 * radius * number + (radius if row % 2 else 0)
        for ring, step in ((1.0, 40), (0.9, 0), (0.68, 28), (0.6, 0), (0.36, 28), (0.28, 0)):
            canvas.disc(x, y, radius * ring, min(HAZE, tone + step))
