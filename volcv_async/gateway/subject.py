"""What a picture is of: all that it follows from."""

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
