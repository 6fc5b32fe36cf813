"""An asyncio client for Volcengine's CV text-to-image API.

Prompt lists in, images out: inside the account's limits, without paying twice, and without losing
what was paid for. ``Client`` is the front door.

A name is imported from its room when it is first asked for, so that importing the package is quick
and a program pays for what it uses alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from volcv_async import gateway
    from volcv_async.bottleneck import Cause
    from volcv_async.client import Client
    from volcv_async.codes import SERVICE_CODES, Code, Treatment
    from volcv_async.config import (
        Account,
        Bearer,
        Limits,
        RetryPolicy,
        SharedConcurrency,
        SharedRate,
        Timeouts,
    )
    from volcv_async.errors import (
        AccessDeniedError,
        AuthenticationError,
        BrokenImageError,
        ConcurrencyLimitedError,
        ConfigurationError,
        ContentRejectedError,
        DecodeError,
        DownloadError,
        ImageError,
        InDoubtError,
        InvalidRequestError,
        LimitedError,
        NotSentError,
        QuotaError,
        RateLimitedError,
        RejectedError,
        ServerError,
        UnknownOutcomeError,
        VolcvError,
        VolcvWarning,
    )
    from volcv_async.events import (
        AccountPaused,
        AccountSetAside,
        Attempt,
        AttemptEnded,
        AttemptStarted,
        Bookkeeper,
        Event,
        Learned,
        LimitLearned,
        OutageBegan,
        OutageEnded,
        OutageProbed,
        Recorder,
        SharedLimitBack,
        SharedLimitLost,
        Statistics,
    )
    from volcv_async.job import BadRow, JobReport, Listed, Matrix, read_list, read_prompts, run
    from volcv_async.models import (
        AigcMeta,
        GeneralV14,
        GeneralV20Pro,
        GeneralV21,
        LogoInfo,
        RawRequest,
        Request,
    )
    from volcv_async.results import Completed, Failed, Generation, Image, InDoubt, Outcome
    from volcv_async.stream import OutcomeStream, StreamStatistics

__version__ = "0.1.0"

__all__ = [
    "SERVICE_CODES",
    "AccessDeniedError",
    "Account",
    "AccountPaused",
    "AccountSetAside",
    "AigcMeta",
    "Attempt",
    "AttemptEnded",
    "AttemptStarted",
    "AuthenticationError",
    "BadRow",
    "Bearer",
    "Bookkeeper",
    "BrokenImageError",
    "Cause",
    "Client",
    "Code",
    "Completed",
    "ConcurrencyLimitedError",
    "ConfigurationError",
    "ContentRejectedError",
    "DecodeError",
    "DownloadError",
    "Event",
    "Failed",
    "GeneralV14",
    "GeneralV20Pro",
    "GeneralV21",
    "Generation",
    "Image",
    "ImageError",
    "InDoubt",
    "InDoubtError",
    "InvalidRequestError",
    "JobReport",
    "Learned",
    "LimitLearned",
    "LimitedError",
    "Limits",
    "Listed",
    "LogoInfo",
    "Matrix",
    "NotSentError",
    "OutageBegan",
    "OutageEnded",
    "OutageProbed",
    "Outcome",
    "OutcomeStream",
    "QuotaError",
    "RateLimitedError",
    "RawRequest",
    "Recorder",
    "RejectedError",
    "Request",
    "RetryPolicy",
    "ServerError",
    "SharedConcurrency",
    "SharedLimitBack",
    "SharedLimitLost",
    "SharedRate",
    "Statistics",
    "StreamStatistics",
    "Timeouts",
    "Treatment",
    "UnknownOutcomeError",
    "VolcvError",
    "VolcvWarning",
    "gateway",
    "read_list",
    "read_prompts",
    "run",
]

# Which room each name is in: for Python what the imports above are for type checkers.
_ROOMS = {
    "bottleneck": ("Cause",),
    "client": ("Client",),
    "codes": ("SERVICE_CODES", "Code", "Treatment"),
    "config": (
        "Account",
        "Bearer",
        "Limits",
        "RetryPolicy",
        "SharedConcurrency",
        "SharedRate",
        "Timeouts",
    ),
    "errors": (
        "AccessDeniedError",
        "AuthenticationError",
        "BrokenImageError",
        "ConcurrencyLimitedError",
        "ConfigurationError",
        "ContentRejectedError",
        "DecodeError",
        "DownloadError",
        "ImageError",
        "InDoubtError",
        "InvalidRequestError",
        "LimitedError",
        "NotSentError",
        "QuotaError",
        "RateLimitedError",
        "RejectedError",
        "ServerError",
        "UnknownOutcomeError",
        "VolcvError",
        "VolcvWarning",
    ),
    "events": (
        "AccountPaused",
        "AccountSetAside",
        "Attempt",
        "AttemptEnded",
        "AttemptStarted",
        "Bookkeeper",
        "Event",
        "Learned",
        "LimitLearned",
        "OutageBegan",
        "OutageEnded",
        "OutageProbed",
        "Recorder",
        "SharedLimitBack",
        "SharedLimitLost",
        "Statistics",
    ),
    "job": ("BadRow", "JobReport", "Listed", "Matrix", "read_list", "read_prompts", "run"),
    "models": (
        "AigcMeta",
        "GeneralV14",
        "GeneralV20Pro",
        "GeneralV21",
        "LogoInfo",
        "RawRequest",
        "Request",
    ),
    "results": ("Completed", "Failed", "Generation", "Image", "InDoubt", "Outcome"),
    "stream": ("OutcomeStream", "StreamStatistics"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

if not TYPE_CHECKING:  # pragma: no branch - for type checkers a misspelt name is no name

    def __getattr__(name: str) -> object:
        """Import a name when it is first asked for, and keep it."""
        if name == "gateway":
            return import_module("volcv_async.gateway")
        if name not in _ROOM_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        thing = getattr(import_module(f"volcv_async.{_ROOM_OF[name]}"), name)
        globals()[name] = thing
        return thing

    def __dir__() -> list[str]:
        """List all that can be asked for."""
        return sorted({*globals(), *__all__})
