"""How long a generation takes: distributions that a seeded generator draws from."""

import math
from collections.abc import Mapping
from random import Random
from typing import Protocol

import attrs

MEDIANS: Mapping[str, float] = {
    "high_aes_general_v14": 16.5,
    "high_aes_general_v20_L": 7.2,
    "high_aes_general_v21_L": 10.9,
}
"""Seconds a generation took in the documented samples, one sample a model."""


class Latency(Protocol):
    """Anything that can say how long the next generation takes."""

    def draw(self, req_key: str, generator: Random) -> float:
        """Seconds that a generation by this model takes, drawn from `generator` alone."""
        ...


@attrs.frozen
class Constant:
    """Always the same.

    Attributes:
        seconds: how long every generation takes; not negative.
    """

    seconds: float = attrs.field(validator=attrs.validators.ge(0))

    def draw(self, req_key: str, generator: Random) -> float:  # noqa: ARG002 - the protocol's
        """The one duration, whatever the model."""
        return self.seconds


@attrs.frozen(kw_only=True)
class Spread:
    """Log-normal around a median by model: most near it, a few much slower.

    The medians are documented samples; the spread and the bounds are inferred.

    Attributes:
        time_scale: what every duration is multiplied by; 1.0 is as slow as the provider.
        sigma: standard deviation of the logarithm; 0.35 puts nine in ten between 0.56 and 1.8
            times the median.
        shortest: the least, in seconds before scaling.
        longest: the most, in seconds before scaling.
    """

    time_scale: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))
    sigma: float = 0.35
    shortest: float = 2.0
    longest: float = 40.0

    def draw(self, req_key: str, generator: Random) -> float:
        """Seconds, scaled; the model must be one of `MEDIANS`."""
        seconds = generator.lognormvariate(math.log(MEDIANS[req_key]), self.sigma)
        return self.time_scale * min(max(seconds, self.shortest), self.longest)
