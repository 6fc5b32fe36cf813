"""Cells in which ``volcv run`` is a process: it is killed, or its system or its trust gives way.

Each is one function that starts the run, strikes it at a moment drawn from the seed, and waits for
its end. Whatever came of it, the same words are then run again with nothing in their way, and the
folder is judged.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import resource
import signal
import ssl
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import TypeAlias

import attrs
import trustme

from benchmarks.cells import CONCURRENCY, Cell, count, prompts_of
from benchmarks.commands import Arrivals, Command, End, ended, write_list
from benchmarks.oracle import Mode, Zeros, doubted, judge_folder, late, read_folder
from benchmarks.shim import CHANGES, FILLING, Control, Fault, Kind
from volcv_async.gateway import LocalGateway

_LATENCY = 0.15
_DRAIN = 3.0
_BAD_FOR = 0.7  # seconds
_HOUR = 3600
_OPERATIONS = 180  # on the disk, in a run of a dozen prompts, or thereabouts


@attrs.define
class Scene:
    """All that a cell's strike has in hand.

    Attributes:
        prompts: What is asked for.
        mode: What becomes of attempts in doubt.
        command: What to start.
        arrivals: Tells when requests have arrived.
        random: Where moments are drawn from.
        control: What makes system calls fail.
        front: The port before the gateway, where there is one.
        struck: How often something struck.
        late: Processes that did not end in time.
        under_way: Calls that the journal knew of when the process died.
    """

    prompts: list[str]
    mode: Mode
    command: Command
    arrivals: Arrivals
    random: Random
    control: Control
    front: Front | None = None
    struck: int = 0
    late: int = 0
    under_way: list[str] = attrs.field(factory=list[str])

    async def started(self, more: Mapping[str, str] | None = None) -> Process:
        """Start the command and wait until a few of its requests have arrived."""
        process = await self.command.start(more)
        await self.arrivals.more(self.random.randint(1, 10), process)
        await asyncio.sleep(self.random.uniform(0, _LATENCY))
        return process

    def signal(self, process: Process, number: signal.Signals) -> None:
        """Send a signal, if there is still somebody to get it."""
        with suppress(ProcessLookupError):
            process.send_signal(number)
            self.struck += 1


Strike: TypeAlias = Callable[[Scene], Awaitable[End]]


# Signals


async def client_sigkill(scene: Scene) -> End:
    """Kill it."""
    process = await scene.started()
    scene.signal(process, signal.SIGKILL)
    end = await ended(process)
    return attrs.evolve(end, code=1) if end.code == -signal.SIGKILL else end


async def _asked_to_end(scene: Scene, *signals: signal.Signals) -> End:
    process = await scene.started()
    began = time.monotonic()
    for number in signals:
        scene.signal(process, number)
        await asyncio.sleep(0.05)
    end = await ended(process)
    scene.late += late(time.monotonic() - began, _DRAIN)
    return end


async def client_sigint(scene: Scene) -> End:
    """Interrupt it once: what is in flight is awaited."""
    return await _asked_to_end(scene, signal.SIGINT)


async def client_sigterm(scene: Scene) -> End:
    """Ask it to end."""
    return await _asked_to_end(scene, signal.SIGTERM)


async def client_sigint_twice(scene: Scene) -> End:
    """Interrupt it twice: what is in flight is cut off."""
    return await _asked_to_end(scene, signal.SIGINT, signal.SIGINT)


# The system


async def _failing(scene: Scene, fault: Fault) -> End:
    scene.control.arm(fault)
    end = await ended(await scene.command.start(scene.control.environment))
    scene.control.disarm()
    scene.struck += scene.control.failed
    return end


async def disk_full(scene: Scene) -> End:
    """Fill the disk up at some moment, for good."""
    first, out = scene.random.randint(1, _OPERATIONS), scene.command.out
    fault = Fault(kinds=FILLING, folder=out, first=first, times=0, error=errno.ENOSPC)
    return await _failing(scene, fault)


async def read_only_folder(scene: Scene) -> End:
    """Have the folder refuse changes, from the start or from some moment on."""
    first, out = max(1, scene.random.randint(-10, 60)), scene.command.out
    fault = Fault(kinds=CHANGES, folder=out, first=first, times=0, error=errno.EROFS)
    return await _failing(scene, fault)


async def dns_failure(scene: Scene) -> End:
    """Let names not resolve, a few times or for good."""
    times = scene.random.choice([1, 2, 0])
    return await _failing(scene, Fault(kinds=Kind.RESOLVE, first=1, times=times))


async def too_many_open_files(scene: Scene) -> End:
    """Let the process open nothing more for a while, neither file nor socket."""
    process = await scene.started()
    with suppress(ProcessLookupError):
        _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, most))
        scene.struck += 1
        await asyncio.sleep(_BAD_FOR)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
    return await ended(process)


async def clock_back_and_forth(scene: Scene) -> End:
    """Set the clock an hour on, then an hour back."""
    process = await scene.command.start(scene.control.environment)
    for hours in (1, -1):
        await scene.arrivals.more(scene.random.randint(1, 5), process)
        scene.control.arm(Fault(clock=hours * _HOUR))
        scene.struck += 1
    end = await ended(process)
    scene.control.disarm()
    return end


# TLS


@attrs.frozen
class Certificates:
    """The authority that the client trusts, and what a server may show instead.

    Attributes:
        folder: Where files of them may be written.
        trusted: The authority that the client trusts.
        unknown: One that it does not.
    """

    folder: Path
    trusted: trustme.CA = attrs.field(factory=trustme.CA)
    unknown: trustme.CA = attrs.field(factory=trustme.CA)

    def authority(self) -> Path:
        """Give the file to trust."""
        path = self.folder / "authority.pem"
        path.write_bytes(self.trusted.cert_pem.bytes())
        return path

    def show(self, certificate: trustme.LeafCert, context: ssl.SSLContext) -> None:
        """Have a server show this from now on."""
        path = self.folder / "shown.pem"
        path.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
        context.load_cert_chain(path)

    def good(self) -> trustme.LeafCert:
        """Give the certificate of this very host."""
        return self.trusted.issue_cert("127.0.0.1")

    def expired(self) -> trustme.LeafCert:
        """Give one that was good until yesterday."""
        yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
        before = yesterday - dt.timedelta(days=30)
        return self.trusted.issue_cert("127.0.0.1", not_before=before, not_after=yesterday)

    def of_another(self) -> trustme.LeafCert:
        """Give another host's."""
        return self.trusted.issue_cert("elsewhere.example")

    def of_nobody(self) -> trustme.LeafCert:
        """Give one that nobody vouches for."""
        return self.unknown.issue_cert("127.0.0.1")


class Front:
    """A port before a TLS gateway that passes bytes on, or answers in plain text for a while."""

    def __init__(self, context: ssl.SSLContext, certificates: Certificates) -> None:
        self.context, self.certificates = context, certificates
        self.port = self.target = 0
        self.plain = False
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self, target: int) -> None:
        """Listen, and pass on to this port."""
        self.target = target
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and drop what is under way."""
        if self._server is not None:
            self._server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a handler runs in one
        self._passing.add(task)
        try:
            await (self._refuse if self.plain else self._pass_on)(reader, writer)
        except OSError:
            pass  # one of the two has gone; so does the other
        finally:
            self._passing.discard(task)
            writer.close()

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say what a server says that was spoken to in TLS and speaks none."""
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", self.target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, before))
                both.create_task(_copy(behind, writer))
        except* OSError:
            pass  # the same
        finally:
            before.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _shown(scene: Scene, certificate: trustme.LeafCert) -> End:
    """Show another certificate for a while."""
    front = scene.front
    assert front is not None  # noqa: S101 - cells of TLS have one
    process = await scene.started()
    front.certificates.show(certificate, front.context)
    scene.struck += 1
    await asyncio.sleep(_BAD_FOR)
    front.certificates.show(front.certificates.good(), front.context)
    return await ended(process)


def _certificates(scene: Scene) -> Certificates:
    assert scene.front is not None  # noqa: S101 - the same
    return scene.front.certificates


async def tls_expired(scene: Scene) -> End:
    """Show a certificate that has expired."""
    return await _shown(scene, _certificates(scene).expired())


async def tls_wrong_host(scene: Scene) -> End:
    """Show another host's certificate."""
    return await _shown(scene, _certificates(scene).of_another())


async def tls_unknown_authority(scene: Scene) -> End:
    """Show a certificate of an authority that nobody knows."""
    return await _shown(scene, _certificates(scene).of_nobody())


async def tls_plain_text(scene: Scene) -> End:
    """Answer in plain text on the port of TLS."""
    front = scene.front
    assert front is not None  # noqa: S101 - the same
    process = await scene.started()
    front.plain = True
    scene.struck += 1
    await asyncio.sleep(_BAD_FOR)
    front.plain = False
    return await ended(process)


_TLS: Mapping[str, tuple[str, Strike]] = {
    "tls_expired": ("For a while the server's certificate is one that has expired.", tls_expired),
    "tls_wrong_host": ("For a while it is another host's.", tls_wrong_host),
    "tls_unknown_authority": (
        "For a while it is of an authority that nobody knows.",
        tls_unknown_authority,
    ),
    "tls_plain_text": ("For a while the port of TLS answers in plain text.", tls_plain_text),
}

STRUCK_RUNS: Mapping[str, tuple[str, Strike]] = {
    "dns_failure": ("The provider's name does not resolve, once, twice or ever.", dns_failure),
    **_TLS,
    "client_sigkill": ("`volcv run` is killed with SIGKILL.", client_sigkill),
    "client_sigint": ("`volcv run` gets SIGINT.", client_sigint),
    "client_sigint_twice": ("`volcv run` gets SIGINT twice.", client_sigint_twice),
    "client_sigterm": ("`volcv run` gets SIGTERM.", client_sigterm),
    "disk_full": ("The disk is full from some moment on.", disk_full),
    "too_many_open_files": ("For a while nothing more can be opened.", too_many_open_files),
    "read_only_folder": ("The folder refuses changes from some moment on.", read_only_folder),
    "clock_back_and_forth": (
        "The clock goes an hour on, then an hour back.",
        clock_back_and_forth,
    ),
}
"""What each kind does to a run, in a sentence, and the function that does it."""


async def command_cell(kind: str, seed: int, mode: Mode) -> Cell:
    """Strike a ``volcv run``, run the same words again, and judge the folder."""
    with tempfile.TemporaryDirectory() as work:
        play = _tls_cell if kind in _TLS else _plain_cell
        return await play(kind, seed, _scene(kind, seed, mode, Path(work).resolve()))  # noqa: ASYNC240 - nothing else goes on yet


async def _plain_cell(kind: str, seed: int, scene: Scene) -> Cell:
    async with LocalGateway(latency=_LATENCY, seed=seed, answer=scene.arrivals) as gateway:
        name = "localhost" if kind == "dns_failure" else "127.0.0.1"
        scene.command = attrs.evolve(scene.command, url=gateway.url.replace("127.0.0.1", name))
        return await _play(kind, scene, gateway)


async def _tls_cell(kind: str, seed: int, scene: Scene) -> Cell:
    certificates = Certificates(folder=scene.command.out.parent)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificates.show(certificates.good(), context)
    front = scene.front = Front(context, certificates)
    async with LocalGateway(
        latency=_LATENCY, seed=seed, answer=scene.arrivals, tls=context
    ) as gateway:
        port = gateway.url.partition("127.0.0.1:")[2].partition("/")[0]
        await front.open(int(port))
        try:
            scene.command = attrs.evolve(
                scene.command,
                url=gateway.url.replace(port, str(front.port)),
                trusted=certificates.authority(),
            )
            return await _play(kind, scene, gateway)
        finally:
            await front.close()


def _scene(kind: str, seed: int, mode: Mode, work: Path) -> Scene:
    prompts = prompts_of(kind, seed, mode)
    command = Command(
        url="",
        prompts=write_list(work / "list.txt", prompts),
        out=work / "out",
        options=(
            *("--concurrency", str(CONCURRENCY), "--in-doubt", mode, "--drain", str(_DRAIN)),
            # URLs name the gateway's own port, which is not the one before it.
            *(("-p", "return_url=true") if seed % 2 and kind not in _TLS else ()),
        ),
    )
    random = Random(f"{kind} {seed} {mode}")
    return Scene(prompts, mode, command, Arrivals(), random, Control(work))


async def _play(kind: str, scene: Scene, gateway: LocalGateway) -> Cell:
    """Strike, run again, and judge."""
    _, strike = STRUCK_RUNS[kind]
    struck = await strike(scene)
    scene.under_way += doubted(scene.command.out)
    again = await ended(await scene.command.start())
    wrong = [f"struck: {struck.wrong}"] if struck.wrong else []
    wrong += [f"then: {again.wrong or again.last_line}"] if again.code not in {0, 1} else []
    return _judge(scene, gateway.paid_by_prompt, wrong)


def _judge(scene: Scene, paid: Mapping[str, int], wrong: list[str]) -> Cell:
    folder = read_folder(scene.command.out)
    doubts = dict.fromkeys(scene.under_way, 1)
    allowed = doubts if scene.mode == "retry" else None
    zeros = judge_folder(scene.prompts, folder, paid, doubts=allowed)
    return count(
        list(folder.endings),
        asked=len(scene.prompts),
        struck=scene.struck,
        doubts=len(doubts),
        again=sum(max(0, times - 1) for times in paid.values()),
        zeros=zeros + Zeros(late=scene.late),
        wrong=(*wrong, *folder.torn),
    )
