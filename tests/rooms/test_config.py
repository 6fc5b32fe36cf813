"""Accounts, limits, timeouts, policies."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import attrs
import pytest

import volcv_async as volcv
from volcv_async.config import SharedConcurrency, SharedRate, StoreUrl, from_environment

KEY = "sk-very-secret-0001"
URL = "https://gateway.example/volcv/v1"


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel", "tab\t"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    """A key with a space, a line break or the like is refused, and not shown."""
    with pytest.raises(volcv.ConfigurationError) as caught:
        volcv.Bearer(key)
    assert not key or key not in str(caught.value)


def test_credentials_are_values_that_show_nothing() -> None:
    """Bearer keys compare and hash as values, copy and pickle, and print as stars."""
    one, two = volcv.Bearer(KEY), volcv.Bearer(KEY)
    assert one == two
    assert hash(one) == hash(two)
    assert one != volcv.Bearer("other")
    assert one != KEY
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one  # noqa: S301 - our own
    account = volcv.Account(URL, one)
    for shown in (one, one.authorization(), account, attrs.asdict(account), attrs.astuple(account)):
        assert KEY not in repr(shown)
        assert not hasattr(shown, "__dict__") or KEY not in repr(vars(shown))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gateway.example/volcv/v1", "no http or https URL"),
        ("ftp://gateway.example", "no http or https URL"),
        ("https://", "no http or https URL"),
        ("https://[", "no http or https URL"),
        ("https://host:port/", "no http or https URL"),
        ("https://user:word@gateway.example/", "a user or a password"),
        (URL + "?Action=CVProcess", "a query"),
        (URL + "#x", "a query or a fragment"),
        (7, "no text"),
    ],
)
def test_a_url_that_cannot_be_an_endpoint_is_refused(url: str, says: str) -> None:
    """A URL without scheme or host, or with a password or a query, is refused with the cure."""
    with pytest.raises(volcv.ConfigurationError, match=says):
        volcv.Account(url, volcv.Bearer(KEY))


def test_a_key_that_would_travel_in_the_clear_gives_a_warning() -> None:
    """Plain http to another machine warns; to this one it does not."""
    with pytest.warns(volcv.VolcvWarning, match="unencrypted") as caught:
        volcv.Account("http://gateway.example/volcv/v1", volcv.Bearer(KEY))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        volcv.Account("http://127.0.0.1:8000/volcv/v1", volcv.Bearer(KEY))


def test_a_proxy_must_be_a_url_too() -> None:
    """A proxy that is no URL is refused; one that is passes."""
    assert volcv.Account(URL, volcv.Bearer(KEY), proxy="http://127.0.0.1:3128").proxy
    with pytest.raises(volcv.ConfigurationError, match="proxy"):
        volcv.Account(URL, volcv.Bearer(KEY), proxy="squid")


def test_an_account_is_named_by_group_or_host() -> None:
    """Where people read, an account is its group, or else its host."""
    assert volcv.Account(URL, volcv.Bearer(KEY)).name == "gateway.example"
    assert volcv.Account(URL, volcv.Bearer(KEY), group="studio").name == "studio"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (volcv.Limits, "rate", 0),
        (volcv.Limits, "rate", -1.0),
        (volcv.Limits, "rate", math.inf),
        (volcv.Limits, "rate", math.nan),
        (volcv.Limits, "rate", True),
        (volcv.Limits, "burst", 0),
        (volcv.Limits, "concurrency", 1.5),
        (volcv.Limits, "concurrency", 0),
        (volcv.Limits, "concurrency", SharedRate("sqlite:///a.sqlite", 5)),
        (volcv.Limits, "rate", "5"),
        (volcv.Limits, "rate", SharedConcurrency("sqlite:///a.sqlite", 5)),
        (volcv.Limits, "ramp", -1),
        (volcv.Limits, "ramp", math.inf),
        (volcv.Limits, "ramp", None),
        (volcv.Timeouts, "attempt", 0),
        (volcv.Timeouts, "connect", "10"),
        (volcv.RetryPolicy, "attempts", 0),
        (volcv.RetryPolicy, "in_doubt", "maybe"),
        (volcv.RetryPolicy, "rerolls", -1),
        (volcv.RetryPolicy, "rerolls", True),
        (volcv.RetryPolicy, "budget", 1.5),
        (volcv.RetryPolicy, "budget", -1),
    ],
)
def test_numbers_that_make_no_sense_are_refused(kind: type, field: str, value: object) -> None:
    """A limit, timeout or policy that cannot be is refused by name."""
    with pytest.raises(volcv.ConfigurationError, match=rf"{kind.__name__}\({field}="):
        kind(**{field: value})


def test_what_is_required_cannot_be_none() -> None:
    """Only what may be unstated takes None."""
    assert volcv.Timeouts(deadline=None).deadline is None
    for kind, field in (
        (volcv.Timeouts, "attempt"),
        (volcv.Timeouts, "connect"),
        (volcv.Limits, "burst"),
        (volcv.RetryPolicy, "attempts"),
    ):
        with pytest.raises(volcv.ConfigurationError, match=field):
            given: dict[str, Any] = {field: None}
            kind(**given)


def test_the_defaults_are_those_of_the_contract() -> None:
    """Defaults are the documented ones."""
    assert volcv.Limits(2, 3, 4, False) == volcv.Limits(  # noqa: FBT003 - in this order
        rate=2, burst=3, concurrency=4, adaptive=False
    )
    assert volcv.Limits() == volcv.Limits(
        rate=None, burst=1, concurrency=None, adaptive=True, ramp=0.0
    )
    assert volcv.Timeouts() == volcv.Timeouts(connect=10.0, attempt=120.0, deadline=900.0)
    assert volcv.RetryPolicy() == volcv.RetryPolicy(3, "report", 0, codes={}, budget=500)


STORES = [
    "sqlite:///limits.sqlite",
    "sqlite:////var/lib/limits.sqlite",
    "redis://cache.example",
    "redis://cache.example:6380/7",
    "rediss://cache.example/",
    "unix:///run/redis.sock",
]


@pytest.mark.parametrize("url", STORES)
def test_a_shared_limit_is_a_value_that_says_where_it_lies(url: str) -> None:
    """Shared limits compare, hash, copy and pickle as values, and print their URL."""
    rate = SharedRate(url, 50, name="studio")
    slots = SharedConcurrency(url, 8)
    assert repr(rate) == f"SharedRate(url={url!r}, rate=50, name='studio')"
    assert repr(slots) == f"SharedConcurrency(url={url!r}, concurrency=8, name=None, lease=4.0)"
    limits = volcv.Limits(rate, concurrency=slots)
    assert pickle.loads(pickle.dumps(limits)) == copy.deepcopy(limits) == limits  # noqa: S301
    assert hash(copy.deepcopy(limits)) == hash(limits)
    assert rate.url.file == (url.partition(":///")[2] if url.startswith("sqlite") else None)


def test_limits_give_their_numbers_whether_shared_or_not() -> None:
    """Who only wants the number need not know whether it is shared."""
    shared = volcv.Limits(SharedRate(STORES[0], 50), concurrency=SharedConcurrency(STORES[0], 8))
    for limits in (shared, volcv.Limits(50, concurrency=8)):
        assert (limits.calls_a_second, limits.slots) == (50, 8)
    assert (volcv.Limits().calls_a_second, volcv.Limits().slots) == (None, None)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:geheim@cache.example:6380/1", "redis://cache.example:6380/1"),
        ("redis://me:ge%2Fheim@cache.example", "redis://cache.example"),
        ("rediss://me:geheim@cache.example", "rediss://cache.example"),
        ("rediss://cache.example?password=geheim&ssl_ca_certs=/ca", "rediss://cache.example"),
        ("unix://me:geheim@/run/redis.sock?db=3", "unix:///run/redis.sock"),
    ],
)
def test_the_password_of_a_store_is_shown_nowhere(url: str, shown: str) -> None:
    """User, password and options of a store's URL are in no repr; the URL itself is whole."""
    shared = SharedRate(url, 5)
    assert shared.url == url
    assert shared.url.shown == shown
    for one in (shared, volcv.Limits(shared), attrs.asdict(shared), attrs.astuple(shared)):
        assert "heim" not in repr(one)
        assert shown in repr(one)
    with pytest.raises(volcv.ConfigurationError, match="SharedRate") as caught:
        volcv.Limits(rate=url)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert "heim" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (7, "is no text"),
        ("", "no URL of a store"),
        ("limits.sqlite", "no URL of a store"),
        ("https://user:geheim@cache.example", "no URL of a store"),
        ("sqlite:limits.sqlite", "three slashes"),
        ("sqlite://limits.sqlite", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("sqlite:///:memory:", "others could open"),
        ("sqlite:///nul\0", "others could open"),
        ("redis://:geheim@/0", "names no host"),
        ("redis://:ge/heim@cache.example", "cannot be read; in a password"),
        ("redis://me:1/geheim@cache.example", "cannot be read; in a password"),
        ("redis://me:1?geheim@cache.example", "cannot be read; in a password"),
        ("redis://me:1#geheim@cache.example", "cannot be read; in a password"),
        ("redis://[geheim", "cannot be read; in a password"),
        ("redis://cache.example/geheim", "names no database"),
        ("redis://cache.example?db=geheim", "names no database"),
        ("redis://cache.example?geheim=1", "an option other than"),
        ("redis://cache.example?ssl_ca_certs=geheim", "an option other than"),
        ("unix://geheim.sock", "names no socket"),
        ("unix:///", "names no socket"),
    ],
)
def test_a_url_that_can_be_no_store_is_refused_unseen(url: str, says: str) -> None:
    """What is no URL of a store is refused with what it takes, and none of it is shown."""
    assert "geheim" not in repr(StoreUrl(url))
    for make in (lambda: SharedRate(url, 5), lambda: SharedConcurrency(url, 5)):
        with pytest.raises(volcv.ConfigurationError, match=says) as caught:
            make()
        assert "(url=...)" in str(caught.value)
        assert "It takes sqlite:///limits.sqlite or " in str(caught.value)
        assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (SharedRate, {"rate": 0}),
        (SharedRate, {"rate": True}),
        (SharedRate, {"rate": 5, "name": ""}),
        (SharedRate, {"rate": 5, "name": 7}),
        (SharedConcurrency, {"concurrency": 0}),
        (SharedConcurrency, {"concurrency": 2.5}),
        (SharedConcurrency, {"concurrency": 2, "lease": 0}),
        (SharedConcurrency, {"concurrency": 2, "name": ""}),
    ],
)
def test_a_shared_limit_that_makes_no_sense_is_refused(kind: type, given: dict[str, Any]) -> None:
    """A shared limit that cannot be is refused by the name of what is wrong."""
    wrong = next(reversed(given))
    with pytest.raises(volcv.ConfigurationError, match=rf"{kind.__name__}\({wrong}=.* takes"):
        kind(STORES[0], **given)


def test_what_is_said_of_codes_is_owned_and_named_as_in_the_tables() -> None:
    """A policy keeps its own copy of what is done about codes, whatever they are called."""
    again, never = volcv.Treatment(repeat=True), volcv.Treatment(repeat=False)
    said: dict[int | str, volcv.Treatment] = {
        50500: again,
        "50501": again,
        100018: never,
        "x": again,
    }
    policy = volcv.RetryPolicy(codes=said)
    said.clear()
    assert policy.codes == {50500: again, 50501: again, "FlowLimitExceeded": never, "x": again}
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301 - our own bytes
    assert hash(policy) == hash(copy.deepcopy(policy))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([50500], "no mapping"),
        ({50500: "repeat"}, "Treatment"),
        ({"": volcv.Treatment()}, "no code"),
        ({None: volcv.Treatment()}, "no code"),
        ({True: volcv.Treatment()}, "no code"),
        ({502: volcv.Treatment(repeat=True)}, "HTTP statuses"),
        ({"502": volcv.Treatment(repeat=True)}, "HTTP statuses"),
        ({10000: volcv.Treatment(repeat=True)}, "success"),
        ({50500: volcv.Treatment(), "50500": volcv.Treatment()}, "twice"),
        ({50412: volcv.Treatment(repeat=True)}, "refused again"),
        ({50511: volcv.Treatment(repeat=True)}, "another seed"),
        ({50412: volcv.Treatment(reroll=True)}, "Nothing was drawn"),
        ({50430: volcv.Treatment(reroll=True)}, "Nothing was drawn"),
        ({"do_request_failed": volcv.Treatment(reroll=True)}, "nobody knows"),
        ({"InvalidAccessKey": volcv.Treatment(repeat=True)}, "key is refused"),
        ({50501: volcv.Treatment(repeat=True, billed="yes")}, "pays each time"),
    ],
)
def test_what_makes_no_sense_of_a_code_is_refused(said: object, why: str) -> None:
    """What cannot help, or is no code, is refused with the reason."""
    given: dict[str, Any] = {"codes": said}
    with pytest.raises(volcv.ConfigurationError, match=why):
        volcv.RetryPolicy(**given)


def test_the_account_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two variables make an account."""
    monkeypatch.setenv("VOLCV_BASE_URL", URL)
    monkeypatch.setenv("VOLCV_API_KEY", KEY)
    assert from_environment() == volcv.Account(URL, volcv.Bearer(KEY))


@pytest.mark.parametrize("missing", ["VOLCV_BASE_URL", "VOLCV_API_KEY"])
def test_a_missing_variable_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable that is missing, and what works without a key."""
    monkeypatch.setenv("VOLCV_BASE_URL", URL)
    monkeypatch.setenv("VOLCV_API_KEY", KEY)
    monkeypatch.setenv(missing, "")
    with pytest.raises(volcv.ConfigurationError, match=missing) as caught:
        from_environment()
    assert "volcv demo" in str(caught.value)
    assert KEY not in str(caught.value)
