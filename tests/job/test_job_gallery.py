"""The gallery: one page that holds all rows, lets none of them out, and fetches nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import struct
import sys
import warnings
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_of_tests import completed, picture
from PIL import Image as Pillow

from volcv_async.client import Client
from volcv_async.errors import QuotaError, UnknownOutcomeError
from volcv_async.gateway import LocalGateway
from volcv_async.job import draw_gallery, run
from volcv_async.job.gallery import packing, remaking
from volcv_async.job.sink import Sink
from volcv_async.models import GeneralV14, GeneralV21, RawRequest
from volcv_async.results import Completed, Failed, Generation, Image, InDoubt

EMPTY = {"area", "br", "hr", "img", "input", "link", "meta"}
WHOLE = 60_000  # bytes that the page may have without its rows


class Page(HTMLParser):
    """What a browser would find in a page, and that all which is opened is closed."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open += [tag] if tag not in EMPTY else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self) -> str:
        return " ".join(self.texts)

    def data(self) -> dict[str, Any]:
        found = re.search(r'id="rows">(.*?)</script', self.source, re.DOTALL)
        assert found is not None
        held: dict[str, Any] = json.loads(found[1])
        return held

    def rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = self.data()["rows"]
        return rows


def folder_with(tmp_path: Path, *prompts: str | None, size: tuple[int, int] = (8, 8)) -> Path:
    with Sink(tmp_path) as sink:
        for index, prompt in enumerate(prompts):
            sink.keep(completed(index, Image.of(picture(*size)), prompt=prompt or ""))
    (tmp_path / "metadata.jsonl").touch()
    return tmp_path


def row(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of every kind
    request = {"req_key": "x", "prompt": "a", **fields.pop("request", {})}
    return {"file_name": "images/a.png", "prompt": "a", "request": request, "model": "X", **fields}


def test_every_row_is_in_the_page(tmp_path: Path) -> None:
    """Each has its file and its prompt, and what many share stands once."""
    page = Page(draw_gallery(folder_with(tmp_path, "a red fox", "千军万马", size=(16, 8))))
    assert [row[:5] for row in page.rows()] == [
        ["images/000000.png", "a red fox", 0, 0, 0],
        ["images/000001.png", "千军万马", 0, 0, 0],
    ]
    (shared,) = page.data()["shared"]
    assert shared["model"] == "GeneralV21"
    assert [shared["width"], shared["height"]] == [16, 8]
    assert page.rows()[1][5]["request_id"] == "id-1"
    assert "2 pictures · GeneralV21" in page.text()


def test_the_page_is_in_the_order_of_the_list(tmp_path: Path) -> None:
    """Pictures that finished in another order, or past a million, stand where the list has them."""
    with Sink(tmp_path) as sink:
        for index in (1_000_000, 7, 999_999, 0):
            sink.keep(completed(index))
    stems = [Path(row[0]).stem for row in Page(draw_gallery(tmp_path)).rows()]
    assert stems == ["000000", "000007", "999999", "1000000"]


def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    """No address in the page leads out of its folder, and the page forbids itself any other."""
    page = Page(draw_gallery(folder_with(tmp_path, "see https://elsewhere.example/a.png")))
    links = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action"} and value
    ]
    assert links
    assert all(not re.match(r"[a-z]+://|//", link) for link in links)
    assert "url(" not in page.source
    assert "@import" not in page.source
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:;")


def test_the_page_is_small_and_well_formed(tmp_path: Path) -> None:
    """Without its rows it has less than 60 KB, each tag is closed, and no name is given twice."""
    page = Page(draw_gallery(folder_with(tmp_path)))
    assert len(page.source.encode()) < WHOLE
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert "0 pictures" in page.text()
    assert tmp_path.name in page.texts


@pytest.mark.parametrize(
    "prompt",
    [
        '</script><script>alert(1)</script> "&amp;" $rows $title ${script}',
        "<!-- <script> --> ]]> </SCRIPT >",
        "\u2028 \u2029 \0 \ud800 \\ \\u003c",
    ],
)
def test_a_prompt_is_text_and_nothing_else(tmp_path: Path, prompt: str) -> None:
    """No prompt breaks out of the page's data, and each comes back as it was."""
    clean = len(Page(draw_gallery(folder_with(tmp_path / "clean", "fox"))).all("script"))
    out = folder_with(tmp_path / "out")
    (out / "metadata.jsonl").write_text(json.dumps(row(prompt=prompt, width=8, height=8)) + "\n")
    (out / "images" / "a.png").write_bytes(picture())
    page = Page(draw_gallery(out, title="</title><script>"))
    assert page.rows()[0][1] == prompt
    assert len(page.all("script")) == clean
    raw = page.source.partition('id="rows">')[2].partition("</script")[0]
    assert not set(raw) & set("<>&\u2028\u2029\0")


EXACT = st.integers(-(2**53), 2**53)


@given(st.text(), st.dictionaries(st.text(), st.text() | EXACT | st.none()))
def test_any_row_can_be_read_back(prompt: str, more: dict[str, Any]) -> None:
    """What a list's own columns hold travels into the page unchanged."""
    kept = {name: value for name, value in more.items() if name not in row(width=1, height=1)}
    packed = "".join(packing.pack([({**kept, **row(prompt=prompt)}, 0, False)]))
    ((_, told, _, _, _, own),) = json.loads(packed)["rows"]
    assert told == prompt
    assert own == {name: value for name, value in kept.items() if name != "index"}
    assert not set(packed) & set("<>&\u2028\u2029")


def test_a_number_that_the_page_would_round_is_text(tmp_path: Path) -> None:
    """Ids of 64 bits are looked for by all their digits."""
    large = 2**53 + 1
    held = row(tag=large, less=-large, exact=2**53, request={"new": large, "seed": large})
    (tmp_path / "metadata.jsonl").write_text(json.dumps(held) + "\n")
    page = Page(draw_gallery(tmp_path))
    assert page.rows()[0][5] == {"tag": str(large), "less": str(-large), "exact": 2**53}
    assert page.data()["shared"][0]["request"]["new"] == str(large)


def test_the_columns_of_the_list_are_told_from_ours() -> None:
    """The page offers them first, in the order in which they came."""
    rows = [row(width=1, seed=7, style="ink", animal="hare"), row(width=1, note="<", style="oil")]
    held = json.loads("".join(packing.pack([(one, 0, False) for one in rows])))
    assert held["listed"] == ["style", "animal", "note"]


def test_rows_that_share_nothing_need_no_more_room() -> None:
    """After a thousand kinds of request each row says for itself what it is."""
    rows = [(row(request={"width": number}), 0, False) for number in range(1001)]
    held = json.loads("".join(packing.pack(rows)))
    assert len(held["shared"]) == 1000
    assert held["rows"][999][4] == 999
    assert held["rows"][1000][4]["request"]["width"] == 1000


def test_the_head_says_what_is_missing(tmp_path: Path) -> None:
    """What failed and what is in doubt is counted, linked, and stands in its place."""
    request = GeneralV21(prompt="x")
    with Sink(tmp_path) as sink:
        sink.keep(Failed(index=0, request=request, attempts=1, error=QuotaError("Used up.")))
        sink.keep(completed(1, seed=12345))
        sink.keep(InDoubt(index=2, request=request, attempts=1, error=UnknownOutcomeError("?")))
    page = Page(draw_gallery(tmp_path, title="Foxes & co"))
    assert "1 picture " in page.text()
    assert {"1 failed", "1 in doubt", "Foxes & co"} <= set(page.texts)
    assert {"href": "failed.jsonl"} in page.all("a")
    assert [row[0] for row in page.rows()] == ["000000", "images/000001.png", "000002"]
    assert [packing.STATES[row[2]] for row in page.rows()] == ["failed", "done", "in doubt"]
    assert page.rows()[0][5]["message"] == "Used up."
    assert page.rows()[1][5]["seed"] == 12345


STRANGE = [
    *("[]", "{", "{}", "null", "\\xff", "[" * 100_000, '{"filename": "images/000000.png"}'),
    *('{"index": "1"}', '{"file_name": 1}', ""),
]


@pytest.mark.parametrize("line", STRANGE, ids=range(len(STRANGE)))
def test_a_line_that_is_no_row_is_counted_and_left_out(tmp_path: Path, line: str) -> None:
    """The others are shown, and a run that has ended well does not end badly after all."""
    out = folder_with(tmp_path, "a", "b")
    with (out / "metadata.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    page = Page(draw_gallery(out))
    assert [one[1] for one in page.rows()] == ["a", "b"]
    assert "2 pictures · GeneralV21 · 1 unreadable" in page.text()


def test_a_row_that_is_being_written_is_left_for_the_next_page(tmp_path: Path) -> None:
    """A page can be drawn while a run is on, whose last line is not whole yet."""
    out = folder_with(tmp_path, "a", "b")
    rows = (out / "metadata.jsonl").read_bytes()
    (out / "metadata.jsonl").write_bytes(rows[:-9])
    page = Page(draw_gallery(out))
    assert [one[1] for one in page.rows()] == ["a"]
    assert "unreadable" not in page.text()


@pytest.mark.parametrize("more", [{}, {"model": 1, "request": [], "width": "8", "height": None}])
def test_a_row_is_shown_by_what_somebody_has_left_of_it(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    """Its file is enough; what is of another kind than ours is not known."""
    out = folder_with(tmp_path)
    names = ["images/000000.png", "no\0name"]
    rows = [json.dumps({"file_name": name, **more}) + "\n" for name in names]
    (out / "metadata.jsonl").write_text("".join(rows))
    page = Page(draw_gallery(out))
    assert sorted(one[0] for one in page.rows()) == names
    assert page.data()["shared"] == [{"model": "", "request": {}, "command": None}]
    (out / "metadata.jsonl").write_text(rows[1].replace("}", ', "width": 999, "height": 9}'))
    assert Page(draw_gallery(out)).rows()[0][3] == 0


def test_a_picture_of_another_provider_is_not_called_local(tmp_path: Path) -> None:
    """The note about the local gateway stands only where it drew."""
    assert "local gateway" not in draw_gallery(folder_with(tmp_path, "a red fox")).read_text()


async def test_a_run_of_the_local_gateway_is_called_so(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """The page says plainly that no model made its pictures, and tells how the run went."""
    requests = [GeneralV21(prompt="a red fox", width=256, height=256, use_sr=False)]
    async with Client(gateway.account()) as client:
        await run(client, requests, out=tmp_path / "out")
    page = Page(draw_gallery(tmp_path / "out"))
    note = "Drawn by the local gateway on this machine. No model made these pictures."
    assert note in page.texts
    assert "How the run went" in page.texts
    assert len(page.all("svg")) == len(page.all("desc")) == len(page.all("title")) - 1 >= 1


def test_a_page_is_drawn_again_in_place_of_the_last(tmp_path: Path) -> None:
    """Drawing twice gives the same page, and leaves nothing beside it."""
    out = folder_with(tmp_path, "a red fox")
    first = draw_gallery(out).read_bytes()
    assert draw_gallery(out).read_bytes() == first
    assert sorted(path.name for path in out.iterdir()) == ["images", "index.html", "metadata.jsonl"]


def test_a_large_picture_gets_a_small_copy(tmp_path: Path) -> None:
    """It lies in a folder beside, is made once, and made anew when the picture is another."""
    out = folder_with(tmp_path, "a red fox", size=(1024, 512))
    assert Page(draw_gallery(out)).rows()[0][3] == 1
    small = out / "thumbnails" / "000000.webp"
    with Pillow.open(small) as copy:
        assert copy.size == (512, 256)
    made = small.stat().st_mtime_ns
    assert Page(draw_gallery(out, thumbnails=0)).rows()[0][3] == 1
    assert small.stat().st_mtime_ns == made
    later = made / 1e9 + 5
    os.utime(out / "images" / "000000.png", (later, later))
    draw_gallery(out)
    assert small.stat().st_mtime_ns != made


@pytest.mark.parametrize("size", [(1024, 1024), (2048, 1024), (1000, 700)])
def test_a_large_jpeg_gets_a_small_copy(tmp_path: Path, size: tuple[int, int]) -> None:
    """One that is opened at the very size of the copy, too."""
    out = folder_with(tmp_path, "a red fox", size=size)
    (out / "images" / "000000.png").write_bytes(picture(*size, "JPEG"))
    assert Page(draw_gallery(out)).rows()[0][3] == 1
    with Pillow.open(out / "thumbnails" / "000000.webp") as copy:
        assert max(copy.size) == 512


def test_small_copies_take_no_more_time_than_they_may(tmp_path: Path) -> None:
    """A picture that had no turn is shown as it is."""
    out = folder_with(tmp_path, "a red fox", size=(1024, 512))
    assert Page(draw_gallery(out, thumbnails=0)).rows()[0][3] == 0
    assert not (out / "thumbnails").exists()


def test_small_copies_leave_the_warnings_of_the_process_alone(tmp_path: Path) -> None:
    """Threads share the filters, so that none may change them even for a moment."""
    out = folder_with(tmp_path, *map(str, range(64)), size=(641, 8))
    before = warnings.filters
    draw_gallery(out)
    assert warnings.filters is before


def a_huge_picture() -> bytes:
    """A picture that claims 400 million pixels."""
    small = picture()
    claimed = b"IHDR" + struct.pack(">II", 20_000, 20_000) + small[24:29]
    return small[:12] + claimed + struct.pack(">I", zlib.crc32(claimed)) + small[33:]


def a_damaged_picture() -> bytes:
    """A picture whose pixels end too early, with what is no chunk behind them."""
    whole = picture(1024, 512)
    at = whole.index(b"IDAT")
    return whole[: at - 4] + struct.pack(">I", 100) + whole[at:]


NO_PICTURES = {"none": b"no picture", "huge": a_huge_picture(), "damaged": a_damaged_picture()}


@pytest.mark.parametrize("data", NO_PICTURES.values(), ids=NO_PICTURES)
def test_a_picture_that_is_not_what_its_row_says_has_no_small_copy(
    tmp_path: Path, data: bytes
) -> None:
    """The page shows its place all the same."""
    out = folder_with(tmp_path, "a red fox", size=(1024, 512))
    (out / "images" / "000000.png").write_bytes(data)
    assert Page(draw_gallery(out)).rows()[0][3] == 0


def test_a_picture_of_very_many_pixels_has_no_small_copy(tmp_path: Path) -> None:
    """It would take much memory to make, and is shown as it is."""
    out = folder_with(tmp_path, "a red fox", size=(1024, 512))
    for height, made in [(10_000, 1), (10_001, 0)]:
        wide = row(width=8000, height=height, file_name="images/000000.png")
        (out / "metadata.jsonl").write_text(json.dumps(wide) + "\n")
        assert Page(draw_gallery(out)).rows()[0][3] == made


def test_without_pillow_large_pictures_are_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gallery needs no extra."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    out = folder_with_large(tmp_path)
    assert Page(draw_gallery(out)).rows()[0][3] == 0


def folder_with_large(tmp_path: Path) -> Path:
    rows = row(width=1024, height=1024, file_name="images/a.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"a large picture")
    (tmp_path / "metadata.jsonl").write_text(json.dumps(rows) + "\n")
    return tmp_path


@pytest.mark.parametrize(
    ("body", "shown"),
    [({}, ""), ({"prompt": None}, ""), ({"prompt": ["千", 1]}, '["千",1]'), ({"prompt": 0}, "0")],
)
def test_a_prompt_that_is_no_text_is_shown_as_text(
    tmp_path: Path, body: dict[str, Any], shown: str
) -> None:
    """A request of an unknown variant may have any, or none; and no command makes it again."""
    generation = Generation(images=(Image.of(picture()),))
    request = RawRequest(req_key="another", body={"seed": -1, **body})
    with Sink(tmp_path) as sink:
        sink.keep(Completed(index=0, request=request, attempts=1, generation=generation))
    page = Page(draw_gallery(tmp_path))
    assert page.rows()[0][1] == shown
    assert page.data()["shared"][0]["command"] is None


def test_the_command_has_every_field_that_was_sent() -> None:
    """Values are quoted for a shell; what the model does not know goes as extra."""
    sent = {"req_key": "k", "prompt": "p", "seed": 1, "width": 512, "use_sr": False, "new": "it's"}
    words = shlex.split(remaking.options("GeneralV21", sent) or "")
    assert words == [
        *("--model", "GeneralV21", "-p", "width=512", "-p", "use_sr=false"),
        *("-p", 'extra={"new": "it\'s"}'),
    ]
    assert remaking.options(GeneralV14.__name__, {"req_key": "k"}) == "--model GeneralV14"
