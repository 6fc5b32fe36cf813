"""The options that commands share, and what is typed for a field of a request."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from volcv_async.config import Limits, SharedConcurrency, SharedRate, StoreUrl
from volcv_async.errors import ConfigurationError, InvalidRequestError
from volcv_async.job.lists import Format
from volcv_async.models import Request
from volcv_async.models.texts import from_text

LIST = Group("The list", sort_key=10)
CALLS = Group("The calls", sort_key=11)
GOING_ON = Group("Going on", sort_key=12)
_SAYS = Group("While it runs", sort_key=30)

Model = Annotated[
    str, Parameter(name="--model", group=CALLS, help="The model; see `volcv models`.")
]
Fields = Annotated[
    tuple[str, ...],
    Parameter(
        name="-p",
        group=CALLS,
        help="A field of every request, as field=value; may be given again.",
        negative=(),
        show_default=False,
    ),
]
ListFormat = Annotated[
    Format | None,
    Parameter(
        name="--format", group=LIST, help="How the lists are written, whatever their names say."
    ),
]
InMatrix = Annotated[
    str | None,
    Parameter(
        name="--matrix",
        group=LIST,
        help="A prompt with {NAME} in it; in the place of lists: NAME=VALUE,VALUE for each.",
    ),
]
Sample = Annotated[
    int | None,
    Parameter(
        name="--sample", group=LIST, help="Draw so many rows; the same list gives the same ones."
    ),
]
Limit = Annotated[
    int | None, Parameter(name="--limit", group=LIST, help="Take the first rows only.")
]
Repeat = Annotated[
    int, Parameter(name="--repeat", group=LIST, help="Make so many images of each row.")
]
Where = Annotated[
    tuple[str, ...],
    Parameter(
        name="--where",
        group=LIST,
        help="Take rows whose column=value; may be given again.",
        negative=(),
        show_default=False,
    ),
]
Strict = Annotated[
    bool,
    Parameter(
        name="--strict",
        group=LIST,
        help="Refuse a list with a bad row, instead of sending the others.",
        negative=(),
        show_default=False,
    ),
]
Rate = Annotated[
    float | None,
    Parameter(
        name="--rate", group=CALLS, help="Calls a second that the account allows; default: learned."
    ),
]
Concurrency = Annotated[
    int | None,
    Parameter(
        name="--concurrency",
        group=CALLS,
        help="Calls in flight that the account allows; default: learned.",
    ),
]
Shared = Annotated[
    str | None,
    Parameter(
        name="--shared",
        group=CALLS,
        help="A store that makes these the limits of all who name it.",
    ),
]
Local = Annotated[
    bool,
    Parameter(
        name="--local",
        group=CALLS,
        help="Send to a local gateway, started for it: no key, and no model draws.",
        negative=(),
        show_default=False,
    ),
]

AsJson = Annotated[
    bool | None,
    Parameter(
        name="--json",
        group=_SAYS,
        help="One JSON object an image on standard output, as it is made; default: into a pipe.",
        negative="--no-json",
    ),
]
Quiet = Annotated[
    bool,
    Parameter(
        name=["--quiet", "-q"],
        group=_SAYS,
        help="Say only errors.",
        negative=(),
        show_default=False,
    ),
]
Verbose = Annotated[
    bool,
    Parameter(
        name="-v", group=_SAYS, help="A line for each request.", negative=(), show_default=False
    ),
]
LogFile = Annotated[
    Path | None,
    Parameter(name="--log-file", group=_SAYS, help="Append every event, with its time, to a file."),
]


def stated_limits(
    rate: float | None, concurrency: int | None, shared: str | None, *, local: bool = False
) -> Limits:
    """Give the limits that were typed, shared with other processes where a store was named.

    Raises:
        ConfigurationError: A number or the store makes no sense, or there is nothing to share, or
            nobody to share with; or the store's URL holds a password, which does not belong on a
            command line.
    """
    _check_limits(rate, concurrency)
    if shared is None:
        return Limits(rate=rate, concurrency=concurrency)
    if local:
        raise ConfigurationError(
            "--shared and --local: each --local is a gateway, and so an account, of its own.",
            help="To try sharing, let all send to one gateway: see `volcv serve`.",
        )
    if rate is None and concurrency is None:
        raise ConfigurationError(
            f"--shared {StoreUrl(shared)!r}: nothing is stated that could be shared.",
            help="Give --rate, --concurrency or both: what the account allows all together.",
        )
    limits = Limits(
        rate=None if rate is None else SharedRate(shared, rate),
        concurrency=None if concurrency is None else SharedConcurrency(shared, concurrency),
    )
    if StoreUrl(shared).guarded:
        raise ConfigurationError(
            f"--shared {StoreUrl(shared)!r}: a password does not belong on a command line.",
            help="Name a store without one, such as unix:///run/redis.sock, or use the library.",
        )
    return limits


def _check_limits(rate: float | None, concurrency: int | None) -> None:
    for name, value in {"--rate": rate, "--concurrency": concurrency}.items():
        if value is not None and not 0 < value < math.inf:
            raise ConfigurationError(
                f"{name} {value:g} makes no sense.",
                help="Give a number above 0, or leave it out: then it is learned.",
            )


def check_seconds(drain: float, give_up: float) -> None:
    """Refuse seconds that make no sense.

    Raises:
        ConfigurationError: One is too little, or no number.
    """
    for name, seconds, fits in (
        ("--drain", drain, drain >= 0),
        ("--give-up", give_up, give_up > 0),
    ):
        if not fits:
            raise ConfigurationError(
                f"{name} {seconds:g} makes no sense.", help="Give seconds; inf is without an end."
            )


def parse_fields(model: type[Request], pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``field=value`` pairs, each value as its field's kind says.

    A field that the model does not have keeps its text, for the model to refuse it.

    Raises:
        InvalidRequestError: A pair has no ``=``, or a value is not of its field's kind.
    """
    values: dict[str, Any] = {}
    for name, text in _pairs("-p", "field=value", pairs):
        try:
            values[name] = from_text(model, name, text)
        except InvalidRequestError as wrong:
            raise InvalidRequestError(f"-p {wrong.message}", help=wrong.help) from None
    return values


def parse_conditions(pairs: Iterable[str]) -> dict[str, str]:
    """Read ``column=value`` pairs.

    Raises:
        InvalidRequestError: A pair has no ``=``.
    """
    return dict(_pairs("--where", "column=value", pairs))


def parse_axes(words: Iterable[str]) -> dict[str, list[str]]:
    """Read ``name=value,value`` axes; the values are one line of CSV, spaces around commas aside.

    Raises:
        InvalidRequestError: A word is none, or an axis is there twice.
    """
    axes: dict[str, list[str]] = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign:
            raise InvalidRequestError(
                f"{word}: no '=' in it, so it is no axis; --matrix and lists do not go together.",
                help="An axis is name=value,value.",
            )
        if name in axes:
            raise InvalidRequestError(
                f"The axis {name!r} is there twice.", help="Give all its values at once."
            )
        axes[name] = _values(name, text)
    return axes


def _values(name: str, text: str) -> list[str]:
    try:
        lines = list(csv.reader([text], strict=True, skipinitialspace=True))
    except csv.Error as wrong:
        raise InvalidRequestError(
            f"The values of the axis {name!r} are no CSV: {wrong}.",
            help='Quote a value that holds a comma, and double a mark in it: "a ""b"", c".',
        ) from None
    return [value for line in lines for value in line]


def _pairs(option: str, form: str, typed: Iterable[str]) -> Iterator[tuple[str, str]]:
    for pair in typed:
        name, sign, text = pair.partition("=")
        if not sign:
            raise InvalidRequestError(
                f"{option} {pair}: no '=' in it.", help=f"Write {option} {form}."
            )
        yield name, text
