"""Steps of a request's road, and whose a call is: that of a room of ours, aiohttp's or asyncio's.

A function belongs to the room whose file it is in. One of anybody else's, such as of ``json`` or of
``contextlib``, works for whoever called it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

STEPS: Mapping[str, tuple[str, ...]] = {
    "request": ("models/",),
    "stream": ("stream.py", "window.py", "client.py"),
    "waits": ("waits.py", "bottleneck.py"),
    "carriers": ("carriers.py",),
    "pool": ("pool.py",),
    "outages": ("outages.py", "outage.py", "probing.py"),
    "gate": ("governor/gate.py", "governor/line.py", "governor/permits.py"),
    "governor": ("governor/",),
    "call": ("call.py", "retry.py"),
    "encode": ("codec/requests.py",),
    "transport": ("transport.py", "sending.py", "reply.py", "config/"),
    "decode": ("codec/",),
    "picture": ("images.py",),
    "outcome": ("results.py",),
    "telling": ("telling.py", "events.py"),
}
"""Rooms by step, as the road leads; a folder has those of its files that are named nowhere."""

AIOHTTP, ASYNCIO, SCENE = "aiohttp", "asyncio", "scene"
LIBRARIES = (AIOHTTP, ASYNCIO)
"""Steps that are not ours."""

_OURS = "volcv_async"
_WHOSE = {
    _OURS: _OURS,
    "benchmarks": SCENE,
    "asyncio": ASYNCIO,
    "selectors": ASYNCIO,
    "aiohttp": AIOHTTP,
    "aiosignal": AIOHTTP,
    "frozenlist": AIOHTTP,
    "multidict": AIOHTTP,
    "propcache": AIOHTTP,
    "yarl": AIOHTTP,
}
_GENERATED = re.compile(rf"<attrs generated \w+ {_OURS}\.([\w.]+)\.\w+>")

Roots: TypeAlias = Mapping[str, str]
"""Where packages lie, as the beginnings of their files' names, and whose they are."""


def roots() -> Roots:
    """Find the packages, without importing them."""
    found = {name: find_spec(name) for name in _WHOSE}
    return {
        _root(spec.origin): _WHOSE[name]
        for name, spec in found.items()
        if spec is not None and spec.origin is not None
    }


def _root(origin: str) -> str:
    file = Path(origin)
    return str(file.parent) + os.sep if file.name == "__init__.py" else origin


def step_of_file(name: str, roots: Roots) -> str | None:
    """Tell whose a file is; None if it is anybody's.

    What attrs makes of a class has a file's name in angle brackets, with the class in it.
    """
    if (made := _GENERATED.match(name)) is not None:
        return step_of_room(made[1].replace(".", "/") + ".py")
    for root, whose in roots.items():
        if name.startswith(root):
            return step_of_room(name[len(root) :]) if whose == _OURS else whose
    return None


def step_of_room(room: str) -> str:
    """Tell the step of a file of ours, by its name in the package; one of none is its own."""
    room = room.replace(os.sep, "/")
    for step, rooms in STEPS.items():
        if room in rooms:
            return step
    for step, rooms in STEPS.items():
        if room.partition("/")[0] + "/" in rooms:
            return step
    return room


def in_files(step: str) -> str:
    """Name a step, and the files that it is in."""
    return f"{step} ({', '.join(STEPS[step])})" if step in STEPS else step
