"""The stage: one server for all, and a process for each contender of a scene."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import attrs

from benchmarks.calls.contenders import AT_ONCE, Order, Target
from benchmarks.calls.figures import Contender, Scene, Track
from benchmarks.calls.processes import Child, child, cores

Missing: TypeAlias = dict[str, str]
"""What takes no part, and what would have to be installed for it."""


@attrs.define
class Player:
    """A contender's process in one scene, and what it has come to."""

    contender: Contender
    process: Child
    track: Track
    calls: int = AT_ONCE


@attrs.frozen
class Server:
    """The serving process.

    Attributes:
        process: It.
        ports: Where it listens, by ``plain`` and ``tls``.
        trust: What a client's environment needs to trust it.
    """

    process: Child
    ports: Mapping[str, int]
    trust: Mapping[str, str]

    @property
    def speaks_tls(self) -> bool:
        """Whether it has a certificate."""
        return "tls" in self.ports

    def target(self, scene: Scene) -> Target:
        """Say where to send in a scene."""
        scheme, port = ("https", "tls") if scene.tls else ("http", "plain")
        url = f"{scheme}://127.0.0.1:{self.ports[port]}"
        return Target(url=url, size=scene.size, fresh=scene.fresh)

    def cpu(self) -> float:
        """Give its CPU time so far, in seconds."""
        used: float = self.process.ask("cpu")["cpu"]
        return used


@contextmanager
def serving() -> Generator[Server]:
    """Start the server on a core of its own."""
    core, _ = cores()
    with tempfile.TemporaryDirectory() as folder:
        shown, trusted = Path(folder, "shown.pem"), Path(folder, "authority.pem")
        if find_spec("trustme"):
            _certify(shown, trusted)
        with child("server", core, *([str(shown)] if shown.exists() else [])) as process:
            yield Server(process, process.hear(), {"SSL_CERT_FILE": str(trusted)})


def _certify(shown: Path, trusted: Path) -> None:
    """Write what the server shows, and what its clients trust."""
    authority = import_module("trustme").CA()
    leaf = authority.issue_cert("127.0.0.1")
    shown.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    trusted.write_bytes(authority.cert_pem.bytes())


@contextmanager
def on_stage(
    server: Server, scene: Scene, contenders: Sequence[Contender], missing: Missing
) -> Generator[list[Player]]:
    """Start the contenders, all at once; leave out those that are not installed."""
    _, core = cores()
    target = server.target(scene)
    trust: Mapping[str, str] = server.trust if scene.tls else {}
    with ExitStack() as stack:
        started = [
            (one, stack.enter_context(child("worker", core, _order(one, target), **trust)))
            for one in contenders
        ]
        heard = [(one, process, process.hear()) for one, process in started]
        missing.update({one.name: line["missing"] for one, _, line in heard if "missing" in line})
        yield [
            Player(one, process, Track(name=one.name))
            for one, process, line in heard
            if "missing" not in line
        ]


def _order(one: Contender, target: Target) -> str:
    return Order(opening=one.opening, uvloop=one.uvloop, target=target).write()
