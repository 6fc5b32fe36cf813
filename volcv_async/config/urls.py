"""URLs: how they are read, and those of the stores in which processes keep a limit together."""

from __future__ import annotations

from typing import cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

import attrs

from volcv_async.errors import ConfigurationError

_FILE = "sqlite:///"
_SERVERS = frozenset({"redis", "rediss", "unix"})
_STORES = (
    "It takes sqlite:///limits.sqlite or sqlite:////var/lib/limits.sqlite for the processes of one "
    "machine, or unix:///run/redis.sock, a server's socket; redis://host:6379/0 or rediss://host "
    "for many machines."
)
_STORE_OPTIONS = frozenset({"db", "username", "password"})
_TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)


def split_url(url: str) -> SplitResult:
    """Split a URL; one that cannot be has no parts."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


class StoreUrl(str):
    """Where a shared limit is kept; it prints without user, password and options."""

    __slots__ = ()

    @property
    def shown(self) -> str:
        """The URL as people may read it; ``***`` for what cannot be read as one."""
        if _store_fault(self):
            return "***"
        if self.startswith(_FILE):
            return str(self)
        parts = split_url(self)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"

    @property
    def guarded(self) -> bool:
        """Whether it holds a user or a password."""
        query = split_url(self).query
        return "@" in self or "password" in query or "username" in query

    @property
    def file(self) -> str | None:
        """The SQLite file; None if it is a server."""
        return self.removeprefix(_FILE) if self.startswith(_FILE) else None

    def __repr__(self) -> str:
        return repr(self.shown)


def store_url(value: str) -> StoreUrl:
    """Hide what a URL holds as soon as it is given; what is no text is left for the check."""
    is_text = isinstance(value, str)  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
    return StoreUrl(value) if is_text else cast("StoreUrl", value)


def check_store(instance: object, field: attrs.Attribute[StoreUrl], value: object) -> None:
    """Accept a URL of a store, and say nothing of what else it holds."""
    fault = _store_fault(value) if isinstance(value, StoreUrl) else "is no text."
    if fault:
        name = f"{type(instance).__name__}({field.name}=...)"
        raise ConfigurationError(f"{name} {fault}", help=_STORES)


def _store_fault(url: StoreUrl) -> str:
    """Say what is wrong with the URL of a store; empty if nothing is."""
    if url.startswith("sqlite:"):
        return _file_fault(url)
    if url.partition("://")[0] not in _SERVERS:
        return "is no URL of a store."
    return _server_fault(split_url(url))


def _file_fault(url: str) -> str:
    file = url.removeprefix(_FILE)
    if file in {"", url}:
        return "names no file; three slashes stand before a relative one, four in all else."
    if file == ":memory:" or "\0" in file:
        return "names no file that others could open."
    return ""


def _server_fault(parts: SplitResult) -> str:
    """Say what is wrong with a Redis URL.

    It is strict, so that a piece of an unescaped password is never taken for a host or a path,
    which people may read.
    """
    options = _options(parts.query)
    if not parts.scheme or parts.fragment or "@" in parts.path or options is None:
        return "cannot be read; in a password, / ? # @ : are written %2F %3F %23 %40 %3A."
    if options.keys() - _STORE_OPTIONS - (_TLS_OPTIONS if parts.scheme == "rediss" else set()):
        return "has an option other than db, username and password (or, of rediss, ssl_...)."
    if parts.scheme == "unix" and (parts.hostname or len(parts.path) < 2):  # noqa: PLR2004 - "/x"
        return "names no socket; three slashes stand before it."
    if parts.scheme != "unix" and not parts.hostname:
        return "names no host."
    database = options.get("db", "0" if parts.scheme == "unix" else parts.path[1:] or "0")
    return "" if database.isdecimal() else "names no database; they have numbers."


def _options(query: str) -> dict[str, str] | None:
    """Read the options of a URL; None if they cannot be read."""
    try:
        return dict(parse_qsl(query, strict_parsing=True)) if query else {}
    except ValueError:
        return None
