"""Faults that can be asked for by name: the catalogue, and what each does to a request on its way.

    draws ▶ refusals ▶ the provider ─ pictures ▶ rewriting ▶ mangling ▶ playing

`draws` says which fault a request meets. It strikes before the provider (`refusals`), at the
picture, at the reply as HTTP carries it (`rewriting`), or at its bytes on the wire (`mangling`,
`playing`); `mischief` holds these together. Deciding and changing are arithmetic over names and
bytes; only `playing` and `mischief` meet a connection.
"""

from volcv_async.gateway.faults.catalogue import FAULTS, Fault
from volcv_async.gateway.faults.draws import Faults, parse_rates
from volcv_async.gateway.faults.times import FaultTimes

__all__ = ["FAULTS", "Fault", "FaultTimes", "Faults", "parse_rates"]
