"""The ledger: every request that came to the paid path, and what was paid."""

import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs

SUCCESS = 10000
"""The service's code of success."""

_PROVIDER_TIME = timezone(timedelta(hours=8))
_REFUSALS_SHOWN = 20


@attrs.define(kw_only=True, eq=False)
class Received:
    """One request that came to the paid path; what becomes of it is filled in as it happens.

    Attributes:
        number: its place in the order of arrival, from 0.
        at: when its head had come, in seconds of `time.monotonic`.
        headers: its headers, without the key.
        request_id: the id that the gateway gave it; a scripted reply may bring another.
        body: its JSON object; `None` where it is none, or has not come yet.
        status: the HTTP status of the reply; `None` before there is one, if it was dropped, and
            if it broke on the wire.
        code: the code in the reply: 10000, a failure's number, or the gateway layer's word.
        why: what was wrong with a refused request, in words that the provider would not say.
        paid: whether a generation ran for it.
        fault: the name of the fault that struck it, if one did.
        finished: when its whole reply had been handed to the connection, in seconds of
            `time.monotonic`; `None` before that, if it was dropped or broke on the wire, or if the
            client had gone.
    """

    number: int
    at: float
    headers: Mapping[str, str] = attrs.field(repr=False)
    request_id: str
    body: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    status: int | None = None
    code: int | str | None = None
    why: str = ""
    paid: bool = False
    fault: str | None = None
    finished: float | None = None

    @property
    def prompt(self) -> str | None:
        """The prompt, if the body has one that is a string."""
        return self._text("prompt")

    @property
    def req_key(self) -> str | None:
        """The model's `req_key`, if the body has one that is a string."""
        return self._text("req_key")

    def _text(self, name: str) -> str | None:
        value = None if self.body is None else self.body.get(name)
        return value if isinstance(value, str) else None


class Ledger:
    """What was received, in order of arrival, and what was paid for."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.paid_by_prompt: Counter[str] = Counter()
        self.unheard: Counter[str] = Counter()
        """Faults that struck a connection before there was a request."""

    @property
    def paid(self) -> int:
        """Generations run, whether or not their reply arrived."""
        return self.paid_by_prompt.total()

    @property
    def faults(self) -> Counter[str]:
        """How often each fault struck."""
        return self.unheard + Counter(r.fault for r in self.received if r.fault)

    def receive(self, at: float, headers: Mapping[str, str]) -> Received:
        """Enter a request whose head came `at` these seconds; the key is left out."""
        kept = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        received = Received(
            number=len(self.received), at=at, headers=kept, request_id=new_request_id()
        )
        self.received.append(received)
        return received

    def pay(self, received: Received) -> None:
        """Note that a generation ran for this request."""
        received.paid = True
        self.paid_by_prompt[received.prompt or ""] += 1

    def summary(self) -> dict[str, Any]:
        """The ledger as `GET /ledger` shows it."""
        refused = [r for r in self.received if r.status is not None and r.code != SUCCESS]
        return {
            "received": len(self.received),
            "paid": self.paid,
            "refused": Counter(str(r.code or f"HTTP {r.status}") for r in refused),
            "last_refusals": [
                {"number": r.number, "code": r.code, "status": r.status, "why": r.why}
                for r in refused[-_REFUSALS_SHOWN:]
            ],
            "paid_by_prompt": self.paid_by_prompt,
            "faults": self.faults,
        }


def new_request_id() -> str:
    """A request id of the provider's shape: its local time to the second, then 20 hex digits."""
    now = datetime.now(UTC).astimezone(_PROVIDER_TIME)
    return f"{now:%Y%m%d%H%M%S}{secrets.token_hex(10).upper()}"
