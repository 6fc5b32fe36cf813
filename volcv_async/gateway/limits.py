"""The gateway's own limits: how many in a sliding window, how many in flight. Arithmetic only."""

import math
from bisect import bisect_left, bisect_right

RATE_LIMITED = 50429
CONCURRENCY_LIMITED = 50430


class Limiter:
    """Judges each request by those accepted before it; what it refuses counts for nothing.

    In any window of w seconds, w the longer of 1 and 1/rate, at most ⌈rate·w⌉ requests are
    accepted. The provider rejects and does not queue (inferred), and so does this.

    Attributes:
        in_flight: accepted and not yet released.
        most_in_flight: the most there ever were.
    """

    def __init__(self, rate: float | None, concurrency: int | None) -> None:
        """Set up with no history.

        Args:
            rate: requests a second; `None` for no limit.
            concurrency: requests in flight; `None` for no limit.

        Raises:
            ValueError: if either is not positive.
        """
        if rate is not None and not rate > 0:
            raise ValueError(f"rate must be over 0 requests a second, not {rate}")
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency}")
        self._rate = rate
        self._concurrency = concurrency
        self._accepted: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def refusal(self, now: float) -> int | None:
        """The code with which a request at `now` seconds is to be refused, if it is."""
        if self._rate is not None and self._rate_used_up(now, self._rate):
            return RATE_LIMITED
        if self._concurrency is not None and self.in_flight >= self._concurrency:
            return CONCURRENCY_LIMITED
        return None

    def accept(self, now: float) -> None:
        """Take a request in at `now` seconds: it counts for the rate and holds a slot."""
        self._accepted.append(now)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def release(self) -> None:
        """Give a slot back."""
        self.in_flight -= 1

    def worst_window(self, seconds: float) -> int:
        """The most requests accepted in any window of this many seconds, its end left out."""
        return max(
            (
                bisect_left(self._accepted, start + seconds) - first
                for first, start in enumerate(self._accepted)
            ),
            default=0,
        )

    def _rate_used_up(self, now: float, rate: float) -> bool:
        window, allowed = (1.0, math.ceil(rate)) if rate > 1 else (1 / rate, 1)
        return len(self._accepted) - bisect_right(self._accepted, now - window) >= allowed
