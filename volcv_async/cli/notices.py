"""What a client's events are worth saying while a command runs."""

from __future__ import annotations

from volcv_async.cli.messages import note
from volcv_async.errors import VolcvError
from volcv_async.events import (
    AccountPaused,
    AttemptEnded,
    Event,
    OnEvent,
    OutageBegan,
    OutageEnded,
    OutageProbed,
    SharedLimitBack,
)
from volcv_async.job import duration

_LONG = 10.0  # seconds from which on a pause is worth a line


class Notices:
    """Says what stands in the way of all calls, and when it is gone; a client's ``on_event``.

    Args:
        also: Who hears of every event, too.
    """

    def __init__(self, also: OnEvent | None = None) -> None:
        self._also = also
        self._last: dict[str, str] = {}  # for each account, what its latest error said

    def __call__(self, event: Event) -> None:
        """Say what there is to say of an event."""
        if self._also is not None:
            self._also(event)
        match event:
            case AttemptEnded(attempt=attempt, error=VolcvError() as error):
                self._last[attempt.account] = error.message
            case OutageBegan(account=name, in_a_row=times):
                last = self._last.get(name, "")
                note(f"No readable answer from {name} {times} times in a row. The last: {last}")
                note("Nothing more is sent there until a probe, which costs nothing, is answered.")
            case OutageProbed(account=name, answered=True, next_call=0):
                note(f"A probe is answered by {name}; one request goes there.")
            case OutageProbed(account=name, lasting=lasting, next_probe=seconds):
                note(
                    f"No answer from {name} for {lasting:.0f} s; the next probe in {seconds:.0f} s."
                )
            case OutageEnded(account=name):
                note(f"There are answers from {name} again; calls go there as before.")
            case AccountPaused(account=name, seconds=seconds) if seconds >= _LONG:
                note(f"{name} asks for a pause; nothing goes there for {duration(seconds)}.")
            case SharedLimitBack(account=name):
                note(f"The shared limit of {name} can be reached again.")
            case _:
                pass
