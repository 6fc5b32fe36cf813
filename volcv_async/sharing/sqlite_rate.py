"""Departures in an SQLite file, in a bucket of pyrate-limiter.

The bucket by itself keeps neither other processes nor the clock from moving between its count and
its entry; so it is given a lock that is a transaction, and the time is taken inside it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from typing import cast

from pyrate_limiter import Decision, RateItem, SQLiteBucket, SQLiteQueries
from pyrate_limiter import Rate as BucketRate

from volcv_async.sharing.rate import Window
from volcv_async.sharing.sqlite_store import SqliteFile, Transaction


class SqliteRate:
    """Departures of one quota in a file, for the processes of one machine."""

    def __init__(
        self,
        path: str,
        name: str,
        window: Window,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = SqliteFile(path, self._prepare)
        self._table = f"rate_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        self._window = window
        self._clock = clock
        self._cleaned = 0

    async def put(self) -> float:
        """Count one that leaves now: 0.0 if it may, else the seconds after which to ask again."""
        return await self._file.run(self._put)

    async def close(self) -> None:
        """Let go of the file."""
        await self._file.close()

    def _put(self, bucket: SQLiteBucket) -> float:
        self._clean(bucket)
        with bucket.lock:
            decision = cast("Decision", bucket.put_decision(RateItem("", self._now())))
        return 0.0 if decision.allowed else self._window.wait(decision.retry_after_ms)

    def _clean(self, bucket: SQLiteBucket) -> None:
        """Drop entries that are two windows old, once a window."""
        now = self._now()
        if now - self._cleaned >= self._window.milliseconds:
            self._cleaned = now
            bucket.leak(now - self._window.milliseconds)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _prepare(self, connection: sqlite3.Connection) -> SQLiteBucket:
        """Make table and bucket, and forget what was entered before the machine started."""
        table = self._table
        lock = Transaction(connection)
        with lock:
            connection.execute(SQLiteQueries.CREATE_BUCKET_TABLE.format(table=table))
            index = SQLiteQueries.CREATE_INDEX_ON_TIMESTAMP
            connection.execute(index.format(index_name=f"by_time_{table}", table_name=table))
            query = f"DELETE FROM {table} WHERE item_timestamp > ?"  # noqa: S608 - a hash
            connection.execute(query, (self._now(),))
        rates = [BucketRate(one.calls, one.milliseconds) for one in self._window.all]
        return SQLiteBucket(rates, connection, table, lock)
