"""How long to wait, and when a request goes out again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import attrs

from volcv_async import codes
from volcv_async.codes import Treatment
from volcv_async.config.checks import count, maybe, positive, whole, wrong
from volcv_async.errors import (
    AuthenticationError,
    ConfigurationError,
    ContentRejectedError,
    ServerError,
)


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

    connect: float = attrs.field(default=10.0, validator=positive)
    attempt: float = attrs.field(default=120.0, validator=positive)
    deadline: float | None = attrs.field(default=900.0, validator=maybe(positive))


def _known_choice(instance: object, field: attrs.Attribute[Any], value: object) -> None:
    if value not in {"report", "retry"}:
        raise wrong(instance, field, value, '"report" or "retry"')


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

    attempts: int = attrs.field(default=3, validator=whole)
    in_doubt: Literal["report", "retry"] = attrs.field(default="report", validator=_known_choice)
    rerolls: int = attrs.field(default=0, validator=count)
    codes: Mapping[int | str, Treatment] = attrs.field(
        factory=dict[int | str, Treatment], kw_only=True, hash=False, converter=_treatments
    )
    budget: int | None = attrs.field(default=500, kw_only=True, validator=maybe(count))
    pause: float = attrs.field(default=0.5, kw_only=True, validator=positive)
    longest_pause: float = attrs.field(default=60.0, kw_only=True, validator=positive)
