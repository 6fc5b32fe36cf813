"""When a call may leave: a strict rate, a cap on calls in flight, and what refusals teach.

The arithmetic is given the time, in seconds of any clock that only goes forward, and never waits:

* ``pace``: a strict rate, as a spacing and a log of departures; a slow start after a rest.
* ``tempo``, ``room``: the rate, and the calls in flight, that refusals teach for one model.
* ``governor``: all of these for one account group; a call that leaves takes of all together.
* ``line``: who waits, in which order.

Two thin layers wait: ``gate``, where calls wait for their turn over the governors of all groups and
what else holds back the calls of one, such as an outage; and ``permits``, for those whose limits
are shared with other processes. ``grouping`` gives each account its governor.
"""

from volcv_async.governor.gate import Caution, Gate, Turn
from volcv_async.governor.governor import Governor
from volcv_async.governor.grouping import governors_of, names_of
from volcv_async.governor.permits import Permits, Quota

__all__ = ["Caution", "Gate", "Governor", "Permits", "Quota", "Turn", "governors_of", "names_of"]
