"""Replies of success, shaped as the provider's samples of the three models."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import attrs

from volcv_async.gateway.answers import JSON_HEADERS, Canned, to_json
from volcv_async.gateway.ledger import SUCCESS
from volcv_async.gateway.protocol import Order


@attrs.frozen(kw_only=True)
class Picture:
    """Where the one picture of a reply is: in it, or at an address.

    Attributes:
        data: the bytes, where the reply carries them.
        url: the address, where it carries that.
    """

    data: bytes | None = None
    url: str | None = None


def success(order: Order, picture: Picture, *, request_id: str, elapsed: float) -> Canned:
    """The reply to an order that was generated in `elapsed` seconds; it is paid."""
    envelope = {
        "code": SUCCESS,
        "data": _data(order, picture, request_id),
        "message": "Success",
        "request_id": request_id,
        "status": SUCCESS,
        "time_elapsed": go_duration(elapsed),
    }
    return Canned(
        body=to_json(envelope),
        headers=JSON_HEADERS,
        paid=True,
        code=SUCCESS,
        request_id=request_id,
    )


def _data(order: Order, picture: Picture, request_id: str) -> Mapping[str, Any]:
    data: dict[str, Any] = {
        "algorithm_base_resp": {"status_code": 0, "status_message": "Success"},
        "binary_data_base64": [],
        "predict_tags_result": "",
        "request_id": "",
    }
    if picture.data is not None:
        data["binary_data_base64"].append(base64.b64encode(picture.data).decode())
    if picture.url is not None:
        data["image_urls"] = [picture.url]
    data.update(_texts(order, request_id))
    return dict(sorted(data.items()))


def _texts(order: Order, request_id: str) -> Mapping[str, str]:
    """What the steps around the model write; which model has which is documented in samples."""
    expanded = f"{order.prompt}, drawn as a landscape"
    if order.variant.req_key == "high_aes_general_v14":
        return {
            "predict_tags_result": "landscape" if _on(order, "use_predict_tags") else "",
            "rephraser_result": expanded if _on(order, "use_rephraser") else "",
        }
    texts = {"pe_result": "", "rephraser_result": expanded if _on(order, "use_pre_llm") else ""}
    if order.variant.req_key == "high_aes_general_v21_L":
        texts["request_id"] = hashlib.sha256(request_id.encode()).hexdigest()
        if _on(order, "use_pre_llm"):
            texts["llm_result"] = expanded
    return texts


def _on(order: Order, switch: str) -> bool:
    return bool(order.variant.value(order.body, switch))


def go_duration(seconds: float) -> str:
    """A duration as Go writes it: `84.448µs`, `116.260108ms`, `16.52978614s`, `1m2.5s`."""
    nanoseconds = round(seconds * 1e9)
    for unit, size in (("µs", 1_000), ("ms", 1_000_000)):
        if nanoseconds < 1_000 * size:
            return _decimal(nanoseconds, size) + unit
    minutes, rest = divmod(nanoseconds, 60_000_000_000)
    return (f"{minutes}m" if minutes else "") + _decimal(rest, 1_000_000_000) + "s"


def _decimal(value: int, size: int) -> str:
    whole, part = divmod(value, size)
    digits = f"{part:0{len(str(size)) - 1}}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
