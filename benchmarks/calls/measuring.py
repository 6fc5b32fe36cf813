"""Measuring: all contenders of a scene take turns, in rounds, against one server."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from benchmarks.calls import machine
from benchmarks.calls.contenders import AT_ONCE
from benchmarks.calls.figures import Contender, Figures, Play, Scene, Track
from benchmarks.calls.processes import Line
from benchmarks.calls.programme import Programme, short, whole
from benchmarks.calls.rounds import calls_within, four_digits, turns
from benchmarks.calls.stage import Missing, Player, Server, on_stage, serving


@attrs.frozen(kw_only=True)
class Effort:
    """How much of it is done.

    Attributes:
        rounds: How often each takes its turn.
        seconds: How long a turn is at the least.
        stalls: In how many rounds there is another turn, beside a timer.
        programme: The scenes.
    """

    rounds: int
    seconds: float
    stalls: int
    programme: Programme


FULL = Effort(rounds=9, seconds=0.25, stalls=5, programme=whole())
QUICK = Effort(rounds=3, seconds=0.1, stalls=1, programme=short())


def measure(effort: Effort) -> Figures:
    """Play the whole programme."""
    missing: Missing = {}
    with serving() as server:
        if not server.speaks_tls:
            missing["all with TLS"] = "trustme"
        plays = [
            play(server, scene, contenders, effort, missing)
            for scene, contenders in effort.programme
            if server.speaks_tls or not scene.tls
        ]
    return Figures(rounds=effort.rounds, machine=machine.describe(), plays=plays, missing=missing)


def play(
    server: Server,
    scene: Scene,
    contenders: Sequence[Contender],
    effort: Effort,
    missing: Missing,
) -> Play:
    """Play one scene."""
    with on_stage(server, scene, contenders, missing) as players:
        for player in players:
            rehearse(player, effort.seconds)
        for nth in range(effort.rounds):
            for player in turns(players, nth):
                take_turn(player, server)
        look_inside([player for player in players if player.contender.own], effort.stalls)
        return Play(scene=scene, tracks=[player.track for player in players])


def rehearse(player: Player, seconds: float) -> None:
    """Warm a contender up, and find how many calls fill its turn."""
    if not player.contender.own:
        return
    line = player.process.ask("run", AT_ONCE)
    if line["wall"] < seconds:
        line = player.process.ask("run", AT_ONCE)
    player.calls = calls_within(seconds, line["wall"] / line["calls"], AT_ONCE)


def take_turn(player: Player, server: Server) -> None:
    """Let it make its calls, and note what they took."""
    if player.contender.own and player.calls > AT_ONCE:
        player.process.ask("run", AT_ONCE)
    before = server.cpu()
    line = player.process.ask("run", player.calls)
    if player.contender.own and line["calls"] != player.calls:
        raise RuntimeError(f"{player.contender.name}: {line} for {player.calls} calls")
    note(player.track, line, server.cpu() - before)


def note(track: Track, line: Line, served: float) -> None:
    """Write a turn down."""
    calls, cpu, wall = line["calls"], line["cpu"], line["wall"]
    track.cpu.append(four_digits(cpu / calls))
    track.rate.append(four_digits(calls / wall))
    track.client.append(four_digits(cpu / wall))
    track.server.append(four_digits(served / wall))


def look_inside(players: Sequence[Player], rounds: int) -> None:
    """Have the stalls and the memory of those who have a loop and a process of their own."""
    for nth in range(rounds):
        for player in turns(players, nth):
            line = player.process.ask("stall", player.calls)
            player.track.stalls.append(four_digits(line["stall"]))
    for player in players:
        player.track.peak = player.process.ask("peak", 0)["peak"]
