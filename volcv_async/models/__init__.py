"""The request variants: one frozen class each, checked when it is made.

This floor knows nothing of HTTP, JSON or asyncio. ``general`` holds the General family, ``marks``
the objects that its requests may carry, ``raw`` the variant that has no class, ``index`` the lot by
name; ``fields`` is how a field is declared and judged.
"""

from volcv_async.models.fields import FieldInfo, info
from volcv_async.models.general import GeneralV14, GeneralV20Pro, GeneralV21
from volcv_async.models.index import VARIANTS, build, key_of, variant
from volcv_async.models.marks import AigcMeta, LogoInfo
from volcv_async.models.raw import RawRequest
from volcv_async.models.request import Request

__all__ = [
    "VARIANTS",
    "AigcMeta",
    "FieldInfo",
    "GeneralV14",
    "GeneralV20Pro",
    "GeneralV21",
    "LogoInfo",
    "RawRequest",
    "Request",
    "build",
    "info",
    "key_of",
    "variant",
]
