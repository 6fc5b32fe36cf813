"""The fault runs themselves: their oracle sees what is wrong, and what is to strike, strikes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest

from benchmarks.cells import library_cell
from benchmarks.faults import KINDS
from benchmarks.oracle import Ending, Zeros, judge, judge_folder, prompt_in, read_folder
from benchmarks.shim import DISK, SOCKETS, Control, Fault
from benchmarks.struck_runs import command_cell
from volcv_async.gateway import FAULTS
from volcv_async.gateway.drawing import draw
from volcv_async.gateway.subject import Subject

ROOT = Path(__file__).parents[2]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="the shim is compiled by gcc")


def drawn(prompt: str) -> bytes:
    return draw(Subject(prompt=prompt, seed=1, model="m", width=128, height=128))


def done(prompt: str, pictured: str) -> Ending:
    return Ending(prompt=prompt, kind="completed", billed="yes", pictured=(pictured,))


FAILED = Ending(prompt="a", kind="failed", billed="no")
DOUBTED = Ending(prompt="a", kind="in doubt", billed="unknown")
GONE = Ending(prompt="a", kind="failed", billed="yes", to_be_had=False)


@pytest.mark.parametrize(
    ("endings", "paid", "zeros"),
    [
        ([done("a", "a")], {"a": 1}, Zeros()),
        ([FAILED], {}, Zeros()),
        ([DOUBTED], {"a": 1}, Zeros()),
        ([], {}, Zeros(lost=1)),
        ([], {"a": 2}, Zeros(lost=1, paid_twice=1)),
        ([FAILED], {"a": 1}, Zeros(lost=1)),
        ([GONE], {"a": 1}, Zeros(lost=1)),
        ([done("a", "a")], {"a": 1, "z": 1}, Zeros(lost=1)),
        ([done("a", "b")], {"a": 1}, Zeros(mispaired=1)),
        ([done("a", "a")], {}, Zeros(mispaired=1)),
        ([done("a", "a"), FAILED], {"a": 1}, Zeros(mispaired=1)),
        ([done("a", "a"), done("b", "b")], {"a": 1, "b": 1}, Zeros(mispaired=1)),
        ([done("a", "a")], {"a": 3}, Zeros(paid_twice=2)),
    ],
)
def test_the_oracle_sees_what_is_wrong(
    endings: list[Ending], paid: Mapping[str, int], zeros: Zeros
) -> None:
    """Each thing that must never be is counted under its own name, and nothing else is."""
    assert judge(["a"], endings, paid) == zeros


def test_the_oracle_allows_as_many_payments_as_were_in_doubt() -> None:
    """Where attempts in doubt are repeated, each may have been paid for, and no more."""
    assert not judge(["a"], [done("a", "a")], {"a": 3}, doubts={"a": 2})
    assert judge(["a"], [done("a", "a")], {"a": 3}, doubts={"a": 1}).paid_twice == 1


def test_a_picture_names_its_prompt_if_it_is_whole() -> None:
    """The oracle reads prompts in any script, and none out of a damaged or cut picture."""
    picture = drawn("千军万马")
    assert prompt_in(picture) == "千军万马"
    assert prompt_in(picture[:-20]) is None
    assert prompt_in(picture[:200] + bytes([picture[200] ^ 1]) + picture[201:]) is None
    assert prompt_in(b"") is None


def test_a_folder_is_read_as_it_lies_there(tmp_path: Path) -> None:
    """Rows, pictures and a journal that are not whole are each said to be."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "000000.png").write_bytes(drawn("a"))
    row = {"file_name": "images/000000.png", "prompt": "a"}
    row["sha256"] = hashlib.sha256(drawn("a")).hexdigest()
    metadata = tmp_path / "metadata.jsonl"
    metadata.write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert not judge_folder(["a"], read_folder(tmp_path), {"a": 1})
    metadata.write_text(json.dumps(row | {"sha256": "0"}) + '\n{"file', encoding="utf-8")
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    (tmp_path / "images" / ".000001.png.1.part").touch()
    assert judge_folder(["a"], read_folder(tmp_path), {"a": 1}) == Zeros(torn=4)


_STRUCK = """
import socket, sys, time
from pathlib import Path
for act in (
    lambda: Path(sys.argv[1], "f").write_bytes(b"x" * 1000),
    lambda: Path(sys.argv[2], "f").write_bytes(b"x"),
    lambda: socket.create_connection(("127.0.0.1", 9)),
):
    try:
        act()
        print(0)
    except OSError as error:
        print(error.errno)
print(round(time.time() - float(sys.argv[3])))
"""


@needs_gcc
@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Fault(kinds=DISK, first=1, error=errno.EROFS), [errno.EROFS, 0, errno.ECONNREFUSED]),
        (Fault(kinds=DISK, first=2, error=errno.ENOSPC), [errno.ENOSPC, 0, errno.ECONNREFUSED]),
        (Fault(kinds=DISK, first=3), [0, 0, errno.ECONNREFUSED]),
        (Fault(kinds=SOCKETS, first=1, times=0), [0, 0, errno.EIO]),
    ],
)
def test_the_nth_operation_fails(tmp_path: Path, fault: Fault, codes: list[int]) -> None:
    """It fails in its folder and nowhere else, as asked; a full disk takes a part first."""
    out, elsewhere = tmp_path / "out", tmp_path / "out else"
    out.mkdir()
    elsewhere.mkdir()
    control = Control(tmp_path)
    control.arm(attrs.evolve(fault, folder=out, clock=3600))
    now = subprocess.run(["date", "+%s"], capture_output=True, check=True, text=True).stdout  # noqa: S607 - whichever date there is
    told = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", _STRUCK, str(out), str(elsewhere), now],
        env={**os.environ, **control.environment},
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()
    assert [int(code) for code in told[:3]] == codes
    assert 3600 <= int(told[3]) < 3660
    assert control.failed == (codes != [0, 0, errno.ECONNREFUSED])
    if fault.first == 2:
        assert (out / "f").stat().st_size == 500


def test_every_fault_of_the_gateway_is_in_the_matrix() -> None:
    """A fault that is added is run, too."""
    assert set(FAULTS) <= set(KINDS)


async def test_a_fault_is_struck_and_judged() -> None:
    """Half of the requests meet it, what is in doubt is said to be, and all zeros are zeros."""
    cell = await library_cell("reset_in_body", seed=0, mode="report")
    assert (cell.struck, cell.in_doubt, cell.completed) == (4, 4, 8)
    assert not cell.zeros
    again = await library_cell("reset_in_body", seed=0, mode="retry")
    assert 0 < again.again <= again.doubts
    assert not again.zeros


async def test_a_killed_run_is_judged() -> None:
    """A process that is killed and run again leaves nothing lost and nothing paid twice."""
    cell = await command_cell("client_sigkill", seed=0, mode="report")
    assert cell.struck == 1
    assert cell.completed + cell.in_doubt == cell.asked
    assert not cell.zeros
    assert cell.wrong == ()


def test_the_command_prints_a_table_and_writes_the_page(tmp_path: Path) -> None:
    """The short form ends with 0, and the page holds a row for each kind."""
    page = tmp_path / "faults.md"
    words = ["--seeds", "1", "--kind", "nan", "--kind", "code_50412", "--write", str(page)]
    run = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", "benchmarks.faults", *words],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    assert "4 cells" in run.stdout
    assert page.read_text(encoding="utf-8").count("| `nan` |") == 2
