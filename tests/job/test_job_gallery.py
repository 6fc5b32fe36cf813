"""The gallery: one page that shows all and fetches nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pictures_of_tests import completed, picture

from volcv_async.client import Client
from volcv_async.errors import QuotaError, UnknownOutcomeError
from volcv_async.gateway import LocalGateway
from volcv_async.job import draw_gallery, run
from volcv_async.job.sink import Sink
from volcv_async.models import GeneralV21
from volcv_async.results import Failed, Generation, Image, InDoubt


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self) -> str:
        return " ".join(self.texts)


def folder_with(tmp_path: Path, *prompts: str, size: tuple[int, int] = (8, 8)) -> Path:
    with Sink(tmp_path) as sink:
        for index, prompt in enumerate(prompts):
            sink.keep(completed(index, Image.of(picture(*size)), prompt=prompt))
    (tmp_path / "metadata.jsonl").touch()
    return tmp_path


def test_every_picture_stands_with_its_prompt(tmp_path: Path) -> None:
    """Each image is named relative to the page, sized, loaded lazily, and has its prompt."""
    page = Page(draw_gallery(folder_with(tmp_path, "a red fox", "千军万马", size=(16, 8))))
    assert page.all("img") == [
        {
            "src": f"images/00000{place}.png",
            "alt": prompt,
            "width": "16",
            "height": "8",
            "loading": "lazy",
        }
        for place, prompt in enumerate(("a red fox", "千军万马"))
    ]
    assert "2 pictures · GeneralV21" in page.text()
    assert "16 \N{MULTIPLICATION SIGN} 8 · random seed" in page.text()
    assert "aspect-ratio: 2.0000" in page.text()


def test_the_page_is_in_the_order_of_the_list(tmp_path: Path) -> None:
    """Pictures that finished in another order, or past a million, stand where the list has them."""
    with Sink(tmp_path) as sink:
        for index in (1_000_000, 7, 999_999, 0):
            sink.keep(completed(index))
    named = [one["src"] for one in Page(draw_gallery(tmp_path)).all("img")]
    stems = [Path(name).stem for name in named if name]
    assert stems == ["000000", "000007", "999999", "1000000"]


def test_nothing_is_fetched_from_elsewhere(tmp_path: Path) -> None:
    """No address in the page leads out of its folder."""
    path = draw_gallery(folder_with(tmp_path, "see https://elsewhere.example/a.png"))
    page = Page(path)
    links = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action"} and value
    ]
    assert links
    assert all(not re.match(r"[a-z]+://|//", link) for link in links)
    styles = re.search(r"<style>.*</style>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert styles is not None
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_a_prompt_is_text_and_nothing_else(tmp_path: Path) -> None:
    """Markup, quotation marks and the template's own signs in a prompt are shown, not obeyed."""
    prompt = '<script>alert(1)</script> "&amp;" $cards $title </summary>'
    page = Page(draw_gallery(folder_with(tmp_path, prompt)))
    assert page.all("img")[0]["alt"] == prompt
    assert prompt in page.texts
    assert len(page.all("script")) == 1


@pytest.mark.parametrize(
    ("prompt", "lang"), [("千军万马", "zh"), ("a red fox", None), ("夕焼けの町", None)]
)
def test_a_chinese_prompt_is_marked_as_chinese(
    tmp_path: Path, prompt: str, lang: str | None
) -> None:
    """Browsers choose the right forms of its characters; Japanese is left alone."""
    page = Page(draw_gallery(folder_with(tmp_path, prompt)))
    assert page.all("summary")[0].get("lang") == lang
    assert page.all("html")[0]["lang"] == "en"


def test_the_head_says_what_is_missing(tmp_path: Path) -> None:
    """What failed and what is in doubt is counted, and linked to its rows."""
    request = GeneralV21(prompt="x")
    with Sink(tmp_path) as sink:
        sink.keep(completed(0, seed=12345))
        sink.keep(Failed(index=1, request=request, attempts=1, error=QuotaError("Used up.")))
        sink.keep(InDoubt(index=2, request=request, attempts=1, error=UnknownOutcomeError("?")))
    page = Page(draw_gallery(tmp_path, title="Foxes & co"))
    assert "1 picture" in page.text()
    assert {"1 failed", "1 in doubt", "Foxes & co"} <= set(page.texts)
    assert {"href": "failed.jsonl"} in page.all("a")
    assert "seed 12345" in page.text()


def test_pictures_of_several_shapes_are_framed_in_squares(tmp_path: Path) -> None:
    """A grid of mixed shapes stays calm."""
    with Sink(tmp_path) as sink:
        sink.keep(completed(0, Image.of(picture(8, 16))))
        sink.keep(completed(1, Image.of(picture(16, 8))))
    assert "aspect-ratio: 1;" in draw_gallery(tmp_path).read_text(encoding="utf-8")


def test_a_folder_without_pictures_has_an_empty_page(tmp_path: Path) -> None:
    """It says so, under the folder's name."""
    out = folder_with(tmp_path / "nothing")
    page = Page(draw_gallery(out))
    assert "0 pictures" in page.text()
    assert "nothing" in page.texts
    assert not page.all("img")


def test_a_picture_of_another_provider_is_not_called_local(tmp_path: Path) -> None:
    """The note about the local gateway stands only where it drew."""
    assert "local gateway" not in draw_gallery(folder_with(tmp_path, "a red fox")).read_text()


async def test_pictures_of_the_local_gateway_are_called_so(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """The page says plainly that no model made them."""
    requests = [GeneralV21(prompt="a red fox", width=256, height=256, use_sr=False)]
    async with Client(gateway.account()) as client:
        await run(client, requests, out=tmp_path / "out")
    page = Page(draw_gallery(tmp_path / "out"))
    note = "Drawn by the local gateway on this machine. No model made these pictures."
    assert note in page.texts


def test_a_page_is_drawn_again_in_place_of_the_last(tmp_path: Path) -> None:
    """Drawing twice gives the same page, and leaves nothing beside it."""
    out = folder_with(tmp_path, "a red fox")
    first = draw_gallery(out).read_bytes()
    assert draw_gallery(out).read_bytes() == first
    assert sorted(path.name for path in out.iterdir()) == ["images", "index.html", "metadata.jsonl"]


def test_a_row_without_a_prompt_is_shown_without(tmp_path: Path) -> None:
    """A request of an unknown variant may have none."""
    from volcv_async.models import RawRequest
    from volcv_async.results import Completed

    generation = Generation(images=(Image.of(picture()),))
    request = RawRequest(req_key="another", body={"seed": -1})
    with Sink(tmp_path) as sink:
        sink.keep(Completed(index=0, request=request, attempts=1, generation=generation))
    page = Page(draw_gallery(tmp_path))
    assert page.all("img")[0]["alt"] == ""
    assert "RawRequest · 8 \N{MULTIPLICATION SIGN} 8 · random seed" in page.text()
