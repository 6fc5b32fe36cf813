"""The words of the command that makes a picture again, but for its prompt and its seeds. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import attrs

from volcv_async.models import VARIANTS

LEFT_TO_THE_ROW = frozenset({"prompt", "seed", "llm_seed", "sr_seed"})
"""The fields of a request that differ from row to row."""

_NAMES = {
    variant.__name__: frozenset(attrs.fields_dict(variant)) - {"extra", "req_key"}
    for variant in VARIANTS
}


def options(model: str, sent: Mapping[str, Any]) -> str | None:
    """Give the options of ``volcv generate`` for what a row says was sent, quoted for a shell.

    Args:
        model: The class of the request.
        sent: Its body, as it went out.

    Returns:
        None where the command cannot make it: the model is not one it knows.
    """
    names = _NAMES.get(model)
    if names is None:
        return None
    fields = {name: value for name, value in sent.items() if name in names - LEFT_TO_THE_ROW}
    extra = {name: value for name, value in sent.items() if name not in {*names, "req_key"}}
    pairs = [f"{name}={_typed(value)}" for name, value in fields.items()]
    pairs += [f"extra={_typed(extra)}"] if extra else []
    return " ".join([f"--model {model}", *(f"-p {shlex.quote(pair)}" for pair in pairs)])


def _typed(value: object) -> str:
    """Write a value as it is typed for a field."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
