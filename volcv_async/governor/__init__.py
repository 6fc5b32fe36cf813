"""When a call may leave: a strict rate, a cap on calls in flight, and what refusals teach.

The arithmetic is given the time, in seconds of any clock that only goes forward, and never waits:

* ``pace``: a strict rate, as a spacing and a log of departures.
* ``room``: how many calls may be in flight.
* ``governor``: both for one account group; a call that leaves takes of both together.

``gate`` is the thin layer that waits, first come, first served, over the governors of all groups
and whatever else holds back the calls of one, such as an outage.
"""

from volcv_async.governor.gate import Caution, Gate, Turn
from volcv_async.governor.governor import Governor
from volcv_async.governor.pace import Pace
from volcv_async.governor.room import MOST_UNSTATED, Room

__all__ = ["MOST_UNSTATED", "Caution", "Gate", "Governor", "Pace", "Room", "Turn"]
