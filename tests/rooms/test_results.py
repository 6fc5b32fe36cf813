"""Images on disk, and what outcomes give."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest

import volcv_async as volcv


def image(kind: str = "PNG") -> volcv.Image:
    out = io.BytesIO()
    PIL.Image.new("RGB", (4, 4)).save(out, kind)
    return volcv.Image.of(out.getvalue())


@pytest.mark.parametrize(
    ("kind", "name", "saved"),
    [
        ("PNG", "army", "army.png"),
        ("PNG", "army.png", "army.png"),
        ("PNG", "army.jpg", "army.png"),
        ("PNG", "v1.5", "v1.5.png"),
        ("JPEG", "army", "army.jpg"),
        ("JPEG", "army.JPEG", "army.JPEG"),
        ("WEBP", "army.png", "army.webp"),
    ],
)
def test_an_image_is_saved_verbatim_under_its_own_suffix(
    tmp_path: Path, kind: str, name: str, saved: str
) -> None:
    """The bytes go to disk as they came, under the suffix of what they are, and nothing beside."""
    made = image(kind)
    assert made.save(tmp_path / name) == tmp_path / saved
    assert (tmp_path / saved).read_bytes() == made.data
    assert [path.name for path in tmp_path.iterdir()] == [saved]


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    """Where an image cannot be put in its place, no part of it is left."""
    (tmp_path / "army.png").mkdir()
    with pytest.raises(OSError, match=r"army\.png"):
        image().save(tmp_path / "army")
    assert [path.name for path in tmp_path.iterdir()] == ["army.png"]


def test_an_image_that_was_not_downloaded_says_where_it_is(tmp_path: Path) -> None:
    """Saving an image without bytes names its URL."""
    with pytest.raises(volcv.DownloadError, match="https://x") as caught:
        volcv.Image(url="https://x").save(tmp_path / "army")
    assert caught.value.url == "https://x"


def test_an_outcome_says_what_went_out_last() -> None:
    """Without rerolls that is the request itself; after them the last of its lineage."""
    given, second, third = (volcv.GeneralV21(prompt="a cat", seed=seed) for seed in (1, 2, 3))
    error = volcv.ContentRejectedError("no")
    assert volcv.Failed(index=0, request=given, attempts=1, error=error).sent is given
    lineage = (second, third)
    rerolled = volcv.Failed(index=0, request=given, attempts=3, error=error, lineage=lineage)
    assert rerolled.sent is third


def test_outcomes_unwrap_to_what_they_hold() -> None:
    """A completed outcome gives its generation, the others raise their error."""
    request = volcv.GeneralV21(prompt="a cat")
    made = volcv.Generation(images=(image(),))
    completed = volcv.Completed(index=0, request=request, attempts=1, generation=made)
    assert completed.unwrap().image is made.image
    assert completed.billed == "yes"
    failed = volcv.Failed(index=0, request=request, attempts=1, error=volcv.QuotaError("gone"))
    assert failed.billed == "no"
    doubt = volcv.InDoubt(index=0, request=request, attempts=1, error=volcv.DecodeError("what"))
    assert doubt.billed == "unknown"
    for outcome in (failed, doubt):
        with pytest.raises(type(outcome.error)):
            outcome.unwrap()
