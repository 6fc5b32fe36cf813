"""What requests cost: as it was found, and as it was recorded, in ``hot_path.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import attrs
import cattrs

FILE = Path(__file__).parents[1] / "hot_path.json"
"""Where figures are recorded."""

_PACKAGES = ("aiohttp", "anyio", "attrs", "cattrs", "multidict", "pybase64", "yarl")

Calls: TypeAlias = Mapping[str, Mapping[str, float]]
"""Calls a request, by step and function."""


@attrs.frozen(kw_only=True)
class Memory:
    """What reading a reply takes, in bytes.

    Attributes:
        peak: Allocated at the most at one time, beside the reply itself.
        picture: The length of the picture in it, which is part of that.
    """

    peak: int
    picture: int


@attrs.frozen(kw_only=True)
class Costs:
    """What requests cost with certain versions of what they are made with.

    Attributes:
        versions: Of Python and of packages.
        calls: By size of reply.
        memory: By size of reply.
    """

    versions: dict[str, str]
    calls: dict[str, dict[str, dict[str, float]]]
    memory: dict[str, Memory]

    @property
    def name(self) -> str:
        """The versions that matter most, in words."""
        return f"Python {self.versions['Python']} and aiohttp {self.versions['aiohttp']}"

    def steps(self, size: str) -> Mapping[str, float]:
        """Give the calls a request, by step."""
        return {step: sum(names.values()) for step, names in self.calls[size].items()}


def versions() -> dict[str, str]:
    """Tell the versions here; of Python without its patches."""
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        **{name: version(name) for name in _PACKAGES},
    }


def nearest(recorded: Sequence[Costs], versions: Mapping[str, str]) -> Costs | None:
    """Choose what was recorded with the most versions the same, Python's and aiohttp's first."""

    def alike(costs: Costs) -> tuple[bool, bool, int]:
        same = {name for name, value in costs.versions.items() if versions.get(name) == value}
        return "Python" in same, "aiohttp" in same, len(same)

    return max(recorded, key=alike, default=None)


def with_(recorded: Sequence[Costs], new: Costs) -> list[Costs]:
    """Put new figures in the place of those of the same Python and aiohttp."""
    return sorted(
        [*(costs for costs in recorded if costs.name != new.name), new],
        key=lambda costs: costs.name,
    )


def read(file: Path = FILE) -> list[Costs]:
    """Read all that is recorded."""
    if not file.exists():
        return []
    return cattrs.structure(json.loads(file.read_text(encoding="utf-8")), list[Costs])


def write(recorded: Sequence[Costs], file: Path = FILE) -> None:
    """Record all this."""
    plain = cattrs.unstructure(recorded)
    file.write_text(json.dumps(plain, indent=1, sort_keys=True) + "\n", encoding="utf-8")
