"""What a picture is of, and the door to the room that draws it, which needs Pillow."""

from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class Subject:
    """All that a picture follows from: equal subjects give equal bytes.

    Attributes:
        prompt: the prompt, as it came.
        seed: the seed.
        model: the model's `req_key`.
        width: in pixels.
        height: in pixels.
    """

    prompt: str
    seed: int
    model: str
    width: int
    height: int


def load_painter() -> Callable[[Subject], bytes]:
    """The function that draws, imported when it is first needed.

    Raises:
        ModuleNotFoundError: if Pillow is not installed, with the command that installs it.
    """
    try:
        from volcv_async.gateway.drawing import draw  # noqa: PLC0415 - Pillow is an extra
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            "The local gateway draws its pictures with Pillow, which is not installed. "
            "Install it with: pip install 'volcv-async[local]'",
            name=missing.name,
        ) from missing
    return draw
