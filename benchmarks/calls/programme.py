"""The programme: who takes part in which scene."""

from __future__ import annotations

from benchmarks.calls.figures import Contender, Scene
from benchmarks.calls.samples import SIZES

OURS = "volcv-async"
BARE = "bare aiohttp script"
READING = "aiohttp, read() only"

_SCRIPTS = (
    Contender(name=OURS, opening="ours:stream"),
    Contender(name=BARE, opening="scripts:bare_aiohttp"),
    Contender(name=READING, opening="scripts:reading_aiohttp"),
)


def programme() -> list[tuple[Scene, tuple[Contender, ...]]]:
    """Give the scenes with those who play in them."""
    return [(Scene(size=size), _SCRIPTS) for size in SIZES]
