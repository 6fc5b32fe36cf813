"""What the provider's codes mean, as data: error class, repeat or not, billed or not, what to do.

Three layers answer (see ``codec/failures.py`` for how they are told apart): the CV service with
numbers of five digits, the signature layer before it with names, and the gateway with texts. Where
the three say nothing, the HTTP status decides. The service table follows the official pages of the
family's models; where those disagree (50500, 50501) the cautious reading stands.

Who knows better says so with a ``Treatment``: it is applied to the error, after it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import attrs

from volcv_async.errors import (
    AccessDeniedError,
    AuthenticationError,
    Billed,
    ConcurrencyLimitedError,
    ConfigurationError,
    ContentRejectedError,
    Ending,
    InDoubtError,
    InvalidRequestError,
    LimitedError,
    QuotaError,
    RateLimitedError,
    ServerError,
    SlowDown,
    UnknownOutcomeError,
    VolcvError,
)

Fault = Literal["request", "account", "pace", "provider"]
"""Whose fault a failure is: which of them has to change before it can pass."""


def _fault(code: Code) -> Fault:
    """Tell whose fault a code is, by its class."""
    if issubclass(code.error, LimitedError):
        return "pace"
    if issubclass(code.error, AuthenticationError | AccessDeniedError | QuotaError):
        return "account"
    by_chance = code.reroll or issubclass(code.error, ServerError | InDoubtError)
    return "provider" if by_chance else "request"


def _billed(code: Code) -> Billed:
    return "no" if code.stage == "input" else code.error.billed


def _derived(derive: Callable[[Code], Any]) -> Any:  # noqa: ANN401 - what attrs.field gives
    """Declare what follows from the class and the fields before, where it is not stated."""
    return attrs.field(default=attrs.Factory(derive, takes_self=True))


@attrs.frozen
class Code:
    """What one code means.

    Attributes:
        error: The class it is raised as.
        meaning: What happened, as half a sentence.
        repeat: Whether the same request may go out again on our own.
        reroll: Whether the request may pass with a fresh seed; ``RetryPolicy(rerolls=...)``.
        stage: For refused content: ``"input"`` or ``"output"``; otherwise None.
        media: For refused content: of what kind it was.
        reason: For refused content: by whom or why.
        help: What to do about it.
        slow_down: What there was too much of: ``"rate"`` or ``"concurrency"``; None where the code
            says nothing of pace.
        fault: Whose fault it is: the ``"request"``'s, the ``"account"``'s, the ``"pace"``'s or the
            ``"provider"``'s; by the class, and the provider's where a fresh seed may pass.
        billed: Whether it is charged for: ``"no"``, ``"unknown"`` or ``"yes"``; by the class, and
            refused input is not.
    """

    error: type[VolcvError]
    meaning: str
    repeat: bool = False
    reroll: bool = False
    stage: Literal["input", "output"] | None = None
    media: Literal["text", "image", "video", "audio"] = "text"
    reason: Literal["moderation", "blocklist", "copyright"] = "moderation"
    help: str = ""
    slow_down: SlowDown | None = _derived(lambda code: code.error.slow_down)
    fault: Fault = _derived(_fault)
    billed: Billed = _derived(_billed)

    @property
    def ending(self) -> Ending:
        """How an attempt that met this code ended."""
        if self.stage == "input" or (self.repeat and issubclass(self.error, ServerError)):
            return "rejected"
        return self.error.ending


def _one_of(choices: Sequence[object]) -> Callable[[Any, Any, Any], None]:
    def check(_instance: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            known = ", ".join(map(repr, choices))
            raise ConfigurationError(
                f"Treatment({field.name}={value!r}) makes no sense.", help=f"It takes {known}."
            )

    return check


@attrs.frozen(kw_only=True)
class Treatment:
    """What is done about a code, where it differs from the table; None is: as the table says.

    Attributes:
        repeat: Whether the same request may go out again on our own. True counts the attempt as
            rejected, as if nothing was made; what is in doubt stays so, and may be paid twice.
        reroll: Whether the request may pass with a fresh seed; ``RetryPolicy(rerolls=...)`` says
            how often that is tried.
        slow_down: What there was too much of, ``"rate"`` or ``"concurrency"``; ``"no"``: the code
            says nothing of pace. A repeatable refusal for pace uses up no attempt.
        billed: Whether it is charged for: ``"no"``, ``"unknown"`` or ``"yes"``.

    Raises:
        ConfigurationError: A value makes no sense.
    """

    repeat: bool | None = attrs.field(default=None, validator=_one_of([True, False, None]))
    reroll: bool | None = attrs.field(default=None, validator=_one_of([True, False, None]))
    slow_down: SlowDown | Literal["no"] | None = attrs.field(
        default=None, validator=_one_of(["rate", "concurrency", "no", None])
    )
    billed: Billed | None = attrs.field(
        default=None, validator=_one_of(["no", "unknown", "yes", None])
    )


_REPHRASE = "Change the prompt; the same one will be refused again. It was not billed."
_ANOTHER = (
    "Another seed may pass: RetryPolicy(rerolls=...) tries. Whether refused pictures are billed is "
    "not known."
)
_KEY = "Check the key: VOLCV_API_KEY, or what was given to Bearer(...)."
_CLOCK = "Check this machine's clock: a signature is accepted for 15 minutes."
_SLOWER = "Lower Limits(rate=...), or leave it to be learned."
_FEWER = "Lower Limits(concurrency=...), or leave it to be learned."
_IN_DOUBT = "The image may have been made and billed, so it is not sent again unasked."
_FIELDS = "Check the fields of the request against `volcv models`."
_BALANCE = "Top up the account or raise the key's budget at the gateway."
_SUPPORT = "If it lasts, take the request id to the provider."

ACCESS_DENIED_HELP = (
    "Known causes: (1) this capability is not activated for the account: activate it in the "
    "console; models are activated one by one. (2) The key belongs to a sub-user without a policy "
    "for CV: attach CVFullAccess. (3) The account is in arrears, or its free quota or resource "
    "package is used up. (4) `req_key` is wrong or not one this account may call."
)
"""The four known causes of 50400 (community); the reply never says which one it is."""


def _prompt(meaning: str, reason: Literal["moderation", "blocklist"]) -> Code:
    return Code(ContentRejectedError, meaning, stage="input", reason=reason, help=_REPHRASE)


def _input(
    media: Literal["image", "video", "audio"],
    reason: Literal["moderation", "copyright"] = "moderation",
) -> Code:
    return Code(
        ContentRejectedError,
        f"the {media} given was refused",
        stage="input",
        media=media,
        reason=reason,
        help=f"Give another {media}. It was not billed.",
    )


def _output(
    media: Literal["image", "video", "audio"],
    reason: Literal["moderation", "copyright"] = "moderation",
) -> Code:
    return Code(
        ContentRejectedError,
        f"the {media} was made and then refused",
        reroll=True,
        stage="output",
        media=media,
        reason=reason,
        help=_ANOTHER,
    )


_CHECKER_DOWN = "The provider says not to repeat it at once; try again later."

SERVICE_CODES: Mapping[int, Code] = {
    50200: Code(InvalidRequestError, "the service refused the request", help=_FIELDS),
    50204: Code(
        AccessDeniedError,
        "the service does not know this req_key, or it is not activated",
        help=ACCESS_DENIED_HELP,
    ),
    50215: Code(InvalidRequestError, "a parameter is missing or wrong", help=_FIELDS),
    50218: _input("image"),
    50400: Code(AccessDeniedError, "access was refused", help=ACCESS_DENIED_HELP),
    50411: _input("image"),
    50412: _prompt("the prompt was refused", "moderation"),
    50413: _prompt("the prompt holds sensitive or copyrighted words", "blocklist"),
    50429: Code(RateLimitedError, "too many calls a second", repeat=True, help=_SLOWER),
    50430: Code(ConcurrencyLimitedError, "too many calls in flight", repeat=True, help=_FEWER),
    50500: Code(ServerError, "the service failed", help=_SUPPORT),
    50501: Code(ServerError, "the algorithm failed", help=_SUPPORT),
    50511: _output("image"),
    50512: Code(
        ContentRejectedError,
        "the text that was made was refused",
        stage="output",
        help="The official table says that repeating does not help; change the prompt.",
    ),
    50513: _input("video"),
    50514: _input("audio"),
    50516: _output("video"),
    50517: _output("audio"),
    50518: _input("image", "copyright"),
    50519: _output("image", "copyright"),
    50520: Code(ServerError, "the moderation service is down", help=_CHECKER_DOWN),
    50521: Code(ServerError, "the copyrighted-words service is down", help=_CHECKER_DOWN),
    50522: Code(ServerError, "the copyrighted-images service is down", help=_CHECKER_DOWN),
    201304: Code(ServerError, "the algorithm drew a broken face", reroll=True, help=_ANOTHER),
}
"""Codes of the CV service (official, except 50200, 50204 and 50218, which are community)."""


def service(code: int) -> Code:
    """Look a service code up; an unknown one is judged by its hundreds (inferred)."""
    known = SERVICE_CODES.get(code)
    if known is not None:
        return known
    if code // 100 in {502, 504}:
        return Code(InvalidRequestError, "the service refused the request", help=_FIELDS)
    return Code(ServerError, "the service failed with a code that is not documented", help=_SUPPORT)


_AUTH_HELP = "Check the access key, the secret key, the region and the service."

SIGNATURE: Mapping[str, Code] = {
    "UndefinedError": Code(ServerError, "the front failed", help=_SUPPORT),
    "MissingParameter": Code(InvalidRequestError, "a parameter is missing", help=_FIELDS),
    "MissingAuthenticationToken": Code(AuthenticationError, "no signature", help=_AUTH_HELP),
    "MissingRequestInfo": Code(AuthenticationError, "the signature is incomplete", help=_AUTH_HELP),
    "MissingSignature": Code(AuthenticationError, "no signature", help=_AUTH_HELP),
    "InvalidTimestamp": Code(AuthenticationError, "the signature is too old", help=_CLOCK),
    "ServiceNotFound": Code(InvalidRequestError, "no such service", help=_AUTH_HELP),
    "InvalidActionOrVersion": Code(
        InvalidRequestError, "no such Action or Version", help="Check the URL of the account."
    ),
    "InvalidAccessKey": Code(AuthenticationError, "the access key is refused", help=_AUTH_HELP),
    "InvalidClientTokenId": Code(AuthenticationError, "the access key is refused", help=_AUTH_HELP),
    "SignatureDoesNotMatch": Code(AuthenticationError, "the signature is wrong", help=_AUTH_HELP),
    "LackPolicy": Code(AccessDeniedError, "a policy is missing", help=ACCESS_DENIED_HELP),
    "LackProjectPolicy": Code(AccessDeniedError, "a policy is missing", help=ACCESS_DENIED_HELP),
    "AccessDenied": Code(AccessDeniedError, "access was refused", help=ACCESS_DENIED_HELP),
    "InternalError": Code(UnknownOutcomeError, "the front failed", help=_IN_DOUBT),
    "InternalServiceError": Code(UnknownOutcomeError, "the front failed", help=_IN_DOUBT),
    "FailToConnect": Code(UnknownOutcomeError, "the front lost the service", help=_IN_DOUBT),
    "InternalServiceTimeout": Code(UnknownOutcomeError, "the service timed out", help=_IN_DOUBT),
    "FlowLimitExceeded": Code(
        RateLimitedError, "too many calls a second", repeat=True, help=_SLOWER
    ),
    "RequestLimitExceeded": Code(
        RateLimitedError, "too many calls a second", repeat=True, help=_SLOWER
    ),
    "ServiceUnavailableTemp": Code(ServerError, "the service is not available now", repeat=True),
    "MethodNotAllowed": Code(
        InvalidRequestError, "the method is not allowed", help="Check the URL of the account."
    ),
    "InvalidSecretToken": Code(
        AuthenticationError, "the session token is refused", help=_AUTH_HELP
    ),
}
"""Codes of the signature layer of the official endpoint, by name (official)."""

SIGNATURE_NUMBERS: Mapping[int, str] = {
    100001: "UndefinedError",
    100002: "MissingParameter",
    100003: "MissingAuthenticationToken",
    100004: "MissingRequestInfo",
    100005: "MissingSignature",
    100006: "InvalidTimestamp",
    100007: "ServiceNotFound",
    100008: "InvalidActionOrVersion",
    100009: "InvalidAccessKey",
    100010: "SignatureDoesNotMatch",
    100012: "LackPolicy",
    100013: "AccessDenied",
    100014: "InternalError",
    100016: "InternalServiceTimeout",
    100018: "FlowLimitExceeded",
    100019: "ServiceUnavailableTemp",
    100020: "MethodNotAllowed",
    100026: "InvalidSecretToken",
}
"""The same, by ``CodeN``, which a reply may leave out (official)."""

_LOST = Code(UnknownOutcomeError, "the gateway lost the provider", help=_IN_DOUBT)
_WORDS = _prompt("the gateway's own word list refused the prompt", "blocklist")
_SPENT = Code(QuotaError, "the balance or the key's budget is used up", help=_BALANCE)
_NO_CHANNEL = Code(
    ServerError,
    "nothing behind the gateway serves this now",
    repeat=True,
    help="If it lasts, ask the gateway which of its models serve this path.",
)

GATEWAY: Mapping[str, Code] = {
    "insufficient_user_quota": _SPENT,
    "pre_consume_token_quota_failed": _SPENT,
    "access_denied": Code(
        AccessDeniedError,
        "the gateway refused this key, address or model",
        help="Ask the gateway what this key may call.",
    ),
    "bad_request_body": Code(
        InvalidRequestError, "the gateway could not read the body", help=_FIELDS
    ),
    "sensitive_words_detected": _WORDS,
    "prompt_blocked": _WORDS,
    "token_concurrency_limit_reached": Code(
        ConcurrencyLimitedError, "too many calls in flight for this key", repeat=True, help=_FEWER
    ),
    "token_concurrency_unavailable": Code(
        ServerError, "the gateway's limiter is down", repeat=True
    ),
    "model_not_found": _NO_CHANNEL,
    "do_request_failed": _LOST,
    "read_response_body_failed": _LOST,
    "bad_response_body": _LOST,
}
"""Text codes of a gateway (community, from QuantumNous/new-api's source)."""


def gateway(code: str, status: int) -> Code:
    """Look a gateway's text code up; one without meaning leaves it to the HTTP status.

    A ``bad_response_status_code`` is the provider's refusal with its code lost on the way: it may
    have been refused after it was made, so whether it was billed is not known (inferred).
    """
    if code in GATEWAY:
        return GATEWAY[code]
    if code.startswith("entitlement_"):
        return Code(QuotaError, "a limit of the gateway's plan is reached", help=_BALANCE)
    if status == 503 and not code:  # noqa: PLR2004 - an HTTP status says more than a name
        return _NO_CHANNEL
    by_status = http(status)
    if code == "bad_response_status_code" and by_status.error is InvalidRequestError:
        return attrs.evolve(by_status, billed="unknown")
    return by_status


_WRONG_URL = "Check the URL of the account; it should be the whole endpoint, path included."

_HTTP: Mapping[int, Code] = {
    401: Code(AuthenticationError, "the key is refused", help=_KEY),
    402: Code(QuotaError, "payment is required", help=_BALANCE),
    403: Code(AccessDeniedError, "access was refused", help=ACCESS_DENIED_HELP),
    404: Code(InvalidRequestError, "nothing answers at this path", help=_WRONG_URL),
    405: Code(InvalidRequestError, "this path takes no POST", help=_WRONG_URL),
    408: Code(UnknownOutcomeError, "the call timed out at the other end", help=_IN_DOUBT),
    429: Code(RateLimitedError, "too many calls", repeat=True, help=_SLOWER),
    503: Code(ServerError, "the server is not available", help=_SUPPORT),
}

REFUSED_BY_STATUS = frozenset({401, 402, 403, 404, 405, 429})
"""Statuses that are a refusal even if the body that follows them breaks (inferred)."""


def http(status: int) -> Code:
    """Judge by the HTTP status alone, where the body says nothing (inferred)."""
    known = _HTTP.get(status)
    if known is not None:
        return known
    match status // 100:
        case 3:
            return Code(InvalidRequestError, "the URL redirects elsewhere", help=_WRONG_URL)
        case 4:
            return Code(InvalidRequestError, "the request was refused", help=_FIELDS)
        case _:
            return Code(UnknownOutcomeError, "no word of what became of the call", help=_IN_DOUBT)


SUCCESS = 10_000
"""What says that it went well, whatever the HTTP status (official)."""

LEAST_CODE = 10_000
"""No code of the service or the signature layer is smaller; HTTP statuses are (official)."""


def canonical(code: int | str) -> int | str:
    """Name a code as the tables do: numbers as numbers, the signature layer's by name."""
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:  # noqa: PLR2004 - more is no code
        code = int(code)
    if isinstance(code, int):
        return SIGNATURE_NUMBERS.get(code, code)
    name = code.partition(".")[0]
    return name if name in SIGNATURE else code


def known(code: int | str) -> Code | None:
    """Look up what the tables say of a code, of whatever layer; None for a text in none of them."""
    named = canonical(code)
    if isinstance(named, int):
        return service(named)
    return SIGNATURE.get(named) or GATEWAY.get(named)


def treat(error: VolcvError, treatments: Mapping[int | str, Treatment]) -> None:
    """Have an error follow what was said of its code, where something was."""
    treatment = None if error.code is None else treatments.get(canonical(error.code))
    if treatment is None:
        return
    if treatment.repeat is not None:
        _allow(error, repeat=treatment.repeat)
    if treatment.reroll is not None:
        error.rerollable = treatment.reroll
    if treatment.slow_down is not None:
        error.slow_down = None if treatment.slow_down == "no" else treatment.slow_down
    error.billed = treatment.billed or error.billed


def _allow(error: VolcvError, *, repeat: bool) -> None:
    """Let a request go out again, or not; how a failure of the provider's ended follows from it."""
    error.repeatable = repeat
    if isinstance(error, ServerError):
        error.ending = "rejected" if repeat else "answered"
