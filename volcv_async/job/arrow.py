"""The door to pyarrow, which is an extra, large, and imported where Parquet is read or written."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from volcv_async.errors import ConfigurationError

JSON_MARK = {b"volcv_async": b"json"}
"""The metadata of a field whose texts are JSON, and to be read as what they say."""


def arrow(module: str = "pyarrow") -> Any:  # noqa: ANN401 - it has no types
    """Give a module of pyarrow.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"Parquet needs the package {missing.name}, which is not installed.",
            help="Install it with: pip install 'volcv-async[parquet]'",
        ) from missing
