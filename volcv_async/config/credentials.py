"""Keys, which go to the wire and nowhere else."""

from __future__ import annotations

from volcv_async.errors import ConfigurationError


class Secret(str):
    """A text that is shown to nobody: it goes out intact and prints as ``***``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Bearer:
    """A gateway's API key, sent as ``Authorization: Bearer <key>`` (documented).

    The key goes to the wire and nowhere else: it is in no repr, and no attribute gives it.

    Raises:
        ConfigurationError: The key is empty, or holds what no HTTP header can carry.
    """

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        if not isinstance(key, str) or not key:  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise ConfigurationError("The API key is empty.", help="Give Bearer(...) the key.")
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigurationError(
                "The API key holds a space, a line break or another character that no key has.",
                help="It is not shown here; look at where it is read from.",
            )
        self._key = Secret(key)

    def authorization(self) -> Secret:
        """Give the value of the ``Authorization`` header."""
        return Secret(f"Bearer {self._key}")

    def redact(self, text: str) -> str:
        """Take the key out of what the other end said."""
        return text.replace(self._key, "***")

    def __repr__(self) -> str:
        return "Bearer('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bearer) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)
