"""The scenes: landscapes of a few flat shapes, each varied by dice that follow from the prompt.

A scene draws on a `Canvas` in tones (see `colours.py`): what is near is dark, what is far fades
into the haze, and only sun, moon and lamps have the tone of light.
"""

import math
from collections.abc import Callable
from random import Random

from volcv_async.gateway.drawing import motifs, ridges
from volcv_async.gateway.drawing.canvas import Canvas
from volcv_async.gateway.drawing.colours import HAZE, LIGHT

Scene = Callable[[Canvas, Random], None]


def hills(canvas: Canvas, dice: Random) -> None:
    """Rolling hills behind each other under a low sun."""
    motifs.sky(canvas, dice, 0.6)
    motifs.sun(canvas, dice, dice.uniform(0.2, 0.42))
    motifs.birds(canvas, dice)
    motifs.rolling(canvas, dice, top=dice.uniform(0.46, 0.55), layers=5, nearest=12)
    if motifs.chance(dice, 0.6):
        motifs.tree(canvas, dice)


def sea(canvas: Canvas, dice: Random) -> None:
    """The sun on the horizon of a calm sea, with a boat."""
    horizon = dice.uniform(0.5, 0.62)
    motifs.sky(canvas, dice, horizon)
    light = motifs.sun(canvas, dice, horizon - dice.uniform(0.0, 0.16))
    motifs.clouds(canvas, dice, horizon - 0.1)
    canvas.gradient(horizon, 1, 165, 25)
    if motifs.chance(dice, 0.7):
        motifs.island(canvas, dice, horizon)
    motifs.glitter(canvas, dice, light, horizon)
    motifs.boat(canvas, dice, horizon)


def lake(canvas: Canvas, dice: Random) -> None:
    """Snowy peaks, upside down again in the lake before them."""
    shore = dice.uniform(0.56, 0.62)
    motifs.sky(canvas, dice, shore)
    motifs.sun(canvas, dice, dice.uniform(0.14, 0.26))
    canvas.below(ridges.jagged(dice, shore - 0.2, 0.1, canvas.aspect), 165)
    motifs.peaks(canvas, dice, shore)
    canvas.veil(shore - 0.24, 0.24, 185, 0.75)
    motifs.firs(canvas, dice, lambda _: shore, height=0.045, tone=62, density=44)
    canvas.mirror(shore)
    canvas.wash(shore, 105, 0.4)
    canvas.veil(shore, 0.48, 30, 0.75)
    motifs.ripples(canvas, dice, shore)
    motifs.pines(canvas, dice, 0.95, height=0.2, tone=10, density=14)


def forest(canvas: Canvas, dice: Random) -> None:
    """Rows of firs that lose themselves in the mist."""
    motifs.sky(canvas, dice, 0.8)
    motifs.sun(canvas, dice, dice.uniform(0.16, 0.3))
    canvas.below(ridges.waves(dice, 0.42, 0.08), 190)
    canvas.veil(0.4, 0.24, HAZE, 0.75)
    motifs.pines(canvas, dice, 0.58, height=0.16, tone=160, density=26)
    for row in (1, 2, 3):
        foot = 0.58 + 0.14 * row
        canvas.veil(foot - 0.22, 0.24, HAZE + 40 - 40 * row, 0.75)
        height, tone, density = 0.16 + 0.07 * row, 160 - 46 * row, 26 - 5 * row
        motifs.pines(canvas, dice, foot, height=height, tone=tone, density=density)


def dunes(canvas: Canvas, dice: Random) -> None:
    """Sand with a lit and a shaded side, under a large sun."""
    motifs.sky(canvas, dice, 0.55)
    motifs.sun(canvas, dice, dice.uniform(0.26, 0.4), size=1.5)
    motifs.birds(canvas, dice)
    for layer in range(4):
        crest = ridges.waves(dice, 0.5 + 0.13 * layer, 0.05 + 0.02 * layer, slow=True)
        lit = 196 - 34 * layer
        canvas.below(crest, lit)
        canvas.below(ridges.shaded(dice, crest), lit - 38)
        canvas.veil(0.52 + 0.13 * layer, 0.24, lit - 50, 0.5)


def city(canvas: Canvas, dice: Random) -> None:
    """Towers at nightfall, lamps in their windows."""
    canvas.gradient(0, 0.85, 45, 190)
    motifs.stars(canvas, dice, 0.4, 60)
    motifs.moon(canvas, dice, lambda y: 45 + 145 * y / 0.85)
    motifs.towers(canvas, dice, 0.36, 125, lamps=False)
    for layer in (1, 2):
        canvas.veil(0.5 + 0.1 * layer, 0.24, HAZE + 70 - 70 * layer, 0.75)
        motifs.towers(canvas, dice, 0.36 + 0.14 * layer, 125 - 48 * layer, lamps=True)
    canvas.bar(0, 0.9, canvas.aspect, 0.1, 12)


def planet(canvas: Canvas, dice: Random) -> None:
    """A ringed planet over a strange horizon."""
    canvas.gradient(0, 1, 8, 130)
    motifs.stars(canvas, dice, 0.75, 160)
    x, y = canvas.aspect * dice.uniform(0.32, 0.68), dice.uniform(0.3, 0.42)
    motifs.ringed(canvas, dice, x, y, dice.uniform(0.15, 0.21) * min(1, canvas.aspect + 0.2))
    canvas.disc(canvas.aspect * dice.uniform(0.06, 0.2), dice.uniform(0.1, 0.2), 0.03, LIGHT)
    for layer in range(3):
        canvas.below(ridges.jagged(dice, 0.72 + 0.09 * layer, 0.07, canvas.aspect), 90 - 40 * layer)
        canvas.veil(0.7 + 0.09 * layer, 0.24, 120 - 50 * layer, 0.5)


def balloons(canvas: Canvas, dice: Random) -> None:
    """Balloons over morning hills."""
    motifs.sky(canvas, dice, 0.7)
    motifs.sun(canvas, dice, dice.uniform(0.5, 0.6))
    motifs.rolling(canvas, dice, top=0.66, layers=4, nearest=20)
    count = dice.randint(3, 5)
    for number in range(count):
        x = canvas.aspect * (number + dice.uniform(0.3, 0.7)) / count
        motifs.balloon(canvas, dice, x, dice.uniform(0.14, 0.5), dice.uniform(0.045, 0.1))


def meadow(canvas: Canvas, dice: Random) -> None:
    """Flowers against the light."""
    motifs.sky(canvas, dice, 0.7)
    motifs.sun(canvas, dice, dice.uniform(0.25, 0.4), size=1.3)
    motifs.rolling(canvas, dice, top=0.62, layers=3, nearest=70)
    count = max(3, round(9 * canvas.aspect))
    for number in range(count):
        x = canvas.aspect * (number + dice.random()) / count
        motifs.flower(canvas, dice, x, dice.uniform(0.42, 0.78))
    motifs.grass(canvas, dice)


def swell(canvas: Canvas, dice: Random) -> None:
    """Scalloped waves, row upon row, as on old fabric."""
    motifs.sky(canvas, dice, 0.5)
    motifs.sun(canvas, dice, dice.uniform(0.24, 0.36), size=1.6)
    motifs.clouds(canvas, dice, 0.34)
    radius = dice.uniform(0.1, 0.13)
    rows = math.ceil(0.62 / (radius / 2)) + 1
    for row in range(rows):
        y = 0.5 + row * radius / 2
        motifs.scallops(canvas, y, radius, row, 175 - round(135 * row / rows))


SCENES: tuple[Scene, ...] = (
    hills, sea, lake, forest, dunes, city, planet, balloons, meadow, swell,
)  # fmt: skip
