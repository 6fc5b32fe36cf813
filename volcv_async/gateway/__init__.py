"""The local gateway: the provider's side of the wire as a real server, on this machine.

It speaks the documented protocol (path, `Action` and `Version`, bearer key, the provider's own
error bodies), holds limits of its own, goes wrong in every way that is asked for by name, keeps a
ledger of what was received and what was paid, and draws its pictures with Pillow
(`pip install 'volcv-async[local]'`). No model is involved, and every picture says so. It shares no
code with the client, so that a mistake cannot agree with itself.
"""

from volcv_async.gateway.answers import Answer, Canned, Drop, Reply, service_error
from volcv_async.gateway.faults import FAULTS, Fault, Faults, FaultTimes
from volcv_async.gateway.latency import Constant, Latency, Spread
from volcv_async.gateway.ledger import Received
from volcv_async.gateway.server import LocalGateway
from volcv_async.gateway.serving import serve

__all__ = [
    "FAULTS",
    "Answer",
    "Canned",
    "Constant",
    "Drop",
    "Fault",
    "FaultTimes",
    "Faults",
    "Latency",
    "LocalGateway",
    "Received",
    "Reply",
    "Spread",
    "serve",
    "service_error",
]
