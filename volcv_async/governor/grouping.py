"""Which account has which governor: its own, or its group's, since a quota is the group's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from volcv_async.config import Account, Limits
from volcv_async.errors import ConfigurationError
from volcv_async.governor.governor import Governor


def governors_of(accounts: Sequence[Account], default: Limits) -> list[Governor]:
    """Give each account its governor: one a group, or one of its own."""
    shared: dict[str, Governor] = {}
    return [_governor(account, accounts, default, shared) for account in accounts]


def names_of(accounts: Sequence[Account], governors: Sequence[Governor]) -> dict[Governor, str]:
    """Name each governor after its accounts: the group, or the host, with a number if need be.

    Of several accounts at one host that are of no group, the second is ``host#2``, and so on.
    """
    names: dict[Governor, str] = {}
    times: Counter[str] = Counter()
    for account, governor in zip(accounts, governors, strict=True):
        if governor not in names:
            times[account.name] += 1
            number = f"#{times[account.name]}" if times[account.name] > 1 else ""
            names[governor] = account.name + number
    return names


def _governor(
    account: Account, accounts: Sequence[Account], default: Limits, shared: dict[str, Governor]
) -> Governor:
    if account.group is None:
        return Governor(account.limits or default)
    if account.group not in shared:
        shared[account.group] = Governor(_group_limits(account.group, accounts) or default)
    return shared[account.group]


def _group_limits(group: str, accounts: Sequence[Account]) -> Limits | None:
    stated = {account.limits for account in accounts if account.group == group} - {None}
    if len(stated) > 1:
        raise ConfigurationError(
            f"The accounts of group {group!r} state different limits.",
            help="They share one quota: state its limits once, or the same for all.",
        )
    return stated.pop() if stated else None
