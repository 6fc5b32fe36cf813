"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.calls.processes import cores

_PACKAGES = (
    "aiohttp",
    "uvloop",
    "httpx",
    "openai",
    "volcengine",
    "volcengine-ark-runtime",
    "pybase64",
    "zlib-ng",
)


def describe() -> dict[str, str]:
    """Say what processor, system and packages there are; what is not installed is left out."""
    server, client = cores()
    return {
        "processor": f"{_processor()} with {os.cpu_count()} cores",
        "server on core": server,
        "client on core": client,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{name: found for name in _PACKAGES if (found := _version(name))},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
