"""``volcv gallery``: the page of a folder, drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from volcv_async.cli.messages import result
from volcv_async.cli.session import Exit, reading_input
from volcv_async.job import draw_gallery
from volcv_async.job.leavings import refuse_empty


def gallery(
    out: Annotated[Path, Parameter(name="FOLDER", help="The folder of a job.")],
    /,
    *,
    title: Annotated[
        str | None, Parameter(help="What stands at the top; default: the folder's name.")
    ] = None,
) -> int:
    """Draw the gallery of a folder again."""
    with reading_input():
        refuse_empty(out, "to draw")
    result(str(draw_gallery(out, title=title)))
    return Exit.DONE
