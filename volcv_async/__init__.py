"""An asyncio client for Volcengine's CV text-to-image API.

Prompt lists in, images out: inside the account's limits, without paying twice, and without losing
what was paid for. ``Client`` is the front door.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

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
from volcv_async.job import JobReport, read_prompts, run
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

if TYPE_CHECKING:
    from volcv_async import gateway

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
    "LogoInfo",
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
    "read_prompts",
    "run",
]

if not TYPE_CHECKING:  # pragma: no branch - for type checkers a misspelt name is no module

    def __getattr__(name: str) -> ModuleType:
        """Import the gateway when it is first asked for: those who have a key never need it."""
        if name == "gateway":
            return import_module("volcv_async.gateway")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
