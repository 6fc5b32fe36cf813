"""How a client is set up: accounts and their keys, limits, timeouts, when to try again.

Everything here is a frozen value that can be made anywhere, outside a running loop too.

* ``accounts``: where they are; the one reader of the environment. ``credentials``: their keys.
* ``limits``: what they allow, for one process or for many together.
* ``policy``: how long to wait, and when a request goes out again.
* ``checks``, ``urls``: what the numbers and URLs of all these may be.
"""

from volcv_async.config.accounts import Account, from_environment
from volcv_async.config.credentials import Bearer, Secret
from volcv_async.config.limits import Limits, SharedConcurrency, SharedRate
from volcv_async.config.policy import RetryPolicy, Timeouts
from volcv_async.config.urls import StoreUrl

__all__ = [
    "Account",
    "Bearer",
    "Limits",
    "RetryPolicy",
    "Secret",
    "SharedConcurrency",
    "SharedRate",
    "StoreUrl",
    "Timeouts",
    "from_environment",
]
