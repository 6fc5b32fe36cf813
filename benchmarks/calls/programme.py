"""The programme: who takes part in which scene."""

from __future__ import annotations

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
_BESIDE = (
    Contender(name="bare aiohttp script, uvloop", opening="scripts:bare_aiohttp", uvloop=True),
    Contender(name="bare httpx script", opening="scripts:bare_httpx"),
)
_PEERS = (
    Contender(name="openai on aiohttp", opening="peers:openai_on_aiohttp"),
    Contender(name="openai on httpx", opening="peers:openai_on_httpx"),
    Contender(name="VisualService in threads", opening="peers:visual_service"),
    Contender(name="AsyncArk", opening="peers:ark"),
)
_WRK = Contender(name="wrk", opening="wrk:moving_bytes", own=False)

PEERS = tuple(peer.name for peer in _PEERS)
"""The clients one installs instead."""


def programme() -> list[tuple[Scene, tuple[Contender, ...]]]:
    """Give the scenes with those who play in them."""
    all_of_them = (_WRK, _READING, _OURS, _ON_UVLOOP, _BARE, *_BESIDE, *_PEERS)
    some = (_READING, _OURS, _ON_UVLOOP, _BARE)
    few = (_READING, _OURS, _BARE)
    return [
        *((Scene(size=size), all_of_them) for size in SIZES),
        *((Scene(size=size, fresh=True), some) for size in SIZES),
        *((Scene(size=size, tls=True), few) for size in SIZES),
        *((Scene(size=size, tls=True, fresh=True), few) for size in SIZES),
    ]
