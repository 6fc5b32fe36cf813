"""The three models as the provider's pages describe them: fields, defaults, official ranges."""

import math
from collections.abc import Mapping
from typing import Any, cast

import attrs

Bounds = tuple[float, float]

_SMALLEST, _LARGEST = 64, 2048
"""Pixels a side, before doubling: this gateway's own bounds where no official one is known."""


@attrs.frozen
class Field:
    """One field of a request body.

    Attributes:
        kind: what its JSON value must be; `float` takes whole numbers too, `int` no booleans.
        default: what the provider takes when it is not sent.
        bounds: the least and the greatest value, both allowed, or `None`.
        required: whether a body without it, or with an empty string, is refused.
        inner: the fields of an object.
    """

    kind: type
    default: Any = None
    bounds: Bounds | None = None
    required: bool = False
    inner: "Mapping[str, Field] | None" = None

    def fault(self, value: object) -> str | None:
        """What is wrong with this value, in a few words; `None` if nothing is."""
        accepted = (int, float) if self.kind is float else self.kind
        if not isinstance(value, accepted) or (self.kind is not bool and isinstance(value, bool)):
            return f"must be {self.kind.__name__}, not {type(value).__name__}"
        if self.required and value == "":
            return "is empty"
        if isinstance(value, int | float):
            return self._out_of_bounds(value)
        if isinstance(value, dict):
            return find_fault(cast("dict[str, Any]", value), self.inner or {})
        return None

    def _out_of_bounds(self, value: float) -> str | None:
        low, high = self.bounds or (-math.inf, math.inf)
        return None if low <= value <= high else f"{value} is not in [{low}, {high}]"


@attrs.frozen(kw_only=True)
class Variant:
    """One model.

    Attributes:
        req_key: the name it is called by.
        fields: its fields by name; others are accepted and ignored, as the provider does.
    """

    req_key: str
    fields: Mapping[str, Field]

    def value(self, body: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - whatever the field's kind
        """What the provider would work with for this field: what was sent, or its default."""
        field = self.fields.get(name)
        return body.get(name, None if field is None else field.default)


def find_fault(body: Mapping[str, Any], fields: Mapping[str, Field]) -> str | None:
    """The first thing wrong with this object by these fields, named; `None` if nothing is."""
    for name, field in fields.items():
        if name not in body:
            if field.required:
                return f"{name} is missing"
        elif fault := field.fault(body[name]):
            return f"{name}: {fault}"
    return None


_LOGO_INFO = Field(
    dict,
    inner={
        "add_logo": Field(bool, default=False),
        "position": Field(int, 0, (0, 3)),
        "language": Field(int, 0, (0, 1)),
        "opacity": Field(float, 1.0, (0, 1)),
        "logo_text_content": Field(str),
    },
)
_AIGC_META = Field(
    dict,
    inner={
        "content_producer": Field(str),
        "producer_id": Field(str, required=True),
        "content_propagator": Field(str),
        "propagate_id": Field(str),
    },
)
_COMMON: dict[str, Field] = {
    "req_key": Field(str, required=True),
    "prompt": Field(str, required=True),
    "seed": Field(int, -1),
    "return_url": Field(bool, default=False),
    "logo_info": _LOGO_INFO,
}


def _side(low: int, high: int) -> Field:
    return Field(int, 512, (low, high))


_V14 = Variant(
    req_key="high_aes_general_v14",
    fields=_COMMON
    | {
        "model_version": Field(str, required=True),
        "scale": Field(float, 3.0, (1, 30)),
        "ddim_steps": Field(int, 25, (1, 50)),
        "width": _side(128, 768),
        "height": _side(128, 768),
        "use_rephraser": Field(bool, default=True),
        "use_predict_tags": Field(bool, default=True),
        "use_sr": Field(bool, default=False),
        "sr_seed": Field(int, -1),
        "sr_strength": Field(float, 0.4, (0, 1)),
        "sr_scale": Field(float, 3.5, (1, 30)),
        "sr_steps": Field(int, 10, (1, 50)),
        "is_only_sr": Field(bool, default=False),
    },
)
_V20_PRO = Variant(
    req_key="high_aes_general_v20_L",
    fields=_COMMON
    | {
        "model_version": Field(str),
        "req_schedule_conf": Field(str, "general_v20_9B_pe"),
        "scale": Field(float, 3.5),
        "ddim_steps": Field(int, 16),
        "width": _side(256, 768),
        "height": _side(256, 768),
        "use_sr": Field(bool, default=True),
        "use_pre_llm": Field(bool, default=False),
    },
)
_V21 = Variant(
    req_key="high_aes_general_v21_L",
    fields=_COMMON
    | {
        "model_version": Field(str),
        "req_schedule_conf": Field(str, "general_v20_9B_pe"),
        "llm_seed": Field(int, -1),
        "scale": Field(float, 3.5),
        "ddim_steps": Field(int, 25),
        "width": _side(_SMALLEST, _LARGEST),
        "height": _side(_SMALLEST, _LARGEST),
        "use_pre_llm": Field(bool, default=True),
        "use_sr": Field(bool, default=True),
        "aigc_meta": _AIGC_META,
        "sr_seed": Field(int, -1),
        "sr_strength": Field(float, 0.4),
        "sr_scale": Field(float, 3.5),
        "sr_steps": Field(int, 20),
        "is_only_sr": Field(bool, default=False),
        "negative_prompt": Field(str),
    },
)

VARIANTS: Mapping[str, Variant] = {v.req_key: v for v in (_V14, _V20_PRO, _V21)}
"""By `req_key`. Ranges are the official ones only: the community's are not enforced."""
