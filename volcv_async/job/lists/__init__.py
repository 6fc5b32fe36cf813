"""Prompt lists in: files, folders and standard input, read row by row into requests.

    name ─ sources ▶ bytes ─ lines ▶ text ─ formats (arrays) ▶ Row ─ choosing, listing ▶ Listed
                          └─ parquet ▶ values ─┘                                    └▶ BadRow

``telling`` finds out the format, ``matrix`` makes rows of a template; ``spooling`` keeps what can
be read only once, ``in_threads`` reads beside an event loop.
"""

from volcv_async.job.lists.bad_rows import BadRow
from volcv_async.job.lists.in_threads import in_threads
from volcv_async.job.lists.listing import (
    Item,
    Listed,
    PromptList,
    name_of,
    read_list,
    read_prompts,
)
from volcv_async.job.lists.matrix import Matrix
from volcv_async.job.lists.sources import ListPath, Source
from volcv_async.job.lists.spooling import STANDARD_INPUT, spooled
from volcv_async.job.lists.telling import FORMATS, Format

__all__ = [
    "FORMATS",
    "STANDARD_INPUT",
    "BadRow",
    "Format",
    "Item",
    "ListPath",
    "Listed",
    "Matrix",
    "PromptList",
    "Source",
    "in_threads",
    "name_of",
    "read_list",
    "read_prompts",
    "spooled",
]
