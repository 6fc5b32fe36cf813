"""The journal in a thread of its own: many who write at once share one flush of the disk.

All operations that wait at a moment are one transaction. The first error of the disk breaks the
journal: that transaction is taken back whole, and this and every later operation raises the error,
so that what lies on the disk is what was said to lie there.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

import attrs

from volcv_async.job.patience import see_through
from volcv_async.job.records import Records

T = TypeVar("T")

_MOST = 512
"""Operations in one transaction, so that none waits long for those that came after it."""


Told = Callable[[BaseException | None], None]
"""Called in the loop, once, with what an operation raised, or None."""


@attrs.define(eq=False)
class _Task:
    """An operation that waits for its turn.

    Attributes:
        op: What to do.
        told: Who is told when it is over; None where nobody waits, or was told already.
        early: Whether it may be told before it is durable.
        error: What it raised, if anything.
    """

    op: Callable[[Records], object]
    told: Told | None = None
    early: bool = False
    error: BaseException | None = None


class Journal:
    """Carries out operations on records that are entered; an async context manager, entered once.

    Operations run one after the other: those that the loop asks for in that order, and those of any
    other thread in that thread's. One of a thread may overtake those of the loop that were asked
    for in the loop's same turn. One may be carried out a second time, after all that it changed was
    taken back, because another failed that was to share its flush. Leaving the block waits until
    all are carried out, whatever is cancelled around it.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._gathered: list[_Task | None] = []  # in the loop, until its next turn
        self._queue: SimpleQueue[list[_Task | None]] = SimpleQueue()
        self._waiting: deque[_Task | None] = deque()  # in the thread
        self._thread = threading.Thread(target=self._work, name="volcv journal", daemon=True)
        self._broken: OSError | None = None
        self._unheard: list[BaseException] = []
        self._open = False
        self._loop: asyncio.AbstractEventLoop
        self._home: int  # the thread of the loop
        self._context: Context  # the one that whoever is told runs in
        self._ended: asyncio.Future[None]

    async def __aenter__(self) -> Self:
        self._loop, self._context = asyncio.get_running_loop(), copy_context()
        self._home = threading.get_ident()
        self._ended = self._loop.create_future()
        self._thread.start()
        self._open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for the last operation.

        Raises:
            OSError: The disk broke the journal, and nobody who waited for an operation heard of it.
        """
        self._open = False
        self._gather(None)
        cancelled = await see_through(self._ended)
        self._thread.join()
        self._tell_unheard(cancelled or error)
        if cancelled is not None:
            raise cancelled

    def _tell_unheard(self, error: BaseException | None) -> None:
        for unheard in self._unheard:
            if error is None or isinstance(error, asyncio.CancelledError):
                raise unheard
            error.add_note(f"While the journal was being left, {unheard!r} was raised in it, too.")

    async def do(self, op: Callable[[Records], T]) -> T:
        """Carry out an operation; what it changed is on the disk when this returns.

        Cancelled while it waits, it is carried out all the same.

        Raises:
            OSError: The journal cannot be written, from now on.
            RuntimeError: The journal is not entered.
        """
        return await self._wait(op, early=False)

    async def look(self, op: Callable[[Records], T]) -> T:
        """Carry out an operation; what it changed may not be on the disk yet when this returns.

        It will be before anything that is asked for later is.

        Raises:
            OSError: The journal cannot be written, from now on.
            RuntimeError: The journal is not entered.
        """
        return await self._wait(op, early=True)

    def post(self, op: Callable[[Records], object], told: Told | None = None) -> None:
        """Have an operation carried out that nobody waits for; any thread may.

        Args:
            op: The operation.
            told: Called when what it changed is on the disk, or with what it raised. Without, that
                is raised when the block is left.

        Raises:
            RuntimeError: The journal is not entered.
        """
        self._refuse_unless_entered()
        task = _Task(op, told and partial(self._tell_heard, told))
        if threading.get_ident() == self._home:
            self._gather(task)
        else:
            self._queue.put([task])

    def _tell_heard(self, told: Told, error: BaseException | None) -> None:
        told(error and self._heard(error))

    async def _wait(self, op: Callable[[Records], T], *, early: bool) -> T:
        given: list[T] = []
        self._refuse_unless_entered()
        over: asyncio.Future[BaseException | None] = self._loop.create_future()
        self._gather(_Task(lambda records: given.append(op(records)), partial(_set, over), early))
        error = await over
        if error is not None:
            raise self._heard(error)
        return given[-1]

    def _gather(self, task: _Task | None) -> None:
        """Give an operation to the thread, together with all others of this turn of the loop."""
        if not self._gathered:
            self._loop.call_soon(self._hand_over)
        self._gathered.append(task)

    def _hand_over(self) -> None:
        self._queue.put(self._gathered)
        self._gathered = []

    def _refuse_unless_entered(self) -> None:
        if not self._open:
            raise RuntimeError("The journal is not entered, or was left.")

    def _heard(self, error: BaseException) -> BaseException:
        if error in self._unheard:
            self._unheard.remove(error)
        return error

    # In the thread

    def _work(self) -> None:
        last = False
        while not last:
            batch = self._next()
            last = batch[-1] is None
            self._carry_out([task for task in batch if task is not None])
        self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def _next(self) -> list[_Task | None]:
        """Wait for operations; take all there are, up to what one transaction may hold."""
        waiting = self._waiting
        if not waiting:
            waiting.extend(self._queue.get())
        with suppress(Empty):
            while len(waiting) < _MOST:
                waiting.extend(self._queue.get_nowait())
        return [waiting.popleft() for _ in range(min(_MOST, len(waiting)))]

    def _carry_out(self, batch: list[_Task]) -> None:
        if self._broken is None:
            try:
                self._transact(batch)
            except OSError as error:
                self._break(error)
        if self._broken is not None:
            for task in batch:
                task.error = task.error or self._broken
        self._tell(batch)

    def _transact(self, batch: list[_Task]) -> None:
        if len(batch) == 1 or not self._attempt_together(batch):
            for task in batch:
                self._attempt(task)
        self._tell([task for task in batch if task.early])
        if not all(task.early for task in batch):
            self._records.commit()

    def _attempt_together(self, batch: list[_Task]) -> bool:
        """Carry out all, or, where one is in error, none; tell which."""
        try:
            self._records.apart(lambda records: [task.op(records) for task in batch])
        except OSError:
            raise
        except BaseException:  # noqa: BLE001 - whose it is shows when each is tried apart
            return False
        return True

    def _attempt(self, task: _Task) -> None:
        try:
            self._records.apart(task.op)
        except OSError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised where the operation was asked for
            task.error = error
            self._unheard.append(error)

    def _break(self, error: OSError) -> None:
        self._broken = error
        self._unheard.append(error)
        with suppress(OSError):  # what is not taken back now is when the file is closed
            self._records.rollback()

    def _tell(self, tasks: list[_Task]) -> None:
        waiting = [(task.told, task.error) for task in tasks if task.told is not None]
        for task in tasks:
            task.told = None
        if waiting:
            self._loop.call_soon_threadsafe(_tell_all, waiting, context=self._context)


def _tell_all(waiting: list[tuple[Told, BaseException | None]]) -> None:
    for told, error in waiting:
        told(error)


def _set(over: asyncio.Future[BaseException | None], error: BaseException | None) -> None:
    if not over.done():
        over.set_result(error)
