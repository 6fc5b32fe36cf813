"""Which fault strikes next: drawn at given rates from a seed, scripted, or asked of a function."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import TypeAlias

from volcv_async.gateway.faults.catalogue import find_fault

Faults: TypeAlias = Mapping[str, float] | Sequence[str | None] | Callable[[int], str | None]

AT_ACCEPT = "reset_at_accept"
"""The one fault that strikes before there is a request."""

_ROUNDING = 1e-9


class Draws:
    """Draws for each request, in order of arrival.

    The n-th draw follows from the seed and n alone, so that equal runs meet equal faults, and
    changing the rates in between moves none of the later draws.
    """

    def __init__(self, seed: int, faults: Faults | None) -> None:
        self._seed = seed
        self._turn = 0
        self.change(faults)

    def change(self, faults: Faults | None) -> None:
        """Draw from these from now on; a script begins at its beginning.

        Raises:
            ValueError: if there is no fault of a name, or a rate cannot be.
        """
        self._name_at = _reader(faults, self._seed)
        self.faults = faults
        self._began = self._turn
        self._coming: tuple[str | None] | None = None

    def next(self) -> str | None:
        """The name for the request that has arrived, if a fault strikes it."""
        name = self._peek()
        self._turn += 1
        self._coming = None
        return name

    def resets_at_accept(self) -> bool:
        """Whether the draw is `reset_at_accept`, for a connection; any other is left in place."""
        return self._peek() == AT_ACCEPT and self.next() == AT_ACCEPT

    def _peek(self) -> str | None:
        if self._coming is None:
            self._coming = (self._name_at(self._turn, self._turn - self._began),)
        return self._coming[0]


def parse_rates(pairs: Iterable[str]) -> dict[str, float]:
    """Read `name:rate` pairs, such as `reset_in_body:0.1`.

    Raises:
        ValueError: if a pair is none, there is no fault of a name, or a rate cannot be.
    """
    rates: dict[str, float] = {}
    for pair in pairs:
        name, colon, rate = pair.partition(":")
        find_fault(name)
        if not colon:
            raise ValueError(f"{pair} has no rate. Write it as {pair}:0.1, a share of 0 to 1.")
        rates[name] = _number(name, rate)
    check_rates(rates)
    return rates


def check_rates(rates: Mapping[str, float]) -> None:
    """Refuse what cannot be drawn.

    Raises:
        ValueError: if there is no fault of a name, or a rate or the sum of all is not in [0, 1].
    """
    for name, rate in rates.items():
        find_fault(name)
        if not 0 <= rate <= 1:
            raise ValueError(f"The rate of {name} must be a share of 0 to 1, not {rate}.")
    if (total := math.fsum(rates.values())) > 1 + _ROUNDING:
        raise ValueError(f"The rates of all faults together must be at most 1, not {total:g}.")


def pick(rates: Mapping[str, float], draw: float) -> str | None:
    """The name whose share of [0, 1) holds this draw; `None` where no share does."""
    bound = 0.0
    for name, rate in rates.items():
        bound += rate
        if draw < bound:
            return name
    return None


def _reader(faults: Faults | None, seed: int) -> Callable[[int, int], str | None]:
    """A function of the turn since ever, and of the turn since these faults were set."""
    if callable(faults):
        ask = faults
        return lambda _, turn: _known(ask(turn))
    if isinstance(faults, str):
        raise ValueError(f"faults is a mapping or a list: for always, {{{faults!r}: 1.0}}.")  # noqa: TRY004 - what was typed can be, it just cannot stand here
    if isinstance(faults, Mapping):
        check_rates(faults)
        rates = dict(faults)
        return lambda ever, _: pick(rates, Random(f"fault {ever} of {seed}").random())
    script = [_known(name) for name in faults or ()]
    return lambda _, turn: script[turn] if turn < len(script) else None


def _known(name: str | None) -> str | None:
    return None if name is None else find_fault(name).name


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"The rate of {name} must be a number, not {text!r}.") from None
