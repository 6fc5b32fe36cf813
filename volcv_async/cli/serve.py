"""``volcv serve``: the local gateway, for trying other clients.

The gateway is imported when it is to serve, by ``volcv.gateway``; the command's help needs none.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from shlex import quote
from typing import Annotated

from cyclopts import Parameter

import volcv_async as volcv
from volcv_async.cli.interrupts import run_interruptibly
from volcv_async.cli.messages import note, result
from volcv_async.cli.session import Exit, reading_input
from volcv_async.errors import ConfigurationError


def serve(
    *,
    port: Annotated[int, Parameter(help="The port; 0 takes a free one.")] = 8765,
    host: Annotated[str, Parameter(help="The address to listen on.")] = "127.0.0.1",
    time_scale: Annotated[
        float, Parameter(help="How slow it is; 1 is as slow as the provider.")
    ] = 1.0,
    rate: Annotated[
        float | None, Parameter(help="Calls a second that it accepts; default: any.")
    ] = None,
    concurrency: Annotated[
        int | None, Parameter(help="Calls that it works on at once; default: any.")
    ] = None,
    key: Annotated[
        str, Parameter(help="The key it asks for: made up, and no real one.")
    ] = "local-key",
    fault: Annotated[
        tuple[str, ...],
        Parameter(
            help="What goes wrong, as name:rate, such as html_502:0.1; may be given again.",
            negative=(),
            show_default=False,
        ),
    ] = (),
    faults: Annotated[
        bool,
        Parameter(help="List the faults by name, and end.", negative=(), show_default=False),
    ] = False,
    seed: Annotated[int, Parameter(help="What faults, latencies and open seeds follow from.")] = 0,
) -> int:
    """Serve the local gateway, for trying other clients."""
    if faults:
        _list_faults()
        return Exit.DONE
    from volcv_async.gateway.faults import parse_rates  # noqa: PLC0415 - with the gateway

    with reading_input():
        gateway = volcv.gateway.LocalGateway(
            port=port,
            host=host,
            time_scale=time_scale,
            rate=rate,
            concurrency=concurrency,
            key=key,
            seed=seed,
            faults=parse_rates(fault),
        )

        def tell(started: volcv.gateway.LocalGateway) -> None:
            result(f"export VOLCV_BASE_URL={quote(started.url)}")
            result(f"export VOLCV_API_KEY={quote(key)}")
            note("Serving until Ctrl-C. GET /ledger says what was paid.")

        with _listening(host, port), suppress(KeyboardInterrupt):
            run_interruptibly(volcv.gateway.serve(gateway, tell), "Stopped.")
    return Exit.DONE


@contextmanager
def _listening(host: str, port: int) -> Generator[None]:
    """Say of an address that cannot be had what to do about it."""
    try:
        yield
    except (OSError, OverflowError) as wrong:
        raise ConfigurationError(
            f"{host}, port {port}, cannot be listened on: {_in_words(wrong)}.",
            help="Give another --port, where 0 takes a free one, or another --host.",
        ) from wrong


def _in_words(wrong: OSError | OverflowError) -> str:
    """Say what went wrong as the system does, without what asyncio writes around it."""
    number = wrong.errno if isinstance(wrong, OSError) else None
    if number is not None and number in errno.errorcode:
        return os.strerror(number)
    return str(getattr(wrong, "strerror", None) or wrong).rpartition(": ")[2].rstrip(".")


def _list_faults() -> None:
    """A line for each fault: its name, whether it was paid, and what it does."""
    longest = max(map(len, volcv.gateway.FAULTS))
    for fault in volcv.gateway.FAULTS.values():
        paid = "paid" if fault.paid else "unpaid"
        result(f"{fault.name:{longest}}  {paid:6}  {fault.does}")
