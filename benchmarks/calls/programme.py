"""The programme: who takes part in which scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from benchmarks.calls.figures import Contender, Scene
from benchmarks.calls.samples import SIZES

OURS = "volcv-async"
OURS_ON_UVLOOP = "volcv-async, uvloop"
BARE = "bare aiohttp script"
READING = "aiohttp, read() only"

_OURS = Contender(name=OURS, opening="ours:stream")
_ON_UVLOOP = Contender(name=OURS_ON_UVLOOP, opening="ours:stream", uvloop=True)
_BARE = Contender(name=BARE, opening="scripts:bare_aiohttp")
_READING = Contender(name=READING, opening="scripts:reading_aiohttp")
_BARE_ON_UVLOOP = Contender(
    name="bare aiohttp script, uvloop", opening="scripts:bare_aiohttp", uvloop=True
)
_HTTPX = Contender(name="bare httpx script", opening="scripts:bare_httpx")
_WRK = Contender(name="wrk", opening="wrk:moving_bytes", own=False)
_OPENAI = Contender(name="openai on aiohttp", opening="peers:openai_on_aiohttp")
_OPENAI_ON_HTTPX = Contender(name="openai on httpx", opening="peers:openai_on_httpx")
_VISUAL_SERVICE = Contender(name="VisualService in threads", opening="peers:visual_service")
_ARK = Contender(name="AsyncArk", opening="peers:ark")

PEERS = tuple(peer.name for peer in (_OPENAI, _OPENAI_ON_HTTPX, _VISUAL_SERVICE, _ARK))
"""The clients one installs instead."""

_NEAREST = (_WRK, _READING, _OURS, _ON_UVLOOP, _BARE, _BARE_ON_UVLOOP, _OPENAI, _VISUAL_SERVICE)
_DEARER = (_HTTPX, _OPENAI_ON_HTTPX, _ARK)

Programme: TypeAlias = Sequence[tuple[Scene, Sequence[Contender]]]
"""Scenes, and who plays in them."""


def short() -> Programme:
    """Leave out those that have never been the cheapest of their kind, and TLS."""
    return [
        *((Scene(size=size), _NEAREST) for size in SIZES),
        *((Scene(size=size, fresh=True), (_READING, _OURS, _ON_UVLOOP, _BARE)) for size in SIZES),
    ]


def whole() -> Programme:
    """Give all there is."""
    few = (_READING, _OURS, _BARE)
    return [
        *((scene, those if scene.fresh else (*those, *_DEARER)) for scene, those in short()),
        *((Scene(size=size, tls=True), few) for size in SIZES),
        *((Scene(size=size, tls=True, fresh=True), few) for size in SIZES),
    ]
