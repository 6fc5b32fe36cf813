"""Files that appear whole or not at all, on a real disk."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from volcv_async import durable


def test_a_file_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    """What is written replaces what was there, and leaves nothing beside it."""
    target = tmp_path / "rows"
    durable.write(target, b"old")
    durable.write(target, b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_what_breaks_off_leaves_the_earlier_file(tmp_path: Path) -> None:
    """An error while the new file is being written loses nothing of the old one."""
    target = tmp_path / "rows"
    durable.write(target, b"old")
    with pytest.raises(RuntimeError), durable.replacing(target) as file:
        file.write(b"half of the new")
        raise RuntimeError
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_the_file_is_seen_only_when_it_is_whole(tmp_path: Path) -> None:
    """While a file is being written, nobody finds it under its name."""
    target = tmp_path / "rows"
    with durable.replacing(target) as file:
        file.write(b"x" * 100_000)
        file.flush()
        assert not target.exists()
    assert target.read_bytes() == b"x" * 100_000


@pytest.mark.parametrize(("fsync", "flushes"), [(True, ["file", "folder"]), (False, [])])
def test_a_flush_is_waited_for_unless_it_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fsync: bool, flushes: list[str]
) -> None:
    """The file goes to the disk, then its name; or both when the system gets round to it."""
    seen: list[str] = []

    def flush(handle: int, real: Callable[[int], None] = os.fsync) -> None:
        seen.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real(handle)

    monkeypatch.setattr(os, "fsync", flush)
    durable.write(tmp_path / "image", b"whole", fsync=fsync)
    assert seen == flushes
    assert (tmp_path / "image").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["image"]


_TOO_LONG = """
import signal, sys
from pathlib import Path
from volcv_async import durable

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    durable.write(Path(sys.argv[1]), b"x" * 2_000_000)
except OSError as error:
    print(error.errno)
"""


def test_a_disk_that_takes_half_of_it_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A write that the system cuts short is an error, never a shorter file."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    said = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _TOO_LONG, str(tmp_path / "image")],
        check=True,
        capture_output=True,
        preexec_fn=limit,
    )
    assert said.stdout.split() == [b"27"]  # EFBIG
    assert not list(tmp_path.iterdir())


def test_a_short_write_is_written_on() -> None:
    """Rows go out whole to what takes them in pieces, such as a pipe."""
    script = (
        "import os, sys, threading\n"
        "from io import FileIO\n"
        "from volcv_async import durable\n"
        "readable, writable = os.pipe()\n"
        "os.set_blocking(writable, True)\n"
        "got = []\n"
        "def read():\n"
        "    while part := os.read(readable, 1000): got.append(part)\n"
        "reader = threading.Thread(target=read); reader.start()\n"
        "with FileIO(writable, 'w') as file: durable.write_all(file, b'y' * 300_000)\n"
        "reader.join(); print(len(b''.join(got)))\n"
    )
    said = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], check=True, capture_output=True
    )
    assert said.stdout.split() == [b"300000"]


def test_trying_a_file_out_leaves_nothing(tmp_path: Path) -> None:
    """Neither the file nor another is there; one that cannot be written is named."""
    durable.try_out(tmp_path / "fox")
    assert not list(tmp_path.iterdir())
    with pytest.raises(FileNotFoundError) as caught:
        durable.try_out(tmp_path / "nowhere" / "fox")
    assert caught.value.filename == str(tmp_path / "nowhere" / "fox")
