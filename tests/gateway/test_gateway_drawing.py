"""The pictures: their size, their label, their metadata, and that they can be drawn again."""

import io
import sys
from random import Random

import pytest
from PIL import Image

from volcv_async.gateway import LocalGateway
from volcv_async.gateway.drawing import draw
from volcv_async.gateway.drawing.canvas import Canvas
from volcv_async.gateway.drawing.colours import HAZE, RAMPS, palette
from volcv_async.gateway.drawing.png import set_lines
from volcv_async.gateway.drawing.scenes import SCENES, Scene
from volcv_async.gateway.pictures import load_painter
from volcv_async.gateway.subject import Subject


def subject(
    prompt: str = "a cat", seed: int = 1, width: int = 128, height: int = 128, model: str = "m"
) -> Subject:
    return Subject(prompt=prompt, seed=seed, model=model, width=width, height=height)


@pytest.mark.parametrize(
    "size", [(128, 128), (512, 512), (341, 512), (1024, 576), (768, 128), (64, 2048), (9, 7)]
)
def test_a_picture_has_exactly_the_size_asked_for(size: tuple[int, int]) -> None:
    """From a thumbnail to a banner."""
    with Image.open(io.BytesIO(draw(subject(width=size[0], height=size[1])))) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", size)


def test_a_very_large_picture_is_drawn_without_being_doubled() -> None:
    """Memory for smoothing is spent only where it can be seen."""
    canvas = Canvas(2049, 2048)
    canvas.bar(0, 0, canvas.aspect, 1, 7)
    assert canvas.finish().size == (2049, 2048)


@pytest.mark.parametrize("seed", range(60))
def test_drawing_again_gives_the_same_bytes(seed: int) -> None:
    """Whatever the dice choose."""
    assert draw(subject(seed=seed)) == draw(subject(seed=seed))


def test_prompt_seed_and_model_each_make_another_picture() -> None:
    """Nothing else does: sixty subjects are sixty pictures."""
    drawn = {draw(subject(p, s, model=m)) for p in "abc" for s in range(10) for m in ("x", "y")}
    assert len(drawn) == 60


@pytest.mark.parametrize(
    "prompt",
    ["千军万马", "  edges \n", '"quoted" <&>', "", "e\u0301 \x00 \U0001f98a", "x" * 20_000],
)
def test_the_metadata_holds_the_prompt_as_it_came(prompt: str) -> None:
    """Every character, the edges too, beside seed, model and maker."""
    with Image.open(io.BytesIO(draw(subject(prompt, seed=-5)))) as image:
        assert image.info["prompt"] == prompt
        assert image.info["seed"] == "-5"
        assert image.info["model"] == "m"
        assert "no model made this" in image.info["Software"]


@pytest.mark.parametrize("width", [128, 256, 512, 1024])
def test_every_picture_bears_the_same_plain_label(width: int) -> None:
    """The strip at the bottom has two tones, dark and light, and enough of the light one."""
    with Image.open(io.BytesIO(draw(subject(width=width, height=width)))) as image:
        strip = image.crop((0, width - max(11, width // 32), width, width)).tobytes()
        assert strip.count(0) > len(strip) / 2
        assert sum(tone > HAZE / 2 for tone in strip) > width / 4


def test_the_label_breaks_between_sentences_before_it_breaks_inside() -> None:
    """All its words are there in any case."""
    whole, halves, narrow = (set_lines(9, width) for width in (600, 200, 70))
    assert whole == ["Drawn by the volcv-async local gateway. No model made this."]
    assert halves == ["Drawn by the volcv-async local gateway.", "No model made this."]
    assert len(narrow) > 2
    assert " ".join(narrow) == whole[0]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
@pytest.mark.parametrize("size", [(96, 96), (160, 64), (64, 160)])
def test_every_scene_fills_every_shape_of_picture(scene: Scene, size: tuple[int, int]) -> None:
    """Wide or tall, there is much to see, from dark to light, and other dice show other things."""
    drawn: list[bytes] = []
    for dice in (Random(1), Random(2)):
        canvas = Canvas(*size)
        scene(canvas, dice)
        image = canvas.finish()
        tones = set(image.tobytes())
        assert image.size == size
        assert min(tones) < 100
        assert max(tones) > 200
        assert len(tones) > 40
        drawn.append(image.tobytes())
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("ramp", range(len(RAMPS)))
def test_ramps_run_from_dark_to_light(ramp: int) -> None:
    """The label needs the contrast between tone 0 and the haze."""
    colours = palette(ramp)
    assert len(colours) == 768
    dark, light = sum(colours[:3]), sum(colours[3 * HAZE : 3 * HAZE + 3])
    assert dark < 200
    assert light > 600


async def test_without_pillow_the_gateway_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package can be imported without it; entering the gateway is what needs it."""
    for name in [n for n in sys.modules if n.startswith("volcv_async.gateway.drawing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'volcv-async\[local\]'"):
        load_painter()
    with pytest.raises(ModuleNotFoundError, match="Pillow"):
        await LocalGateway().__aenter__()
