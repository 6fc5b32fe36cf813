"""The ``volcv`` command: it parses, calls the library, and prints; it has no logic of its own.

``app`` has the commands by name: ``demo``, ``generate``, ``run``, ``status``, ``gallery``,
``export``, ``serve`` and ``models`` are one each, imported when it is called. ``options`` reads
what is typed, ``fitness`` what a list comes to, ``ahead`` says what a run would do; ``job`` takes a
job from its first call to the last word of it. ``session`` turns a command's end into an exit code;
``clients`` opens its client, ``interrupts`` runs it so that a signal ends it in order.
``messages``, ``notices``, ``progress`` and ``view`` print, ``previews`` draws the view's pictures;
``endings``, ``objects`` and ``logfile`` tell of each request, and ``voice`` chooses among all of
these what a run was asked for.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

_NEEDED = {"cyclopts", "rich"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code.

    0: all done. 1: some failed or are in doubt. 2: usage or input. 3: it cannot go on. 4: the
    budget is used up. 130: it was interrupted. 141: whoever read its standard output has gone.

    Args:
        arguments: The words after ``volcv``; those of the process by default.
    """
    try:
        from volcv_async.cli.app import start  # noqa: PLC0415 - cyclopts and rich are an extra
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.stderr.write("The volcv command needs its extra: pip install 'volcv-async[cli]'\n")
        return 2
    return start(sys.argv[1:] if arguments is None else arguments)


def process() -> int:
    """Run the command as the process that it is, and give its exit code.

    A Ctrl-C that comes when all is done, and the process is about to end, changes nothing.
    """
    code = main()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return code
