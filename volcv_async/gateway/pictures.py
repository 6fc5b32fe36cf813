"""The door to the room that draws, which needs Pillow and is opened when it is first needed."""

from collections.abc import Callable

from volcv_async.gateway.subject import Subject


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
