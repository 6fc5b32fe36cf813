"""A Redis server for a test, on a socket of its own, which keeps nothing when it is stopped."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from volcv_async.config import StoreUrl

needs_redis = pytest.mark.skipif(
    shutil.which("redis-server") is None,
    reason="there is no redis-server on this machine; get it with: apt-get install redis-server",
)


class RedisOfTests:
    """A server that can be stopped, which loses what it held, and started again."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "redis.sock")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, password: str = "") -> StoreUrl:
        return StoreUrl(f"unix://{':' + password + '@' if password else ''}{self.socket}")

    def start(self) -> None:
        options = f"--port 0 --unixsocket {self.socket} --appendonly no --dir {self._folder}"
        command = ["redis-server", *options.split(), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        for _ in range(1000):
            if self._answers():
                return
            time.sleep(0.01)
        raise AssertionError("redis-server does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        Path(self.socket).unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal, such as one that makes it hang."""
        assert self._process is not None
        self._process.send_signal(number)

    def say(self, command: str) -> str:
        """Say something to the server as somebody else, and give the first line of its answer."""
        with closing(socket.socket(socket.AF_UNIX)) as one:
            one.connect(self.socket)
            one.sendall(command.encode() + b"\r\n")
            with one.makefile("r") as answer:
                return answer.readline().strip()

    def _answers(self) -> bool:
        try:
            return self.say("PING") == "+PONG"
        except OSError:
            return False


@contextmanager
def redis_server(folder: Path) -> Generator[RedisOfTests]:
    """Run a server."""
    server = RedisOfTests(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def some_url(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[StoreUrl]:
    """Give a store that is fresh: a file, or a server that runs meanwhile."""
    if kind == "sqlite":
        yield StoreUrl(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'limits.sqlite'}")
        return
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url()


class Clock:
    """A clock that goes forward when a test says so."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


async def cancel_soon(work: asyncio.Task[float], steps: int) -> None:
    """Cancel a task after so many steps of the loop."""
    for _ in range(steps):
        await asyncio.sleep(0)
    work.cancel()
    await asyncio.wait({work})
