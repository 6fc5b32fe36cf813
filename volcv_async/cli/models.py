"""``volcv models``: the variants, or the fields of one."""

from __future__ import annotations

import inspect
import json
from typing import Annotated

import attrs
from cyclopts import Parameter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from volcv_async.cli.session import reading_input
from volcv_async.models import VARIANTS, FieldInfo, Request, info, key_of, variant

_WITHOUT_TERMINAL = 160
"""Columns of a table that goes to a file."""


def models(
    name: Annotated[
        str | None, Parameter(name="NAME", help="A model, by its class or its req_key.")
    ] = None,
    /,
) -> None:
    """List the models, or the fields of one."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _WITHOUT_TERMINAL
    if name is None:
        console.print(_of_models())
        return
    with reading_input():
        chosen = variant(name)
    console.print(Text(f"{chosen.__name__} ({key_of(chosen)})"))
    console.print(_of_fields(chosen))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _of_models() -> Table:
    table = _table("model", "req_key", "what it is")
    for known in VARIANTS:
        what = inspect.getdoc(known) or ""
        table.add_row(known.__name__, key_of(known), what.partition(" (")[0])
    return table


def _of_fields(model: type[Request]) -> Table:
    table = _table("field", "type", "default", "range", "source", "what it does")
    for field in attrs.fields(model):
        declared = info(field)
        if declared is not None:
            table.add_row(field.name, *_facts(declared))
    return table


def _facts(declared: FieldInfo) -> tuple[str, ...]:
    does = f"{declared.text} Required." if declared.required else declared.text
    default = "" if declared.default is None else json.dumps(declared.default).strip('"')
    return declared.kind, default, declared.range, declared.source, does
