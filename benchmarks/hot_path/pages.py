"""What the documentation shows: where the calls and the time of a request go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.hot_path.figures import Costs
from benchmarks.hot_path.measuring import Shares
from benchmarks.hot_path.steps import AIOHTTP, ASYNCIO, LIBRARIES, STEPS

_FOR = {
    "request": "made and checked by the source",
    "stream": "pull, hand over, settle, wake the consumer",
    "waits": "adds up what is waited for, for `limited_by`",
    "carriers": "hands a call to a task that carries it",
    "pool": "leases a session, and takes it back",
    "outages": "notes that answers come",
    "gate": "whether a call may leave now",
    "governor": "rate, slots, what refusals taught",
    "call": "the life of the call: deadline, attempt, end",
    "encode": "request to JSON",
    "transport": "one POST through aiohttp",
    "decode": "reply to values, pictures cut out, strict JSON",
    "picture": "checksums of a picture",
    "outcome": "`Completed` and what is in it",
    "telling": "counts attempts, tells `on_event`",
    AIOHTTP: "HTTP, its connections and timeouts",
    ASYNCIO: "the event loop, sending and receiving",
}


def markdown(costs: Costs, shares: Shares) -> str:
    """Give both tables, and what they were made with."""
    return "\n".join([_calls(costs, shares), _memory(costs), _made_with(costs)])


def _calls(costs: Costs, shares: Shares) -> str:
    sizes = list(costs.calls)
    columns = [f"{what}, {size}" for size in sizes for what in ("calls", "CPU")]
    rows = [
        [step, _FOR.get(step, ""), *_cells(step, costs, shares)]
        for step in _in_order({step for size in sizes for step in costs.calls[size]})
    ]
    sums = [
        [f"**{name}**", "", *_sums(steps, costs, shares)] for name, steps in _sets(costs).items()
    ]
    return _table(["step", "for", *columns], [*rows, *sums])


def _in_order(steps: set[str]) -> Sequence[str]:
    """Put steps in the order of the road."""
    road = [*STEPS, *LIBRARIES]
    return sorted(steps, key=lambda step: (step not in road, *map(road.index, {step} & {*road})))


def _sets(costs: Costs) -> Mapping[str, set[str]]:
    every = {step for steps in costs.calls.values() for step in steps}
    return {"volcv-async": every - set(LIBRARIES), "all": every}


def _cells(step: str, costs: Costs, shares: Shares) -> list[str]:
    return _sums({step}, costs, shares)


def _sums(steps: set[str], costs: Costs, shares: Shares) -> list[str]:
    cells = list[str]()
    for size in costs.calls:
        calls = costs.steps(size)
        cells.append(f"{sum(calls.get(step, 0.0) for step in steps):.0f}")
        cells.append(f"{sum(shares[size].get(step, 0.0) for step in steps):.1%}")
    return cells


def _memory(costs: Costs) -> str:
    rows = [
        [size, f"{memory.picture:,}", f"{memory.peak:,}", f"{memory.peak - memory.picture:,}"]
        for size, memory in costs.memory.items()
    ]
    head = ["reply", "bytes of its picture", "allocated at the most", "beyond the picture"]
    return _table(head, rows)


def _made_with(costs: Costs) -> str:
    return f"With {', '.join(f'{name} {value}' for name, value in costs.versions.items())}.\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    words = sum(not cell[:1].isdigit() for cell in rows[0]) if rows else 1
    lines = [head, [*["---"] * words, *["--:"] * (len(head) - words)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
