"""How long the slow faults take."""

import attrs


@attrs.frozen(kw_only=True)
class FaultTimes:
    """How long the slow faults take, as they are: no `time_scale` is applied.

    Attributes:
        closed: seconds that the port stays shut, or its queue full, before it is as it was; not
            negative. A connection turned away by a full queue is tried again by Linux after 1 s.
        drip: seconds between the bytes of `slow_drip`; not negative.
        idle: seconds that a connection has been idle when `unsolicited_reply` comes on it; not
            negative.
        retry_after: what `rate_429_retry_after_seconds` and `_date` ask for, in whole seconds.
    """

    closed: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    drip: float = attrs.field(default=0.05, validator=attrs.validators.ge(0))
    idle: float = attrs.field(default=0.02, validator=attrs.validators.ge(0))
    retry_after: int = 1
