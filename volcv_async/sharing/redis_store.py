"""Departures and leases in a Redis server, for the processes of many machines.

Each store keeps one connection, and is asked one thing at a time. Times are those of the server, so
that machines whose clocks differ agree. redis-py connects again by itself, and silently; here that
is an error, since a server that was started anew may have lost what it held. What is marked as in
need of Redis is tested where a server is installed, as by .ci/run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

from pyrate_limiter import Decision, RateItem, RedisBucket
from pyrate_limiter import Rate as BucketRate
from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import RedisError

from volcv_async.config import StoreUrl
from volcv_async.sharing.rate import Window

_TIMEOUT = 2.0  # seconds for a connection, and for each answer
_CLOCK_AGE = 5.0  # seconds after which the server's clock is looked at again
_LOOKS = 3  # at the clock; the quickest counts
_LATE = 0.25  # seconds, beside four usual ones, after which an answer is worth nothing any more

_REPEATED = "with args beginning with"  # from here on a server repeats what it was told

Result = TypeVar("Result")


class RedisServer:
    """A server behind one connection, and what is wrong with it in our words.

    Args:
        url: The server.
        prepare: Called before anything is asked on a new connection.
    """

    def __init__(self, url: StoreUrl, prepare: Callable[[Redis], Awaitable[None]]) -> None:
        self._url = url
        self._prepare = prepare
        self._prepared = False
        self._client: Redis | None = None

    async def ask(self, question: Callable[[Redis], Awaitable[Result]]) -> Result:
        """Ask the server.

        Raises:
            OSError: It cannot be reached, does not do what it is asked, or was lost meanwhile.
        """
        self._client = self._client or self._connect()
        try:
            return await self._answer(self._client, question)
        except (RedisError, OSError) as error:
            self._prepared = False
            words = self._words(error)
        except BaseException:
            self._prepared = False  # redis-py drops a connection whose answer nobody awaits
            raise
        # Raised out here, so that redis' own error, which may repeat a password, is no context.
        raise ConnectionError(words)

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        self._prepared = False
        if client is not None:
            await client.aclose()

    async def _answer(
        self, client: Redis, question: Callable[[Redis], Awaitable[Result]]
    ) -> Result:  # pragma: no cover - needs Redis
        if not self._prepared:
            await self._prepare(client)
        answer = await question(client)
        self._prepared = True
        return answer

    def _connect(self) -> Redis:
        return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - its options are untyped
            str(self._url),
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._connected,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
        )

    async def _connected(self, connection: Connection) -> None:  # pragma: no cover - needs Redis
        if self._prepared:
            raise LostError("The connection was lost.")
        await connection.on_connect()

    def _words(self, error: Exception) -> str:
        """Say what is wrong, without the password that a server may have repeated."""
        reason = str(error).partition(_REPEATED)[0].rstrip(" ,.")
        for secret in _secrets(self._url):
            reason = reason.replace(secret, "***")
        return f"The shared limits at {self._url.shown} are out of reach: {reason}"


def _secrets(url: StoreUrl) -> set[str]:
    parts = urlsplit(url)
    given = [parts.password or "", *parse_qs(parts.query).get("password", [])]
    return {form for secret in given for form in (secret, unquote(secret)) if form}


class RedisRate:
    """Departures of one quota, in a bucket of pyrate-limiter."""

    def __init__(self, url: StoreUrl, name: str, window: Window) -> None:
        self._server = RedisServer(url, self._prepare)
        self._key = f"volcv:rate:{name}"
        self._window = window
        self._clock = ServerClock()
        self._cleaned = 0

    async def put(self) -> float:
        """Count one that leaves now: 0.0 if it may, else the seconds after which to ask again."""
        return await self._server.ask(self._put)

    async def close(self) -> None:
        """Close the connection."""
        await self._server.close()

    async def _prepare(self, client: Redis) -> None:  # pragma: no cover - needs Redis
        rates = [BucketRate(one.calls, one.milliseconds) for one in self._window.all]
        made = RedisBucket.init(rates, client, self._key)
        self._bucket = await cast("Awaitable[RedisBucket]", made)
        await self._clock.look(client)
        self._cleaned = 0

    async def _put(self, client: Redis) -> float:  # pragma: no cover - needs Redis
        """Count one; where the server hung meanwhile, it was counted too early, and is not used."""
        now = await self._clock.now(client)
        began = time.monotonic()
        asked = self._bucket.put_decision(RateItem("", now))
        decision = await cast("Awaitable[Decision]", asked)
        await self._clean(client, now)
        if decision.allowed and time.monotonic() - began < self._clock.patience:
            return 0.0
        return self._window.wait(decision.retry_after_ms)

    async def _clean(self, client: Redis, now: int) -> None:  # pragma: no cover - needs Redis
        """Once a window, drop what is two windows old, and let a key that nobody uses vanish.

        What lies in the future was entered before the server's clock was set back.
        """
        length = self._window.milliseconds
        if now - self._cleaned < length:
            return
        self._cleaned = now
        async with client.pipeline(transaction=False) as steps:
            steps.zremrangebyscore(self._key, 0, now - 2 * length)
            steps.zremrangebyscore(self._key, now + length, "+inf")
            steps.pexpire(self._key, 4 * length)
            await steps.execute()


class ServerClock:
    """The server's clock, by its distance to the monotonic one of this machine."""

    def __init__(self) -> None:
        self._distance = 0.0
        self._looked = -math.inf
        self.patience = _LATE  # seconds for which an answer is waited for until it is late

    async def now(self, client: Redis) -> int:  # pragma: no cover - needs Redis
        """Tell the time of the server, in milliseconds."""
        if time.monotonic() - self._looked > _CLOCK_AGE:
            await self.look(client)
        return int((time.monotonic() + self._distance) * 1000)

    async def look(self, client: Redis) -> None:  # pragma: no cover - needs Redis
        """Measure the distance, a few times; the quickest answer is the truest."""
        looks = [await self._one(client) for _ in range(_LOOKS)]
        usual, self._distance = min(looks)
        self.patience = _LATE + 4 * usual
        self._looked = time.monotonic()

    async def _one(self, client: Redis) -> tuple[float, float]:  # pragma: no cover - needs Redis
        asked = time.monotonic()
        seconds, microseconds = await client.time()  # pyright: ignore[reportUnknownMemberType]
        answered = time.monotonic()
        return answered - asked, seconds + microseconds / 1e6 - (asked + answered) / 2


# The key outlives the longest lease in it, also where others take longer ones.
_SETTLE = """
local leases, lease, slots, want = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local kept_from = 5 + tonumber(ARGV[4])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
for i = 5, kept_from - 1 do
    redis.call('ZREM', leases, ARGV[i])
end
for i = kept_from, #ARGV do
    redis.call('ZADD', leases, now + lease, ARGV[i])
end
local had = 0
if want ~= '' and redis.call('ZCARD', leases) < slots then
    had = redis.call('ZADD', leases, now + lease, want)
end
if redis.call('PTTL', leases) < lease then
    redis.call('PEXPIRE', leases, lease)
end
return had
"""


class RedisSlots:
    """Leases of one quota, in a sorted set: each token with the time when its lease is over."""

    def __init__(self, url: StoreUrl, name: str, slots: int, lease: float) -> None:
        self._server = RedisServer(url, self._prepare)
        self._key = f"volcv:slots:{name}"
        self._terms = math.ceil(lease * 1000), slots
        self._script = ""

    async def settle(self, *, keep: Collection[str], drop: Collection[str], want: str) -> bool:
        """Do all at once: lease to the tokens to keep, forget those to drop, count what is left."""
        terms: tuple[int | str, ...] = (*self._terms, want, len(drop), *drop, *keep)

        async def settled(client: Redis) -> bool:  # pragma: no cover - needs Redis
            had = client.evalsha(self._script, 1, self._key, *terms)
            return bool(await cast("Awaitable[int]", had))

        return await self._server.ask(settled)

    async def close(self) -> None:
        """Close the connection."""
        await self._server.close()

    async def _prepare(self, client: Redis) -> None:
        self._script = await client.script_load(_SETTLE)
