"""The provider's codes as data, and what users may say of them."""

from __future__ import annotations

import attrs
import pytest

import volcv_async as volcv
from volcv_async import codes
from volcv_async.codec.failures import failure
from volcv_async.reply import Reply

REFUSED = (50511, 50516, 50517, 50519, 201304)


def met(code: int | str) -> volcv.VolcvError:
    """The error of an attempt that met a code."""
    known = codes.known(code)
    assert known is not None
    return failure(known, Reply(400, {}, b"", 0.0), shown=code)


@pytest.mark.parametrize(
    ("code", "fault", "billed", "slow_down"),
    [
        (50412, "request", "no", None),
        (50411, "request", "no", None),
        (50512, "request", "unknown", None),
        (50215, "request", "no", None),
        (50400, "account", "no", None),
        (50429, "pace", "no", "rate"),
        (50430, "pace", "no", "concurrency"),
        (50511, "provider", "unknown", None),
        (50500, "provider", "unknown", None),
        (201304, "provider", "unknown", None),
        ("SignatureDoesNotMatch", "account", "no", None),
        ("FlowLimitExceeded", "pace", "no", "rate"),
        ("insufficient_user_quota", "account", "no", None),
        ("do_request_failed", "provider", "unknown", None),
    ],
)
def test_a_code_says_whose_fault_it_is_what_it_costs_and_of_what_it_was_too_much(
    code: int | str, fault: str, billed: str, slow_down: str | None
) -> None:
    """Each code can be read: fault, billing and pace follow from its class."""
    known = codes.known(code)
    assert known is not None
    assert (known.fault, known.billed, known.slow_down) == (fault, billed, slow_down)
    error = met(code)
    assert (error.billed, error.slow_down) == (billed, slow_down)


def test_only_what_another_picture_may_pass_is_rerolled() -> None:
    """Refused pictures, films and sounds may be drawn anew, and the broken face."""
    assert {code for code, known in volcv.SERVICE_CODES.items() if known.reroll} == set(REFUSED)
    assert all(met(code).rerollable for code in REFUSED)


def test_the_codes_that_the_pages_disagree_on_are_not_repeated() -> None:
    """50500 and 50501 are read cautiously: not repeated, perhaps billed."""
    for code in (50500, 50501):
        error = met(code)
        assert (error.repeatable, error.ending, error.billed) == (False, "answered", "unknown")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("50412", 50412),
        (100018, "FlowLimitExceeded"),
        ("100018", "FlowLimitExceeded"),
        ("AccessDenied.Sub", "AccessDenied"),
        ("a.gateways.own", "a.gateways.own"),
        ("１２３４５", "１２３４５"),
        (55555, 55555),
    ],
)
def test_a_code_has_one_name(said: int | str, code: int | str) -> None:
    """However a code comes, as a number, a text of digits or a dotted name, it is the same."""
    assert codes.canonical(said) == code


def test_what_no_table_holds_is_judged_by_its_number_or_not_at_all() -> None:
    """An unknown number has a meaning by its hundreds, an unknown text has none."""
    unknown = codes.known(59999)
    assert unknown is not None
    assert unknown.error is volcv.ServerError
    assert codes.known("a.gateways.own") is None


def test_a_treatment_that_says_nothing_changes_nothing() -> None:
    """Whatever a treatment leaves open stays as the table says."""
    for code in (50429, 50500, 50511, 50412):
        error = met(code)
        before = dict(vars(error))
        codes.treat(error, {code: volcv.Treatment(), 50215: volcv.Treatment(repeat=True)})
        assert vars(error) == before


def test_an_error_without_a_code_is_left_alone() -> None:
    """What has no code cannot be treated by one."""
    error = volcv.UnknownOutcomeError("x")
    codes.treat(error, {50500: volcv.Treatment(repeat=True)})
    assert not error.repeatable


def test_a_failure_that_may_be_repeated_was_rejected() -> None:
    """Said to be repeatable, a failure of the provider's counts as refused before it began."""
    error = met(50500)
    codes.treat(error, {50500: volcv.Treatment(repeat=True, billed="no")})
    assert (error.repeatable, error.ending, error.billed) == (True, "rejected", "no")


def test_a_failure_that_may_not_be_repeated_was_answered() -> None:
    """Said not to be repeatable, it ends as the last word of the provider."""
    error = met("model_not_found")
    assert (error.repeatable, error.ending) == (True, "rejected")
    codes.treat(error, {"model_not_found": volcv.Treatment(repeat=False)})
    assert (error.repeatable, error.ending) == (False, "answered")


def test_what_is_in_doubt_stays_in_doubt_though_it_is_repeated() -> None:
    """A code that may hide a paid image is repeated where the user says so, and counted."""
    error = met("do_request_failed")
    codes.treat(error, {"do_request_failed": volcv.Treatment(repeat=True)})
    assert (error.repeatable, error.ending) == (True, "in doubt")


def test_a_refusal_can_be_said_to_be_no_matter_of_pace() -> None:
    """``"no"`` takes the pace out of a code, and another word puts it in."""
    limited, failed = met(50429), met(50501)
    codes.treat(limited, {50429: volcv.Treatment(slow_down="no", repeat=False)})
    assert (limited.slow_down, limited.repeatable, limited.ending) == (None, False, "rejected")
    codes.treat(failed, {50501: volcv.Treatment(slow_down="concurrency", reroll=True)})
    assert (failed.slow_down, failed.rerollable) == ("concurrency", True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("repeat", "yes"), ("reroll", 2), ("slow_down", "both"), ("billed", "maybe")],
)
def test_a_treatment_takes_only_words_that_it_knows(field: str, value: object) -> None:
    """A word that means nothing is refused, with those that do."""
    with pytest.raises(volcv.ConfigurationError, match=rf"Treatment\({field}=.*It takes"):
        volcv.Treatment(**{field: value})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - wrong on purpose


def test_the_table_can_be_read_but_not_changed() -> None:
    """A code is a frozen value; what is done about it is said in the policy."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        volcv.SERVICE_CODES[50500].repeat = True  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] - wrong on purpose
