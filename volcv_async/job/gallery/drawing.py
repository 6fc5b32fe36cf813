"""The gallery of a job: one page with all its pictures, that fetches nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import BinaryIO
from urllib.parse import quote

import attrs

from volcv_async import durable
from volcv_async.job.rows import Row
from volcv_async.job.sink import FAILED, IN_DOUBT, METADATA

INDEX = "index.html"

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")
# What the local gateway writes into its pictures, near their beginning.
_LOCAL_MARK = b"volcv-async local gateway"
_BEGINNING = 65_536

_CARD = Template(
    """<figure id="$name">
<a class="mat" href="$href"><img src="$href" alt="$prompt" width="$width" height="$height"\
 loading="lazy"></a>
<figcaption>
<details><summary class="prompt"$lang dir="auto">$prompt</summary>
<p>$href<br>request id $request_id</p></details>
<p class="facts">$facts</p>
</figcaption>
</figure>
"""
)
_NOTE = """<p class="note">Drawn by the local gateway on this machine. \
No model made these pictures.</p>
"""


@attrs.frozen(kw_only=True)
class _Summary:
    """What the head of the page says of the whole."""

    rows: tuple[int, ...]
    """Where each row begins in the file of rows, in bytes, in the order of the list."""
    models: Counter[str]
    sizes: set[tuple[int, int]]
    local: bool


def draw_gallery(out: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Write ``index.html`` into the folder of a job, in place of an earlier one; return its path.

    The page shows the pictures where they lie, in the order of the list. It can be moved together
    with its folder, and opens without a server. This blocks.

    Args:
        out: The folder, with its ``metadata.jsonl``.
        title: What stands at the top; the folder's name by default.

    Raises:
        OSError: The rows cannot be read, or the page cannot be written.
    """
    folder = Path(out)
    index = folder / INDEX
    with (folder / METADATA).open("rb") as rows, durable.replacing(index) as page:
        page.writelines(part.encode() for part in _page(folder, rows, title or _name(folder)))
    return index


def _name(folder: Path) -> str:
    return folder.resolve().name


def _page(folder: Path, rows: BinaryIO, title: str) -> Iterator[str]:
    template = files("volcv_async.job").joinpath("gallery.html").read_text(encoding="utf-8")
    head, _, tail = template.partition("$cards")
    summary = _summarise(folder, rows)
    yield Template(head).substitute(
        title=escape(title),
        figures=_figures(folder, summary),
        note=_NOTE if summary.local else "",
        ratio=_ratio(summary.sizes),
    )
    for place in summary.rows:
        rows.seek(place)
        yield _card(json.loads(rows.readline()))
    yield tail


def _summarise(folder: Path, rows: BinaryIO) -> _Summary:
    """Read all rows once, and keep of each no more than its place."""
    places: list[tuple[str, int]] = []
    models: Counter[str] = Counter()
    sizes: set[tuple[int, int]] = set()
    place = 0
    for line in rows:
        row: Row = json.loads(line)
        places.append((_order(row["file_name"]), place))
        models[row["model"]] += 1
        sizes.add((row["width"], row["height"]))
        place += len(line)
    places.sort()
    return _Summary(
        rows=tuple(at for _, at in places),
        models=models,
        sizes=sizes,
        local=bool(places) and _drawn_locally(folder, rows, places[0][1]),
    )


def _order(file_name: str) -> str:
    """Let the list's millionth picture come after the 999,999th."""
    return re.sub(r"\d+", lambda number: number[0].zfill(12), file_name)


def _drawn_locally(folder: Path, rows: BinaryIO, place: int) -> bool:
    """Look into the first picture, which says so itself where no model made it."""
    rows.seek(place)
    row: Row = json.loads(rows.readline())
    with (folder / row["file_name"]).open("rb") as picture:
        return _LOCAL_MARK in picture.read(_BEGINNING)


def _figures(folder: Path, summary: _Summary) -> str:
    count = len(summary.rows)
    said = [f"{count:,} {'picture' if count == 1 else 'pictures'}"]
    said += [escape(model) for model, _ in summary.models.most_common()]
    for name, word in ((FAILED, "failed"), (IN_DOUBT, "in doubt")):
        number = _count_lines(folder / name)
        said += [f'<a href="{name}">{number:,} {word}</a>'] if number else []
    return " · ".join(said)


def _count_lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file)


def _ratio(sizes: set[tuple[int, int]]) -> str:
    """Frame pictures of one shape in that shape, and others in a square."""
    shapes = {width / height for width, height in sizes}
    return f"{shapes.pop():.4f}" if len(shapes) == 1 else "1"


def _card(row: Row) -> str:
    prompt = row["prompt"] or ""
    return _CARD.substitute(
        name=escape(Path(row["file_name"]).stem),
        href=escape(quote(row["file_name"])),
        prompt=escape(prompt),
        lang=' lang="zh"' if _HAN.search(prompt) and not _KANA.search(prompt) else "",
        width=row["width"],
        height=row["height"],
        request_id=escape(row["request_id"]),
        facts=_facts(row),
    )


def _facts(row: Row) -> str:
    chosen = row["seed"] not in (None, -1)
    seed = f"seed {row['seed']}" if chosen else "random seed"
    size = f"{row['width']} \N{MULTIPLICATION SIGN} {row['height']}"
    return escape(f"{row['model']} · {size} · {seed}")
