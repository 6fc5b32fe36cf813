"""What a picture was made of, in its own metadata: readable by others, and nothing is lost."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_of_tests import picture
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from volcv_async.client import Client
from volcv_async.gateway import Canned, LocalGateway, Received
from volcv_async.images import inspect
from volcv_async.job import run
from volcv_async.job.embedding import embed, parameters
from volcv_async.job.rows import as_sent
from volcv_async.metadata import pieces
from volcv_async.models import GeneralV21, RawRequest
from volcv_async.results import Image

SENT = as_sent(
    GeneralV21(
        prompt="千军万马, charging\nat dawn",
        negative_prompt="blur",
        seed=7,
        ddim_steps=25,
        scale=3.5,
        width=512,
        height=512,
        use_sr=False,
        extra={"style": 'oil, "thick"', "note": "two\nlines"},
    )
)
USER_COMMENT, EXIF_IFD = 0x9286, 0x8769


def opened(image: Image) -> Pillow.Image:
    read = Pillow.open(io.BytesIO(image.data or b""))
    read.load()
    return read


def comment(image: Image) -> str:
    """The UserComment of a JPEG, as other programs read it."""
    code, text = bytes(opened(image).getexif().get_ifd(EXIF_IFD)[USER_COMMENT]).split(b"\0", 1)
    assert code == b"UNICODE"
    return text.decode("utf-16-be")


def parsed(text: str) -> dict[str, str]:
    """The fields of the last line, parted as AUTOMATIC1111 parts them."""
    pairs = re.findall(
        r'(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', text.rpartition("\n")[2]
    )
    return {name: json.loads(value) if value[:1] == '"' else value for name, value in pairs}


def test_the_text_is_what_other_programs_read() -> None:
    """Prompt, negative prompt, and a last line whose fields come apart again as they were."""
    text = parameters(Image.of(picture(16, 8)), SENT, "id-1")
    lines = text.split("\n")
    assert len(lines) == 4
    assert lines[:3] == ["千军万马, charging", "at dawn", "Negative prompt: blur"]
    assert lines[3].startswith(
        "Steps: 25, CFG scale: 3.5, Seed: 7, Size: 16x8, Model: high_aes_general_v21_L, "
        'use_sr: false, style: "oil, '
    )
    fields = parsed(text)
    assert (fields["style"], fields["note"]) == ('oil, "thick"', "two\nlines")
    assert fields["Request ID"] == "id-1"
    assert fields["Version"].startswith("volcv-async ")


def test_a_request_without_a_prompt_has_its_fields() -> None:
    """A raw request may ask for anything; what it says is told by its own names."""
    sent = as_sent(RawRequest(req_key="new", body={"logo_info": {"add_logo": True}}))
    text = parameters(Image.of(picture()), sent, "")
    assert text.startswith("\nSize: 8x8, Model: new, ")
    assert json.loads(parsed(text)["logo_info"]) == {"add_logo": True}


@given(prompt=st.text(st.characters(exclude_characters="\0")))
def test_a_png_gets_a_text_chunk_and_keeps_its_own(prompt: str) -> None:
    """Whatever the prompt, the chunks that came are all there, and the pixels with them."""
    info = PngInfo()
    info.add_text("AIGC", '{"Label": "1"}')
    file = io.BytesIO()
    Pillow.effect_noise((16, 16), 50).save(file, "PNG", pnginfo=info)
    came = Image.of(file.getvalue())
    sent = {"prompt": prompt, "req_key": "x"}
    kept = embed(came, sent, "id-1")
    assert inspect(kept.data or b"") == inspect(came.data or b"")
    assert opened(kept).info["parameters"] == parameters(came, sent, "id-1")
    assert opened(kept).tobytes() == opened(came).tobytes()
    assert kept.aigc_label == came.aigc_label == {"Label": "1"}
    added = len(kept.data or b"") - len(came.data or b"")
    header = 33
    assert came.data == (kept.data or b"")[:header] + (kept.data or b"")[header + added :]


@pytest.mark.parametrize("headed", [True, False])
def test_a_jpeg_gets_a_user_comment(headed: bool) -> None:
    """Behind the header of JFIF or at the start, with every byte that came around it."""
    data = picture(kind="JPEG")
    start = 20 if headed else 2
    came = Image.of(data if headed else data[:2] + data[20:])
    kept = embed(came, SENT, "id-1")
    assert comment(kept) == parameters(came, SENT, "id-1")
    assert inspect(kept.data or b"") == inspect(came.data or b"")
    assert opened(kept).tobytes() == opened(came).tobytes()
    added = len(kept.data or b"") - len(came.data or b"")
    assert came.data == (kept.data or b"")[:start] + (kept.data or b"")[start + added :]


def test_a_jpeg_with_exif_of_its_own_gets_a_comment() -> None:
    """Its EXIF stays the only one."""
    exif, file = Pillow.Exif(), io.BytesIO()
    exif[0x010E] = "mine"
    Pillow.new("RGB", (8, 8)).save(file, "JPEG", exif=exif)
    came = Image.of(file.getvalue())
    kept = embed(came, SENT, "id-1")
    assert opened(kept).getexif() == exif
    assert opened(kept).info["comment"].decode() == parameters(came, SENT, "id-1")


@pytest.mark.parametrize(("length", "name"), [(32_000, "APP1"), (40_000, "COM"), (70_000, None)])
def test_a_long_prompt_goes_where_it_fits(length: int, name: str | None) -> None:
    """A segment holds 64 KB; what fits into none leaves the picture as it came."""
    came = Image.of(picture(kind="JPEG"))
    kept = embed(came, {"prompt": "a" * length, "req_key": "x"}, "")
    before, after = ({piece.name for piece in pieces(i.data or b"")} for i in (came, kept))
    assert after - before == ({name} if name else set())
    assert (kept == came) is (name is None)
    inspect(kept.data or b"")


def test_a_webp_stays_as_it_came() -> None:
    """Its kind has no place for a text that can be added without writing it anew."""
    came = Image.of(picture(kind="WEBP"))
    assert embed(came, SENT, "id-1") is came


async def test_a_run_that_embeds_says_so_in_its_pictures_and_rows(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    """Rows have the checksum of the file, outcomes the image as it came, and all counts as done."""
    requests = [GeneralV21(prompt=prompt, width=256, height=256) for prompt in ("a fox", "千军")]
    came: dict[str, bytes | None] = {}

    def note(outcome: Any) -> None:  # noqa: ANN401 - each is a completed one
        came[outcome.request.prompt] = outcome.generation.image.data

    async with Client(gateway.account()) as client:
        await run(client, requests, out=tmp_path, embed=True, on_outcome=note)
        again = await run(client, requests, out=tmp_path, embed=True)
    assert (again.before, gateway.paid) == (2, 2)
    for line in (tmp_path / "metadata.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        data = (tmp_path / row["file_name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        as_it_came = Image.of(came[row["prompt"]] or b"")
        assert data != as_it_came.data
        assert embed(as_it_came, row["request"], row["request_id"]).data == data


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_an_id_that_is_no_text_costs_no_picture(tmp_path: Path, kind: str) -> None:
    """Half a surrogate pair in a reply stands in the picture as its escape."""
    drawn = base64.b64encode(picture(kind=kind)).decode()
    reply = {
        "code": 10000,
        "request_id": "id-\ud83d",
        "data": {"binary_data_base64": [drawn], "llm_result": "\ud83d"},
    }

    async def answer(_: Received) -> Canned:
        body, headers = json.dumps(reply).encode(), {"Content-Type": "application/json"}
        return Canned(body=body, headers=headers, paid=True)

    async with (
        LocalGateway(latency=0.0, answer=answer) as gateway,
        Client(gateway.account()) as client,
    ):
        report = await run(client, [GeneralV21(prompt="a fox")], out=tmp_path, embed=True)
    assert (report.completed, report.failed) == (1, 0)
    row = json.loads((tmp_path / "metadata.jsonl").read_bytes())
    assert row["request_id"] == "id-\ud83d"
    kept = Image.of((tmp_path / row["file_name"]).read_bytes())
    told = opened(kept).info["parameters"] if kind == "PNG" else comment(kept)
    assert "Request ID: id-\\ud83d, " in told
