"""Run a notebook that is written as a script, as IPython would: cell by cell, in one event loop.

    python docs/run_cells.py NOTEBOOK.ipy

A line that begins with `# %%` begins a cell. The first cell that raises ends it, with 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.interactiveshell import InteractiveShell

_CELL = re.compile(r"^# %%.*\n", re.MULTILINE)


def main(notebook: str) -> int:
    """Run the cells; give the exit code."""
    shell = InteractiveShell.instance(colors="nocolor")
    cells = _CELL.split(Path(notebook).read_text(encoding="utf-8"))
    try:
        return 0 if all(shell.run_cell(cell).success for cell in cells) else 1
    finally:
        get_asyncio_loop().close()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
