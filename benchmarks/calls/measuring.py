"""Measuring: every contender in a process of its own, all against one server, taking turns."""

from __future__ import annotations

import platform
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import attrs

from benchmarks.calls.contenders import AT_ONCE, Order, Target
from benchmarks.calls.figures import Contender, Figures, Play, Scene, Track
from benchmarks.calls.processes import Child, Line, child, cores
from benchmarks.calls.programme import programme
from benchmarks.calls.rounds import calls_within, turns


@attrs.frozen(kw_only=True)
class Effort:
    """How much of it is done.

    Attributes:
        rounds: How often each takes its turn.
        seconds: How long a turn about is, if it takes no longer for the fewest calls.
        stalls: In how many rounds there is another turn beside a timer.
    """

    rounds: int
    seconds: float
    stalls: int


FULL = Effort(rounds=11, seconds=0.25, stalls=3)
QUICK = Effort(rounds=5, seconds=0.1, stalls=1)


@attrs.define
class Player:
    """A contender's process in one scene, and what it has come to."""

    contender: Contender
    process: Child
    track: Track
    calls: int = AT_ONCE


class Server:
    """The serving process."""

    def __init__(self, process: Child) -> None:
        self._process = process
        self._ports = process.hear()

    def target(self, scene: Scene) -> Target:
        """Say where to send in a scene."""
        wire = "tls" if scene.tls else "plain"
        scheme = "https" if scene.tls else "http"
        url = f"{scheme}://127.0.0.1:{self._ports[wire]}"
        return Target(url=url, size=scene.size, fresh=scene.fresh)

    def cpu(self) -> float:
        """Give its CPU time so far, in seconds."""
        used: float = self._process.ask("cpu")["cpu"]
        return used


def measure(effort: Effort) -> Figures:
    """Play the whole programme."""
    server_core, _ = cores()
    missing: dict[str, str] = {}
    with child("server", server_core) as process:
        server = Server(process)
        plays = [
            play(server, scene, contenders, effort, missing) for scene, contenders in programme()
        ]
    return Figures(rounds=effort.rounds, machine=machine(), plays=plays, missing=missing)


def play(
    server: Server,
    scene: Scene,
    contenders: Sequence[Contender],
    effort: Effort,
    missing: dict[str, str],
) -> Play:
    """Play one scene."""
    with on_stage(server, scene, contenders, missing) as players:
        for player in players:
            rehearse(player, effort.seconds)
        for nth in range(effort.rounds):
            for player in turns(players, nth):
                take_turn(player, server)
        for nth in range(effort.stalls):
            for player in turns(players, nth):
                player.track.stalls.append(player.process.ask("stall", player.calls)["stall"])
        for player in players:
            player.track.peak = player.process.ask("peak", 0)["peak"]
        return Play(scene=scene, tracks=[player.track for player in players])


@contextmanager
def on_stage(
    server: Server, scene: Scene, contenders: Sequence[Contender], missing: dict[str, str]
) -> Generator[list[Player]]:
    """Start the contenders, all at once; leave out those that are not installed."""
    target = server.target(scene)
    with ExitStack() as stack:
        started = [
            (one, stack.enter_context(child("worker", *_words(one, target)))) for one in contenders
        ]
        heard = [(one, process, process.hear()) for one, process in started]
        missing.update({one.name: line["missing"] for one, _, line in heard if "missing" in line})
        yield [
            Player(one, process, Track(name=one.name))
            for one, process, line in heard
            if "missing" not in line
        ]


def _words(one: Contender, target: Target) -> tuple[str, str]:
    _, client_core = cores()
    return client_core, Order(opening=one.opening, uvloop=one.uvloop, target=target).write()


def rehearse(player: Player, seconds: float) -> None:
    """Warm a contender up, and find how many calls fill its turn."""
    player.process.ask("run", AT_ONCE)
    line = player.process.ask("run", 2 * AT_ONCE)
    player.calls = calls_within(seconds, line["wall"] / line["calls"], AT_ONCE)


def take_turn(player: Player, server: Server) -> None:
    """Let it make its calls, and note what they took."""
    if player.contender.warm:
        player.process.ask("run", AT_ONCE)
    before = server.cpu()
    line = player.process.ask("run", player.calls)
    note(player.track, line, server.cpu() - before)


def note(track: Track, line: Line, served: float) -> None:
    """Write a turn down."""
    calls, cpu, wall = line["calls"], line["cpu"], line["wall"]
    track.cpu.append(cpu / calls)
    track.rate.append(calls / wall)
    track.client.append(cpu / wall)
    track.server.append(served / wall)


def machine() -> dict[str, str]:
    """Say what it runs on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "aiohttp": version("aiohttp"),
    }
