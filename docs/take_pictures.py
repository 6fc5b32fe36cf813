"""Take the pictures of the gallery that the documentation shows, anew.

    python docs/take_pictures.py

A list of subjects and styles goes through a local gateway that works on six calls at once, which
has to be learned, and that refuses one prompt and loses another; the page of that run is opened in
Chromium, and what is seen goes into `docs/_static`. It takes a minute, and needs the extras `cli`,
`local` and `test`, and chromium.
"""

from __future__ import annotations

import asyncio
import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
from PIL import Image

import volcv_async as volcv
from volcv_async.gateway import Drop, LocalGateway, Received, Reply, service_error
from volcv_async.job import draw_gallery
from volcv_async.job.lists import Listed

DOCS = Path(__file__).resolve().parent
sys.path.append(str(DOCS.parent / "tests" / "job"))

from chromium_of_tests import Tab, chromium  # noqa: E402 - it lies with the tests

SUBJECTS = (
    *("a red fox in fresh snow", "a heron at the edge of a marsh", "two lynxes under pines"),
    *("千里马奔过草原", "an otter on its back", "a hare by moonlight", "a whale below a boat"),
    *("a lighthouse in fog", "terraced fields after rain", "a night market", "山间的古寺"),
    *("a harbour at low tide", "an orchard in May", "a tram in the snow", "kites over dunes"),
)
STYLES = ("ink", "oil", "pastel", "woodcut")
REPEATS = 4
REFUSED, LOST = "a night market, ink", "two lynxes under pines, oil"
SCALE = 0.08  # of the time that the provider takes
OPEN_STORY = "document.querySelector('.story').open = true"


@attrs.frozen(kw_only=True)
class Shot:
    """One picture: what it is called, how large it is in CSS pixels, and what it shows."""

    name: str
    size: tuple[int, int]
    scale: float = 1.0
    dark: bool = False
    script: str = "0"


SHOTS = (
    Shot(name="gallery-light", size=(1360, 1180), script=OPEN_STORY),
    Shot(name="gallery-dark", size=(1200, 800), dark=True, script="location.hash = '#000005'"),
    Shot(name="gallery-phone", size=(390, 780)),
    Shot(
        name="gallery-story",
        size=(1200, 610),
        dark=True,
        script=f"{OPEN_STORY}; document.querySelector('.story').scrollIntoView()",
    ),
    Shot(
        name="gallery-beside",
        size=(1200, 800),
        script="get('beside').click(); scrollTo(0, main.offsetTop - get('bar').offsetHeight)",
    ),
)


def listed() -> Iterator[Listed]:
    """Give the list: each subject in each style, several times."""
    for subject in SUBJECTS:
        for style in STYLES:
            request = volcv.GeneralV21(
                prompt=f"{subject}, {style}", width=512, height=512, use_sr=False
            )
            yield from [Listed(request, {"subject": subject, "style": style})] * REPEATS


async def answer(received: Received) -> Reply | None:
    """Refuse one prompt, lose the reply to another, and leave the others to the gateway."""
    if received.prompt == REFUSED:
        return service_error(50412)
    return Drop() if received.prompt == LOST else None


async def make(out: Path) -> Path:
    """Run the list; give the page of what came."""
    async with (
        LocalGateway(concurrency=6, time_scale=SCALE, answer=answer) as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        report = await volcv.run(client, listed(), out=out)
    print(report.line())
    return draw_gallery(out, title="Night list")


async def take(tab: Tab, page: Path, shot: Shot) -> None:
    """Open the page as a shot wants it, and write what is seen."""
    (wide, high), scheme = shot.size, "dark" if shot.dark else "light"
    await tab.call(
        "Emulation.setDeviceMetricsOverride",
        width=wide,
        height=high,
        deviceScaleFactor=shot.scale,
        mobile=wide < 500,
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    await tab.call("Emulation.setEmulatedMedia", features=features)
    await tab.open("about:blank")
    await tab.open(page.as_uri())
    await tab.run(shot.script)
    await tab.run(
        "new Promise((done) => setTimeout(done, 300)).then(() => "
        "Promise.all([...document.images].filter((one) => one.src && one.getBoundingClientRect()"
        ".top < innerHeight).map((one) => one.decode().catch(() => 0)))).then(() => 0)"
    )
    taken = await tab.call("Page.captureScreenshot", format="png")
    path = DOCS / "_static" / f"{shot.name}.webp"
    with Image.open(io.BytesIO(base64.b64decode(taken["data"]))) as picture:
        picture.save(path, quality=82, method=6)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


async def main() -> None:
    """Take them all."""
    with tempfile.TemporaryDirectory() as folder:
        page = await make(Path(folder) / "out")
        async with chromium() as tab:
            for shot in SHOTS:
                await take(tab, page, shot)


if __name__ == "__main__":
    asyncio.run(main())
