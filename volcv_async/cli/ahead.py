"""Before a run starts: what it may cost, and what ``--dry-run`` says of it."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlencode

import attrs
from cyclopts import Group, Parameter

from volcv_async.cli.clients import LOCAL_TIME_SCALE, local_limits
from volcv_async.cli.messages import result
from volcv_async.codec.requests import body
from volcv_async.config import Account, Limits
from volcv_async.config.accounts import QUERY
from volcv_async.errors import ConfigurationError
from volcv_async.events import Learned
from volcv_async.job.budget import affordable, cost
from volcv_async.job.forecast import DOCUMENTED, Pace, pace, time_line
from volcv_async.job.survey import Outlook
from volcv_async.models import Request

_AHEAD = Group("Before it starts", sort_key=20)

DryRun = Annotated[
    bool,
    Parameter(
        name="--dry-run",
        group=_AHEAD,
        help="Say what would be sent, how long it takes and what it costs; send nothing.",
        negative=(),
        show_default=False,
    ),
]
AmountOf = Annotated[
    float | None,
    Parameter(
        name="--budget", group=_AHEAD, help="Images to pay for at most; with --price, money."
    ),
]
Price = Annotated[
    float | None, Parameter(name="--price", group=_AHEAD, help="What an image costs.")
]


@attrs.frozen
class Means:
    """What a run may spend.

    Attributes:
        budget: The images that it may pay for; None: without a limit.
        price: What one costs; None where nobody said.
    """

    budget: int | None = None
    price: Decimal | None = None

    def of(self, images: int) -> int:
        """Give how many of so many images may be paid for."""
        return images if self.budget is None else min(images, self.budget)

    def cost_line(self, images: int) -> str:
        """Say what so many images cost; empty where no price is known."""
        if self.price is None:
            return ""
        return f"{cost(images, self.price)} for {_images(images)} at {self.price:f}"


def means(budget: float | None, price: float | None) -> Means:
    """Read what was typed of budget and price.

    Raises:
        ConfigurationError: A number makes no sense.
    """
    for name, value in {"--budget": budget, "--price": price}.items():
        if value is not None and not 0 < value < math.inf:
            raise ConfigurationError(
                f"{name} {value:g} makes no sense.", help="Give a number above 0."
            )
    each = None if price is None else Decimal(str(price))
    return Means(None if budget is None else _affordable(Decimal(str(budget)), each), each)


def _affordable(budget: Decimal, price: Decimal | None) -> int:
    images = affordable(budget, price or Decimal(1))
    if price is None and images != budget:
        raise ConfigurationError(
            f"--budget {budget:f} is no whole number of images.",
            help="For a budget of money, say with --price what an image costs.",
        )
    if not images:
        raise ConfigurationError(f"--budget {budget:f} buys no image at --price {price:f}.")
    return images


def foretell(ahead: Outlook, limits: Limits, account: Account | None, can_pay: Means) -> None:
    """Print what a run would do; without an account, through a local gateway."""
    result(f"{_prompts(ahead.survey.total)}: {ahead.survey.line()}.")
    if ahead.first is None:
        result("Nothing would be sent.")
        return
    sends = can_pay.of(ahead.survey.to_do)
    if sends < ahead.survey.to_do:
        result(f"The budget ends it after {_images(sends)}.")
    result(f"First of {sends:,}: {_request(ahead.first, account)}")
    result(f"Time: {time_line(sends, _pace(ahead, limits, account))}, {_source(ahead)}.")
    if costs := can_pay.cost_line(sends):
        result(f"Cost: {costs}.")
    result("Nothing was sent, and nothing was written.")


def _request(first: Request, account: Account | None) -> str:
    fields = json.dumps(body(first), ensure_ascii=False, indent=2)
    if account is None:
        return f"POST to a local gateway, which a run starts\n{fields}"
    url = f"{account.url}?{urlencode(QUERY)}"
    return f"POST {url}\nAuthorization: Bearer ***\n{fields}"


def _pace(ahead: Outlook, limits: Limits, account: Account | None) -> Pace:
    known = None if ahead.latency is None else (ahead.latency, ahead.latency)
    if account is None:
        least, most = DOCUMENTED
        quick = (least.times(LOCAL_TIME_SCALE), most.times(LOCAL_TIME_SCALE))
        return pace(local_limits(limits), latency=known or quick)
    lessons = filter(lambda one: _is_of(one, ahead.first, account), ahead.learned)
    return pace(limits, lessons, latency=known or DOCUMENTED)


def _is_of(lesson: Learned, request: Request | None, account: Account) -> bool:
    model = None if request is None else request.req_key
    return (lesson.account, lesson.model) == (account.name, model)


def _source(ahead: Outlook) -> str:
    return "as is documented" if ahead.latency is None else "as in the last run here"


def _images(number: int) -> str:
    return f"{number:,} {'image' if number == 1 else 'images'}"


def _prompts(number: int) -> str:
    return f"{number:,} {'prompt' if number == 1 else 'prompts'}"
