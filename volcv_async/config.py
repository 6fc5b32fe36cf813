"""How a client is set up: accounts and their keys, limits, timeouts, when to try again.

Everything here is a frozen value that can be made anywhere, outside a running loop too. This is the
only reader of the environment.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeGuard, cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

import attrs

from volcv_async import codes
from volcv_async.codes import Treatment
from volcv_async.errors import (
    AuthenticationError,
    ConfigurationError,
    ContentRejectedError,
    ServerError,
    VolcvWarning,
)

_FILE = "sqlite:///"
_SERVERS = frozenset({"redis", "rediss", "unix"})
_STORES = (
    "It takes sqlite:///limits.sqlite or sqlite:////var/lib/limits.sqlite for the processes of one "
    "machine; redis://host:6379/0, rediss://host or unix:///run/redis.sock for many machines."
)
_STORE_OPTIONS = frozenset({"db", "username", "password"})
_TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"}
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# From warnings.warn up to the caller of Account(...), whose constructor attrs generates.
_CALLER = 3


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


_Check = Callable[[object, "attrs.Attribute[Any]", Any], None]


def _maybe(check: _Check) -> _Check:
    """Let None pass, and check what else comes."""

    def checked(instance: object, field: attrs.Attribute[Any], value: object) -> None:
        if value is not None:
            check(instance, field, value)

    return checked


def _positive(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a finite number above 0."""
    if not _number(value) or value <= 0:
        raise _wrong(instance, field, value, "a number above 0")


def _seconds(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a finite number from 0."""
    if not _number(value) or value < 0:
        raise _wrong(instance, field, value, "a number of seconds from 0")


def _number(value: object) -> TypeGuard[float]:
    """Tell whether it is a finite number."""
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def _whole(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(instance, field, value, "a whole number from 1")


def _count(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(instance, field, value, "a whole number from 0")


def _wrong(
    instance: object, field: attrs.Attribute[Any], value: object, wanted: str
) -> ConfigurationError:
    shown = StoreUrl(value) if isinstance(value, str) and "://" in value else value
    name = f"{type(instance).__name__}({field.name}={shown!r})"
    return ConfigurationError(f"{name} makes no sense.", help=f"It takes {wanted}.")


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
        parts = _split(self)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}"

    @property
    def file(self) -> str | None:
        """The SQLite file; None if it is a server."""
        return self.removeprefix(_FILE) if self.startswith(_FILE) else None

    def __repr__(self) -> str:
        return repr(self.shown)


def _store_url(value: str) -> StoreUrl:
    is_text = isinstance(value, str)  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
    return StoreUrl(value) if is_text else cast("StoreUrl", value)


def _check_store(instance: object, field: attrs.Attribute[StoreUrl], value: object) -> None:
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
    return _server_fault(_split(url))


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


def _quota_name(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    """Accept a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise _wrong(instance, field, value, "a text, or None for the account's name")


@attrs.frozen
class SharedRate:
    """A rate that several processes or machines keep together, each by the same store.

    It needs ``pip install 'volcv-async[shared]'``. Those who state different rates for one name
    each hold to their own number, with the calls of all counted; so the smallest waits longest.
    While the store cannot be reached, calls wait.

    Attributes:
        url: The store: ``sqlite:///relative.sqlite`` or ``sqlite:////absolute.sqlite``, a file on
            a disk of this machine, for its processes; ``redis://``, ``rediss://`` or ``unix://``,
            a Redis server, for many machines. It prints without user and password.
        rate: Calls a second of all together, above 0. With n the rate rounded up, at most n
            leave in any n / rate seconds.
        name: What the quota is called in the store; those who give the same url and name share
            it. None: the account's name, which is its group or host.

    Raises:
        ConfigurationError: A value makes no sense; the text shows no password.
    """

    url: StoreUrl = attrs.field(converter=_store_url, validator=_check_store)
    rate: float = attrs.field(validator=_positive)
    name: str | None = attrs.field(default=None, kw_only=True, validator=_maybe(_quota_name))


@attrs.frozen
class SharedConcurrency:
    """A cap on the calls in flight of several processes or machines together, by leases.

    It needs ``pip install 'volcv-async[shared]'``. Those who state different numbers for one name
    each hold to their own, with the calls of all counted; so the smallest waits longest. While the
    store cannot be reached, calls wait.

    Attributes:
        url: The store, as in ``SharedRate``.
        concurrency: Calls in flight of all together, from 1.
        name: What the quota is called in the store; those who give the same url and name share
            it. None: the account's name, which is its group or host.
        lease: Seconds, above 0, after which a process that died has given its slots back. A
            living one renews them every quarter of that.

    Raises:
        ConfigurationError: A value makes no sense; the text shows no password.
    """

    url: StoreUrl = attrs.field(converter=_store_url, validator=_check_store)
    concurrency: int = attrs.field(validator=_whole)
    name: str | None = attrs.field(default=None, kw_only=True, validator=_maybe(_quota_name))
    lease: float = attrs.field(default=4.0, kw_only=True, validator=_positive)


def _rate(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, SharedRate) and (not _number(value) or value <= 0):
        raise _wrong(instance, field, value, "a number above 0, or SharedRate(...)")


def _concurrency(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not isinstance(value, SharedConcurrency) and not whole:
        raise _wrong(instance, field, value, "a whole number from 1, or SharedConcurrency(...)")


@attrs.frozen
class Limits:
    """What an account allows. Calls wait for their turn; they do not fail.

    A number binds this client alone. Where several processes use one account, give a
    ``SharedRate`` or a ``SharedConcurrency``: its number is then that of all together.

    Attributes:
        rate: Calls a second. In any w seconds, w the longer of 1 s and 1/rate, at most
            ⌈rate · w⌉ calls leave, evenly spaced. None: not stated; no limit until the provider
            refuses, then what it accepted.
        burst: How many of those may leave together, from 1.
        concurrency: Calls in flight, from 1. None: not stated; starts at 2 and is learned, up to
            16; without ``adaptive`` it is 16.
        adaptive: Slow down beneath what is stated when the provider refuses, and come back up.
        ramp: Seconds, from 0, over which calls in flight and the rate rise from a single call to
            what is allowed, at the start and after a rest; for providers that refuse a sudden
            rise.

    Raises:
        ConfigurationError: A value makes no sense.
    """

    rate: float | SharedRate | None = attrs.field(default=None, validator=_maybe(_rate))
    burst: int = attrs.field(default=1, validator=_whole)
    concurrency: int | SharedConcurrency | None = attrs.field(
        default=None, validator=_maybe(_concurrency)
    )
    adaptive: bool = True
    ramp: float = attrs.field(default=0.0, validator=_seconds)

    @property
    def calls_a_second(self) -> float | None:
        """The rate as a number, whether shared or not; None if not stated."""
        return self.rate.rate if isinstance(self.rate, SharedRate) else self.rate

    @property
    def slots(self) -> int | None:
        """The calls in flight as a number, whether shared or not; None if not stated."""
        if isinstance(self.concurrency, SharedConcurrency):
            return self.concurrency.concurrency
        return self.concurrency


@attrs.frozen
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect: For a connection: name, socket and TLS. Running out of it, nothing was sent.
        attempt: For one attempt, from when it may leave to the last byte of its reply; and for
            the download of an image. Running out of it leaves a paid call in doubt, so be
            generous: calls take 2 to 20 seconds (documented), and slow ones far longer (community).
        deadline: For a request as a whole, waiting for its turn included. No attempt starts in
            its last tenth, nor when less than a tenth of ``attempt`` is left: a paid call that
            is cut off at once is money lost. None: no end.

    Raises:
        ConfigurationError: A value is not above 0.
    """

    connect: float = attrs.field(default=10.0, validator=_positive)
    attempt: float = attrs.field(default=120.0, validator=_positive)
    deadline: float | None = attrs.field(default=900.0, validator=_maybe(_positive))


def _known_choice(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    if value not in {"report", "retry"}:
        raise _wrong(instance, field, value, '"report" or "retry"')


def _treatments(value: object) -> Mapping[int | str, Treatment]:
    """Own what is said of codes, each named as the tables do."""
    if not isinstance(value, Mapping):
        raise _untreatable(value, "is no mapping of codes to Treatment(...).")
    said = cast("Mapping[object, object]", value)
    owned = {_code(code): _treatment(code, treatment) for code, treatment in said.items()}
    if len(owned) < len(said):
        raise _untreatable(list(said), "names a code twice.", "Say what to do about it once.")
    return owned


def _code(code: object) -> int | str:
    named = codes.canonical(code) if isinstance(code, int | str) and code else code
    if isinstance(code, bool) or not isinstance(named, int | str) or not named:
        raise _untreatable(code, "is no code.", "A code is a number or a text.")
    if isinstance(named, int) and named < codes.LEAST_CODE:
        raise _untreatable(code, "is no code of the provider's.", "HTTP statuses are not asked.")
    if named == codes.SUCCESS:
        raise _untreatable(code, "is success.")
    return named


def _treatment(code: object, treatment: object) -> Treatment:
    """Accept what can be done about a code."""
    if not isinstance(treatment, Treatment):
        raise _untreatable(code, f"is given {treatment!r}.", "It takes a Treatment(...).")
    known = codes.known(code) if isinstance(code, int | str) else None
    why = "" if known is None else _senseless(known, treatment)
    if why:
        raise _untreatable(code, f"is given {treatment!r}, which makes no sense.", why)
    if treatment.repeat and treatment.billed == "yes":
        raise _untreatable(code, "is to be repeated though it is billed.", "That pays each time.")
    return treatment


def _senseless(code: codes.Code, treatment: Treatment) -> str:
    """Say why a treatment cannot help with a code; empty where it may."""
    refused = issubclass(code.error, ContentRejectedError)
    if treatment.repeat and refused:
        return "The same request will be refused again; reroll=True tries another seed."
    if treatment.repeat and issubclass(code.error, AuthenticationError):
        return "Nothing more goes to an account whose key is refused."
    drawn = code.stage == "output" or issubclass(code.error, ServerError)
    if treatment.reroll and not drawn:
        return "Nothing was drawn, so that another seed changes nothing, or nobody knows."
    return ""


def _untreatable(code: object, what: str, cure: str = "") -> ConfigurationError:
    return ConfigurationError(f"RetryPolicy(codes=...): {code!r} {what}", help=cure)


@attrs.frozen
class RetryPolicy:
    """When a request goes out again.

    What was not sent is repeated; what was rejected is repeated where a table says so
    (see the page on errors). A refusal for rate or concurrency uses up no attempt: only the
    deadline ends those.

    Attributes:
        attempts: How often a request goes out at the most, from 1.
        in_doubt: What becomes of an attempt whose end is not known and that may have been billed:
            ``"report"`` it, or ``"retry"`` and perhaps pay twice.
        rerolls: How often a request whose picture was made and then refused goes out again with a
            fresh seed, from 0. It uses up no attempt. Whether refused pictures are billed is not
            known.
        codes: What is done about single codes where it differs from the table, by the service's
            number or the text of the signature layer or a gateway, such as
            ``{50500: Treatment(repeat=True), "model_not_found": Treatment(repeat=False)}``.
        budget: What the repetitions of all calls of a client draw on, from 0, so that a failing
            provider is not asked many times as much: one costs 5, or 10 where the attempt before
            it is in doubt; a success gives back what its own cost, or 1. 500 lets the first 100
            go out, as in botocore. When it is empty, failures are final until calls succeed
            again. None: without end. Refusals for rate or concurrency, rerolls, downloads, a
            change of account and what is not sent in an outage draw nothing.
        pause: The longest pause before the first repetition, in seconds; it doubles with each,
            and the pause taken is random below it.
        longest_pause: Where the doubling ends, in seconds.

    Raises:
        ConfigurationError: A value makes no sense.
    """

    attempts: int = attrs.field(default=3, validator=_whole)
    in_doubt: Literal["report", "retry"] = attrs.field(default="report", validator=_known_choice)
    rerolls: int = attrs.field(default=0, validator=_count)
    codes: Mapping[int | str, Treatment] = attrs.field(
        factory=dict[int | str, Treatment], kw_only=True, hash=False, converter=_treatments
    )
    budget: int | None = attrs.field(default=500, kw_only=True, validator=_maybe(_count))
    pause: float = attrs.field(default=0.5, kw_only=True, validator=_positive)
    longest_pause: float = attrs.field(default=60.0, kw_only=True, validator=_positive)


def _check_url(_account: object, field: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"The account's {field.name} is no text: {value!r}.")
    parts = _split(value)
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


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts


def _check_endpoint(account: object, field: attrs.Attribute[str], value: str) -> None:
    _check_url(account, field, value)
    parts = urlsplit(value)
    if parts.query or parts.fragment:
        raise ConfigurationError(
            "The account's url holds a query or a fragment.",
            help="Leave it out; Action and Version are added to each call.",
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
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
    proxy: str | None = attrs.field(default=None, kw_only=True, validator=_maybe(_check_url))

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
