"""A reply to a ``Generation``, or to one of our errors and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_origin

import attrs
import cattrs
import pybase64
from cattrs.gen import make_dict_structure_fn

from volcv_async.codec import cutting, durations, failures, strict_json
from volcv_async.codec.failures import as_code, is_object, unreadable
from volcv_async.codes import SUCCESS
from volcv_async.errors import BrokenImageError
from volcv_async.reply import Reply
from volcv_async.results import Generation, Image

_URL_LIFETIME = timedelta(hours=1)
_EXPIRES = re.compile(r"x-expires=(\d+)(?![^&#])")


@attrs.define
class _Data:
    """The part of ``data`` that is known, in its wire types."""

    image_urls: list[str] = attrs.field(factory=list[str])
    binary_data_base64: list[bytes] = attrs.field(factory=list[bytes])
    request_id: str | None = None
    rephraser_result: str | None = None
    predict_tags_result: str | None = None
    pe_result: str | None = None
    llm_result: str | None = None
    vlm_result: str | None = None
    aigc_meta_tagged: bool | None = None


_READ: Mapping[str, type] = {
    "image_urls": list,
    "binary_data_base64": object,
    "request_id": str,
    "rephraser_result": str,
    "predict_tags_result": str,
    "pe_result": str,
    "llm_result": str,
    "vlm_result": str,
    "aigc_meta_tagged": bool,
}
"""What of ``data`` is read, and the type that it must have for that."""

_LEFT_OUT = "algorithm_base_resp"
_KNOWN_ENVELOPE = frozenset({"code", "message", "data", "request_id", "status", "time_elapsed"})


def _bytes(value: object, _type: object) -> bytes:
    if isinstance(value, bytes):
        return value  # cut out, and decoded then
    if not isinstance(value, str):
        raise TypeError("an image in it is no base64 text")
    try:
        return pybase64.b64decode(value, validate=True)
    except ValueError:
        pass
    try:
        # Paid for: line breaks, or a "data:image/png;base64," before it, are no reason to lose it.
        return pybase64.b64decode("".join(value.rpartition(",")[2].split()), validate=True)
    except ValueError as error:
        raise ValueError(f"an image in it is no base64 ({error})") from None


def _exactly(kind: type) -> Any:  # noqa: ANN401 - a hook
    """Make a hook that lets a value of just this type through: cattrs would coerce."""

    def hook(value: object, _type: object) -> object:
        if type(value) is not kind:
            raise TypeError(f"a {kind.__name__} was expected in it, not {type(value).__name__}")
        return value

    return hook


def _is_list(kind: object) -> bool:
    return get_origin(kind) is list


def _list(value: object, of: Any) -> list[Any]:  # noqa: ANN401 - a type
    if not isinstance(value, list):
        raise TypeError("a list was expected in it")
    (inner,) = of.__args__
    items = cast("list[object]", value)
    return [_converter.structure(item, inner) for item in items if item]


_SEEN = (str | None, bool | None)
_converter = cattrs.Converter(detailed_validation=False)
_converter.register_structure_hook(str, _exactly(str))
# Whatever else is a text or a flag was looked at before: see _READ.
_converter.register_structure_hook_func(lambda kind: kind in _SEEN, lambda value, _: value)
_converter.register_structure_hook(bytes, _bytes)
_converter.register_structure_hook_func(_is_list, _list)
_structure_data = make_dict_structure_fn(_Data, _converter)


def decode(reply: Reply) -> Generation:
    """Read a reply.

    Raises:
        VolcvError: What the reply says went wrong; a ``DecodeError`` where it cannot be read, a
            ``BrokenImageError`` where what came as an image is not one.
    """
    try:
        envelope: object = cutting.loads(reply.body)
    except strict_json.NotStrictJSONError as error:
        envelope, why = None, str(error)
    else:
        why = "it is no JSON object"
    if not is_object(envelope):
        raise unreadable(reply, why) if _looks_fine(reply) else failures.by_status(reply)
    return _open(envelope, reply)


def _looks_fine(reply: Reply) -> bool:
    return 200 <= reply.status < 300  # noqa: PLR2004 - an HTTP status says more than a name


def _open(envelope: Mapping[str, Any], reply: Reply) -> Generation:
    if envelope.get("ResponseMetadata") is not None:
        raise failures.by_signature(envelope["ResponseMetadata"], reply)
    code = as_code(envelope.get("code"))
    if code == SUCCESS:
        return _success(envelope, reply)
    if code is not None:
        raise failures.by_service(envelope, code, reply)
    if "error" in envelope:
        raise failures.by_gateway(envelope["error"], reply)
    if _looks_fine(reply):
        raise unreadable(reply, "it has neither a code nor an error")
    raise failures.by_status(reply)


def _success(envelope: Mapping[str, Any], reply: Reply) -> Generation:
    named: object = envelope.get("request_id")
    request_id = named if isinstance(named, str) else ""
    given: object = envelope.get("data")
    if not is_object(given):
        raise unreadable(reply, "it says success and holds no data", request_id=request_id)
    readable, strange = _sort(given)
    try:
        data = _structure_data(readable, _Data)
    except (TypeError, ValueError) as error:
        wrong = str(error)
    else:
        if not data.image_urls and not data.binary_data_base64:
            wrong = "it says success and holds no image"
        else:
            return _generation(data, envelope, strange, request_id, reply)
    raise unreadable(reply, wrong, request_id=request_id)


def _sort(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what is read from what is strange: unknown, or of a type that must not cost an image.

    Where there are URLs the base64 stays unread: both are the same images.
    """
    readable: dict[str, Any] = {}
    strange: dict[str, Any] = {}
    for name, value in given.items():
        wanted = _READ.get(name)
        if wanted is not None and value is not None and isinstance(value, wanted):
            readable[name] = value
        elif name != _LEFT_OUT and (wanted is None or value is not None):
            strange[name] = value
    if any(readable.get("image_urls", ())):
        readable.pop("binary_data_base64", None)
    return readable, strange


def _generation(
    data: _Data,
    envelope: Mapping[str, Any],
    strange: dict[str, Any],
    request_id: str,
    reply: Reply,
) -> Generation:
    shown, broken = _images(data, reply)
    made = Generation(
        images=shown,
        request_id=request_id,
        time_elapsed=durations.seconds(envelope.get("time_elapsed")),
        algorithm_request_id=data.request_id or "",
        rephraser_result=data.rephraser_result,
        predict_tags_result=data.predict_tags_result,
        pe_result=data.pe_result,
        llm_result=data.llm_result,
        vlm_result=data.vlm_result,
        aigc_meta_tagged=data.aigc_meta_tagged,
        extra=_extra(envelope, strange),
    )
    if broken is not None:
        broken.generation, broken.request_id = made, request_id or None
        raise broken
    return made


def _images(data: _Data, reply: Reply) -> tuple[tuple[Image, ...], BrokenImageError | None]:
    """Give the images, and the error of the first that is broken."""
    if data.image_urls:
        return tuple(_linked(url, reply.received) for url in data.image_urls), None
    shown: list[Image] = []
    broken: BrokenImageError | None = None
    for blob in data.binary_data_base64:
        try:
            shown.append(Image.of(blob))
        except BrokenImageError as error:
            shown.append(Image(data=blob))
            broken = broken or error
    return tuple(shown), broken


def _linked(url: str, received: float) -> Image:
    """An image that stands at a URL; without a readable ``x-expires`` it lives an hour."""
    stated = _EXPIRES.search(url)
    if stated is not None:
        with suppress(ValueError, OverflowError, OSError):
            return Image(url=url, expires=datetime.fromtimestamp(int(stated[1]), UTC))
    return Image(url=url, expires=datetime.fromtimestamp(received, UTC) + _URL_LIFETIME)


def _extra(envelope: Mapping[str, Any], strange: dict[str, Any]) -> dict[str, Any]:
    """Keep what has no place of its own; the envelope's yields to ``data``'s of the same name."""
    if envelope.keys() <= _KNOWN_ENVELOPE:
        return strange
    beside = {name: envelope[name] for name in envelope if name not in _KNOWN_ENVELOPE}
    return {
        f"envelope.{name}" if name in strange else name: value for name, value in beside.items()
    } | strange
