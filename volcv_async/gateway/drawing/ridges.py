"""Ridges: the curves that land ends in, as heights over the whole width."""

import math
from itertools import pairwise
from random import Random

from volcv_async.gateway.drawing.canvas import Curve


def waves(dice: Random, y: float, height: float, *, slow: bool = False) -> Curve:
    """A smooth ridge around a level."""
    base = dice.uniform(2.0, 3.5) if slow else dice.uniform(3.0, 5.5)
    parts = [(base * n, height / n**1.3, dice.uniform(0, math.tau)) for n in (1, 2.1, 3.7)]
    return lambda x: y + sum(size * math.sin(pace * x + turn) for pace, size, turn in parts) / 2


def jagged(dice: Random, y: float, height: float, aspect: float) -> Curve:
    """A rocky ridge around a level: straight between points, rough at every scale."""
    heights = [dice.uniform(-1, 1) for _ in range(5)]
    rough = 0.55
    for _ in range(4):
        middles = [(a + b) / 2 + rough * dice.uniform(-1, 1) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, middles, strict=False) for h in pair] + heights[-1:]
        rough /= 2

    def curve(x: float) -> float:
        place = min(max(x / aspect, 0), 1) * (len(heights) - 1)
        left = min(int(place), len(heights) - 2)
        return y - height * (heights[left] + (place - left) * (heights[left + 1] - heights[left]))

    return curve


def shaded(dice: Random, crest: Curve) -> Curve:
    """Where the shaded side of a crest begins: on it here, well below it there."""
    pace, turn = dice.uniform(3, 5), dice.uniform(0, math.tau)
    return lambda x: crest(x) + max(0.0, 0.13 * math.sin(pace * x + turn) + 0.03)
