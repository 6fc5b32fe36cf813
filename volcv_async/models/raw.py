"""A variant that this library does not know: its body goes out as it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from volcv_async.models.fields import own_plain, reject
from volcv_async.models.request import Request

# These two name more than one model, and the version tells which (official).
_NEED_VERSION = frozenset({"high_aes", "high_aes_general_v14"})


@attrs.frozen(kw_only=True)
class RawRequest(Request):
    """A request for a variant that has no class here. Its fields are not checked.

    Attributes:
        req_key: The provider's name of the model.
        body: The other fields, as the provider's page shows them.

    Raises:
        InvalidRequestError: ``req_key`` is empty or stands in ``body`` too, ``body`` holds what
            JSON cannot carry, or ``model_version`` is missing where the key alone does not say
            which model is meant (official).
    """

    req_key: str
    body: Mapping[str, Any] = attrs.field(hash=False)

    @property
    def prompt(self) -> str | None:
        """The prompt in the body, where there is one."""
        prompt = self.body.get("prompt")
        return prompt if isinstance(prompt, str) else None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        body = own_plain("RawRequest", "body", self.body)
        if not isinstance(self.req_key, str) or not self.req_key:  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
            raise reject("RawRequest", "req_key", self.req_key, "is no model's name")
        if "req_key" in body:
            raise reject("RawRequest", "body['req_key']", body["req_key"], "stands twice")
        version = body.get("model_version")
        if self.req_key in _NEED_VERSION and not version:
            why = f"is missing, and {self.req_key} alone does not say which model is meant"
            raise reject("RawRequest", "body['model_version']", version, why)
        object.__setattr__(self, "body", body)
