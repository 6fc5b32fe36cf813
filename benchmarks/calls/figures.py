"""What was measured: a track for each contender in each scene, with a figure for each round."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from benchmarks.calls.rounds import Spread, ratios, spread
from benchmarks.calls.samples import Size


@attrs.frozen(kw_only=True)
class Contender:
    """Who takes part.

    Attributes:
        name: What to call it.
        opening: Its room in ``contenders`` and its function there.
        uvloop: On uvloop.
        own: It makes the calls itself, and not by another program, which warms up by itself and
            has a loop and memory of its own.
    """

    name: str
    opening: str
    uvloop: bool = False
    own: bool = True


@attrs.frozen(kw_only=True)
class Scene:
    """What they all do.

    Attributes:
        size: How large the replies are.
        fresh: A connection of its own for each call.
        tls: Encrypted.
    """

    size: Size
    fresh: bool = False
    tls: bool = False

    @property
    def mode(self) -> str:
        """What to call it, whatever the size."""
        return ("fresh" if self.fresh else "reused") + (", TLS" if self.tls else "")


@attrs.define(kw_only=True)
class Track:
    """What one contender came to in one scene; a value a round.

    Attributes:
        name: Whose it is.
        cpu: Client CPU in seconds a call.
        rate: Calls a second, one core given.
        client: The share of the time that the client's core was busy for it.
        server: The same of the server's core.
        stalls: The most CPU in seconds between two ticks of a 1 ms timer, of each batch.
        peak: The most memory of its process, in bytes; None if it is not its own.
    """

    name: str
    cpu: list[float] = attrs.field(factory=list[float])
    rate: list[float] = attrs.field(factory=list[float])
    client: list[float] = attrs.field(factory=list[float])
    server: list[float] = attrs.field(factory=list[float])
    stalls: list[float] = attrs.field(factory=list[float])
    peak: int | None = None


@attrs.frozen(kw_only=True)
class Play:
    """A scene, and all who took part."""

    scene: Scene
    tracks: list[Track]

    def of(self, name: str) -> Track | None:
        """Find a contender's track."""
        return next((track for track in self.tracks if track.name == name), None)

    def ratio(self, name: str, to: str) -> Spread | None:
        """Set one's CPU a call against another's, round by round."""
        mine, other = self.of(name), self.of(to)
        return spread(ratios(mine.cpu, other.cpu)) if mine and other else None

    def cheapest(self, names: Iterable[str]) -> str | None:
        """Name the one of these that took the least CPU a call."""
        tracks = [track for track in map(self.of, names) if track]
        best = min(tracks, key=lambda track: spread(track.cpu).median, default=None)
        return best.name if best else None


@attrs.frozen(kw_only=True)
class Figures:
    """All that was measured.

    Attributes:
        rounds: How many there were.
        machine: What it ran on, by what is said of it.
        plays: All scenes.
        missing: Contenders that took no part, and why.
    """

    rounds: int
    machine: dict[str, str]
    plays: list[Play]
    missing: dict[str, str]

    def at(self, scene: Scene) -> Play | None:
        """Find a scene."""
        return next((play for play in self.plays if play.scene == scene), None)
