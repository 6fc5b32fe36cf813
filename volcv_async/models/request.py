"""What all request variants share: the model they are for, and the fields we do not know yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from volcv_async.models.fields import check_given, own_plain, reject


@attrs.frozen(kw_only=True)
class Request:
    """Base of all request variants.

    Attributes:
        req_key: The provider's name of the model.
        extra: Fields that the class does not know yet, sent beside its own.
    """

    req_key: str = attrs.field(init=False)
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False)

    def __attrs_post_init__(self) -> None:
        check_given(self)
        if self.extra == {}:
            object.__setattr__(self, "extra", {})  # it may be the caller's, who may fill it
            return
        model = type(self).__name__
        known = {field.name for field in attrs.fields(type(self))}
        extra = own_plain(model, "extra", self.extra)
        for name in known & extra.keys():
            why = "has a field of its own"
            raise reject(model, f"extra[{name!r}]", extra[name], why, f"Give {name}=...")
        object.__setattr__(self, "extra", extra)
