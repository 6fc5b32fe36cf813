"""Accounts: where they are, their keys and limits; the one reader of the environment."""

from __future__ import annotations

import os
import warnings
from urllib.parse import urlsplit

import attrs

from volcv_async.config.checks import maybe
from volcv_async.config.credentials import Bearer
from volcv_async.config.limits import Limits
from volcv_async.config.urls import split_url
from volcv_async.errors import ConfigurationError, VolcvWarning

QUERY = {"Action": "CVProcess", "Version": "2022-08-31"}
"""What is added to the URL of an account in each paid call."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""The hosts that are this machine."""

# From warnings.warn up to the caller of Account(...), whose constructor attrs generates.
_CALLER = 3


def _check_url(_account: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"The account's {field.name} is no text: {value!r}.")
    parts = split_url(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"The account's {field.name} is no http or https URL.",
            help="Give the whole endpoint, such as https://gateway.example/volcv/v1",
        )
    if parts.username or parts.password:
        raise ConfigurationError(
            f"The account's {field.name} holds a user or a password.",
            help="Give the key as Bearer(...) instead.",
        )


def _check_endpoint(account: object, field: attrs.Attribute[str], value: str) -> None:
    _check_url(account, field, value)
    parts = urlsplit(value)
    if parts.query or parts.fragment:
        raise ConfigurationError(
            "The account's url holds a query or a fragment.",
            help="Leave it out; Action and Version are added to each call.",
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        warnings.warn(
            f"The key will travel unencrypted to {parts.hostname}; use https.",
            VolcvWarning,
            stacklevel=_CALLER,
        )


@attrs.frozen
class Account:
    """One account at a provider: where it is, its key, and what it allows.

    Attributes:
        url: The whole endpoint, path included; ``Action`` and ``Version`` are added.
        credentials: The key.
        limits: What it allows; None: what the client was given for all.
        group: Accounts of one group share one quota, and so their limits; None: its own.
        proxy: The URL of an HTTP proxy to go through.

    Raises:
        ConfigurationError: The URL cannot be one, or holds a user, a password or a query.
    """

    url: str = attrs.field(validator=_check_endpoint)
    credentials: Bearer
    limits: Limits | None = attrs.field(default=None, kw_only=True)
    group: str | None = attrs.field(default=None, kw_only=True)
    proxy: str | None = attrs.field(default=None, kw_only=True, validator=maybe(_check_url))

    @property
    def name(self) -> str:
        """What to call it where people read; the group, or else the host."""
        return self.group or urlsplit(self.url).netloc


def from_environment() -> Account:
    """Read the account from ``VOLCV_BASE_URL`` and ``VOLCV_API_KEY``.

    Raises:
        ConfigurationError: One of them is missing; the text says which, and what else can be done.
    """
    found = {name: os.environ.get(name, "") for name in ("VOLCV_BASE_URL", "VOLCV_API_KEY")}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigurationError(
            f"No account: {' and '.join(missing)} not set.",
            help=(
                "Set VOLCV_BASE_URL to the whole endpoint, such as "
                "https://gateway.example/volcv/v1, and VOLCV_API_KEY to its key; or pass "
                "Account(...). Without a key, `volcv demo` shows everything on this machine."
            ),
        )
    return Account(found["VOLCV_BASE_URL"], Bearer(found["VOLCV_API_KEY"]))
