"""Everything that can go wrong, as one tree.

    VolcvError
    ├── ConfigurationError        the client cannot work as it is set up; nothing was sent
    ├── NotSentError              no byte of the request left this machine
    ├── RejectedError             refused before anything was made; not billed
    │   ├── AuthenticationError       the key or signature is refused
    │   ├── AccessDeniedError         the key is good, the capability is not open to it
    │   ├── QuotaError                balance, free quota or plan used up
    │   ├── InvalidRequestError       the request is wrong (a ValueError too)
    │   └── LimitedError              too much at once; wait and send again
    │       ├── RateLimitedError          too many calls a second
    │       └── ConcurrencyLimitedError   too many calls in flight
    ├── ContentRejectedError      the prompt (input) or the picture (output) was refused
    ├── ServerError               the provider failed and said so
    ├── ImageError                made and paid for, and not in hand
    │   ├── DownloadError             the image stands at a URL that could not be fetched
    │   └── BrokenImageError          what came is no whole picture
    └── InDoubtError              it may have been made and billed; never repeated unasked
        ├── UnknownOutcomeError       no reply, or none that says what happened
        └── DecodeError               a reply that cannot be read

    VolcvWarning                  worth knowing; the call goes on

Each error knows how its attempt *ended*, which is what decides whether the paid call may be sent
again on our own: only what was not sent, or was rejected and either stands in a table as repeatable
or was refused for a key where another account is left. ``retry`` decides it; ``codes`` holds the
table, and ``RetryPolicy(codes=...)`` changes what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

Ending = Literal["not sent", "rejected", "in doubt", "answered"]
"""How one attempt at a paid call ended."""

Billed = Literal["no", "unknown", "yes"]
"""Whether the provider charges for it, as far as anybody can tell."""

SlowDown = Literal["rate", "concurrency"]
"""What a refusal for pace speaks of: calls a second, or calls in flight."""


class VolcvError(Exception):
    """Base of all errors of this library.

    Its text says what happened, then what to do about it.

    Attributes:
        message: What happened, in one sentence.
        help: What to do about it; empty where there is nothing to add.
        code: The provider's code: a number of the service or signature layer, the text code of a
            gateway, or None where there was none.
        http_status: The status of the reply, or None where no reply came.
        request_id: The provider's id of the call, to be quoted to its support; None if unknown.
        provider_message: The provider's own words, or None.
        ending: How the attempt ended: ``"not sent"``, ``"rejected"``, ``"in doubt"`` or
            ``"answered"``.
        billed: ``"no"``, ``"unknown"`` or ``"yes"``.
        repeatable: Whether a table says that the same request may go out again on our own.
        rerollable: Whether a table says that it may pass with a fresh seed.
        slow_down: What there was too much of, ``"rate"`` or ``"concurrency"``; None where the
            failure says nothing of pace.
        retry_after: Seconds that the provider asked to wait, or None.
        index: The place of the request in its source, where it came from one.
        request: The request that met this, where there was one.
        outcomes: What else had finished, where the error ends a call for several requests.
    """

    ending: Ending = "answered"
    billed: Billed = "unknown"
    repeatable: bool = False
    rerollable: bool = False
    slow_down: SlowDown | None = None

    def __init__(
        self,
        message: str,
        *,
        help: str = "",  # noqa: A002 - it is what the reader looks for
        code: int | str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        provider_message: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.help = help
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.provider_message = provider_message
        self.retry_after = retry_after
        self.index: int | None = None
        self.request: object | None = None
        self.outcomes: Sequence[object] = ()

    def __str__(self) -> str:
        facts = [
            f"request {self.index}" if self.index is not None else "",
            f"code {self.code}" if self.code not in {None, ""} else "",
            f"HTTP {self.http_status}" if self.http_status is not None else "",
            f"request id {self.request_id}" if self.request_id else "",
        ]
        said = ", ".join(filter(None, facts))
        return " ".join(filter(None, [self.message, f"({said})" if said else "", self.help]))

    def redact(self, clean: Callable[[str], str]) -> None:
        """Clean what others put into words here, should they have repeated a key."""
        self.message = clean(self.message)
        self.args = (self.message,)
        self.provider_message = self.provider_message and clean(self.provider_message)
        self.request_id = self.request_id and clean(self.request_id)
        self.code = clean(self.code) if isinstance(self.code, str) else self.code


class ConfigurationError(VolcvError):
    """The client cannot work as it is set up. Nothing was sent, or what answers is no such API."""

    ending: Ending = "not sent"
    billed: Billed = "no"


class NotSentError(VolcvError):
    """No byte of the request left this machine, so it may safely be sent again."""

    ending: Ending = "not sent"
    billed: Billed = "no"
    repeatable: bool = True


class RejectedError(VolcvError):
    """The provider refused before anything was made."""

    ending: Ending = "rejected"
    billed: Billed = "no"


class AuthenticationError(RejectedError):
    """The key or the signature is refused."""


class AccessDeniedError(RejectedError):
    """The key is good, but this capability is not open to it."""


class QuotaError(RejectedError):
    """The balance, the free quota or the plan is used up."""


class InvalidRequestError(RejectedError, ValueError):
    """The request is wrong: refused here, before it was sent, or by the provider."""


class LimitedError(RejectedError):
    """Too much at once. The same request may go out again after a pause."""

    repeatable: bool = True


class RateLimitedError(LimitedError):
    """Too many calls a second."""

    slow_down: SlowDown | None = "rate"


class ConcurrencyLimitedError(LimitedError):
    """Too many calls in flight."""

    slow_down: SlowDown | None = "concurrency"


class ContentRejectedError(VolcvError):
    """Content was refused: the prompt before anything was made, or the picture afterwards.

    Attributes:
        stage: ``"input"`` (rejected, not billed) or ``"output"`` (made, perhaps billed).
        media: ``"text"``, ``"image"``, ``"video"`` or ``"audio"``.
        reason: ``"moderation"``, ``"blocklist"`` or ``"copyright"``.
    """

    stage: Literal["input", "output"] = "input"
    media: Literal["text", "image", "video", "audio"] = "text"
    reason: Literal["moderation", "blocklist", "copyright"] = "moderation"


class ServerError(VolcvError):
    """The provider failed and said so.

    Attributes:
        algorithm_code: The algorithm's own status, from ``data.algorithm_base_resp``, or None.
    """

    algorithm_code: int | None = None


class ImageError(VolcvError):
    """The image was made and paid for, and is not in hand.

    Attributes:
        generation: What else the reply held, as a ``Generation``; None where nothing did.
    """

    billed: Billed = "yes"
    generation: object | None = None


class DownloadError(ImageError):
    """The image stands at a URL and could not be fetched from there, or not yet.

    Attributes:
        url: Where it stands.
        expires: When the URL dies (UTC), or None if unknown.
    """

    url: str = ""
    expires: datetime | None = None


class BrokenImageError(ImageError):
    """What came in the place of a picture is not one, or is not whole.

    Attributes:
        data: The bytes as they came.
    """

    data: bytes = b""


class InDoubtError(VolcvError):
    """The call may have been answered, and billed, without our knowing."""

    ending: Ending = "in doubt"


class UnknownOutcomeError(InDoubtError):
    """The request went out, and no reply came that says what became of it."""


class DecodeError(InDoubtError):
    """A reply came that cannot be read.

    Attributes:
        excerpt: The beginning of the body, at most 200 characters, without the key.
    """

    excerpt: str = ""


class VolcvWarning(UserWarning):
    """Something that is worth knowing and stops nothing."""
