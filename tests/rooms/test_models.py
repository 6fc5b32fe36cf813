"""The request variants: what they take, what they refuse, and what they warn of."""

from __future__ import annotations

import math
import pickle
import warnings
from typing import Any

import attrs
import pytest

import volcv_async as volcv
from volcv_async import models

MODELS = [volcv.GeneralV14, volcv.GeneralV20Pro, volcv.GeneralV21]


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (volcv.GeneralV14, "width", 127),
        (volcv.GeneralV14, "height", 769),
        (volcv.GeneralV14, "scale", 0.5),
        (volcv.GeneralV14, "ddim_steps", 51),
        (volcv.GeneralV14, "sr_strength", 1.5),
        (volcv.GeneralV20Pro, "width", 255),
        (volcv.GeneralV20Pro, "height", 769),
        (volcv.LogoInfo, "position", 4),
        (volcv.LogoInfo, "language", 2),
        (volcv.LogoInfo, "opacity", -0.1),
    ],
)
def test_what_is_out_of_an_official_range_is_refused(model: type, field: str, value: float) -> None:
    """A value out of an official range is refused, naming field, value, range and model."""
    given: dict[str, Any] = {field: value}
    if model is not volcv.LogoInfo:
        given["prompt"] = "a cat"
    with pytest.raises(volcv.InvalidRequestError) as caught:
        model(**given)
    declared = models.info(attrs.fields_dict(model)[field])
    assert declared is not None
    for word in (model.__name__, field, repr(value), declared.range, "official"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (volcv.GeneralV20Pro, "scale", 11.0),
        (volcv.GeneralV20Pro, "ddim_steps", 51),
        (volcv.GeneralV20Pro, "model_version", "general_v9"),
        (volcv.GeneralV21, "width", 1024),
        (volcv.GeneralV21, "ddim_steps", 201),
        (volcv.GeneralV21, "scale", 0.5),
        (volcv.GeneralV14, "model_version", "general_v1.5"),
        (volcv.GeneralV14, "seed", -2),
    ],
)
def test_what_only_the_community_knows_gives_a_warning(
    model: type, field: str, value: object
) -> None:
    """A value out of a range that is not official, or of an open enumeration, warns and passes."""
    with pytest.warns(volcv.VolcvWarning, match=field) as caught:
        request = model(prompt="a cat", **{field: value})
    assert getattr(request, field) == value
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("prompt", "", "is empty"),
        ("prompt", None, "NoneType"),
        ("prompt", "half a \ud800 pair", "surrogate"),
        ("width", True, "bool"),
        ("width", 512.0, "float"),
        ("seed", 2**63, "64 bits"),
        ("scale", math.nan, "not finite"),
        ("scale", "3", "no number but str"),
        ("use_sr", 1, "neither True nor False"),
        ("model_version", "", "is empty"),
        ("logo_info", {"add_logo": True}, "no LogoInfo"),
        ("extra", ["a list"], "no mapping"),
        ("extra", {"prompt": "twice"}, "a field of its own"),
        ("extra", {"set": {1, 2}}, "JSON cannot carry"),
        ("extra", {"deep": {"list": [math.inf]}}, "deep.list[0]"),
        ("extra", {7: "seven"}, "a name in extra"),
        ("extra", {"": "nameless"}, "is empty"),
    ],
)
def test_what_cannot_be_sent_is_refused_when_the_request_is_made(
    field: str, value: object, says: str
) -> None:
    """A wrong type, or a value that JSON cannot carry, is refused before anything is sent."""
    given: dict[str, Any] = {"prompt": "a cat", field: value}
    with pytest.raises(volcv.InvalidRequestError) as caught:
        volcv.GeneralV14(**given)
    assert says in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_endless_nesting_is_refused() -> None:
    """A value nested beyond reason is refused instead of exhausting the stack."""
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(volcv.InvalidRequestError, match="nested"):
        volcv.GeneralV21(prompt="a cat", extra={"deep": deep})


def test_a_long_value_is_cut_in_the_message() -> None:
    """A message shows a line's worth of the value, not all of it."""
    with pytest.raises(volcv.InvalidRequestError) as caught:
        volcv.GeneralV14(prompt="a cat", seed="7" * 1000)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    assert len(str(caught.value)) < 200


def test_a_long_prompt_is_sent_with_one_warning_a_run() -> None:
    """A prompt beyond 800 characters passes; a loop over many of them warns once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for length in (801, 900, 5000):
            assert len(volcv.GeneralV21(prompt="x" * length).prompt) == length
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_sizes_need_be_no_multiple_of_anything() -> None:
    """341, an officially suggested size, passes without a word."""
    assert volcv.GeneralV21(prompt="a cat", width=512, height=341).height == 341


def test_a_request_is_a_value() -> None:
    """Requests compare, hash, pickle and evolve as values, and own what they were given."""
    given = {"strength": [1, (2, 3)]}
    one = volcv.GeneralV21(prompt="a cat", extra=given)
    given["strength"].append(4)
    two = volcv.GeneralV21(prompt="a cat", extra={"strength": [1, [2, 3]]})
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
    assert attrs.evolve(one, seed=7).seed == 7
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.prompt = "a dog"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue] - on purpose


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"req_key": "", "body": {}}, "no model's name"),
        ({"req_key": "x", "body": []}, "no mapping"),
        ({"req_key": "x", "body": {"req_key": "y"}}, "stands twice"),
        ({"req_key": "high_aes", "body": {"prompt": "a cat"}}, "model_version"),
        ({"req_key": "high_aes_general_v14", "body": {"prompt": "a cat"}}, "model_version"),
    ],
)
def test_a_raw_request_is_checked_for_what_no_variant_can_do_without(
    given: dict[str, Any], says: str
) -> None:
    """A raw request needs its key, once, and a version where the key alone is ambiguous."""
    with pytest.raises(volcv.InvalidRequestError, match=says):
        volcv.RawRequest(**given)


def test_a_raw_request_tells_its_prompt() -> None:
    """A raw request gives the prompt in its body, or None where there is none."""
    assert volcv.RawRequest(req_key="x", body={"prompt": "a cat"}).prompt == "a cat"
    assert volcv.RawRequest(req_key="x", body={"prompt": 7}).prompt is None


def test_the_label_of_origin_needs_a_producer() -> None:
    """``AigcMeta`` without ``producer_id`` is refused, as the provider would."""
    assert volcv.AigcMeta(producer_id="me").producer_id == "me"
    with pytest.raises(volcv.InvalidRequestError, match="producer_id"):
        volcv.AigcMeta(producer_id="")


@pytest.mark.parametrize("name", ["GeneralV21", "generalv21", "high_aes_general_v21_L"])
def test_a_variant_is_found_by_class_or_key(name: str) -> None:
    """A variant is found by its class or its ``req_key``, in any case of letters."""
    assert models.variant(name) is volcv.GeneralV21


def test_an_unknown_variant_names_those_there_are() -> None:
    """The error for an unknown model lists the known ones."""
    with pytest.raises(volcv.InvalidRequestError, match="GeneralV14, GeneralV20Pro, GeneralV21"):
        models.variant("GeneralV99")


def test_a_request_is_built_of_plain_values() -> None:
    """Plain values make a request, nested objects as mappings."""
    built = models.build(
        volcv.GeneralV21,
        {"prompt": "a cat", "logo_info": {"opacity": 1}, "aigc_meta": {"producer_id": "me"}},
    )
    assert built == volcv.GeneralV21(
        prompt="a cat",
        logo_info=volcv.LogoInfo(opacity=1),
        aigc_meta=volcv.AigcMeta(producer_id="me"),
    )
    with pytest.raises(volcv.InvalidRequestError, match="no LogoInfo"):
        models.build(volcv.GeneralV21, {"prompt": "a cat", "logo_info": "yes"})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "the prompt is missing"),
        ({"prompt": "a cat", "widht": 512}, "Did you mean width?"),
        ({"prompt": "a cat", "zzz": 1}, "extra={...}"),
        ({"prompt": "a cat", "req_key": "x"}, "no field 'req_key'"),
        ({"prompt": "a cat", "logo_info": {"opasity": 1}}, "logo_info.opacity"),
        ({"prompt": "a cat", "aigc_meta": {}}, "producer_id"),
    ],
)
def test_values_that_make_no_request_are_named(values: dict[str, Any], says: str) -> None:
    """An unknown or missing field is named, with the nearest known one."""
    with pytest.raises(volcv.InvalidRequestError) as caught:
        models.build(volcv.GeneralV21, values)
    assert says in str(caught.value)


@pytest.mark.parametrize("model", MODELS)
def test_every_field_says_what_is_known_of_it(model: type[volcv.Request]) -> None:
    """Each field of a variant carries its kind, text and source, for people to read."""
    for field in attrs.fields(model):
        declared = models.info(field)
        if field.name in {"req_key", "extra"}:
            assert declared is None
        else:
            assert declared is not None
            assert declared.text
            assert declared.kind in {"str", "int", "float", "bool", "object"}


def test_a_range_is_put_into_words() -> None:
    """A range reads as words, with its unit, from both bounds, one, or an enumeration."""
    assert models.FieldInfo(kind="int", low=1, high=5, unit="pixels").range == "1 to 5 pixels"
    assert models.FieldInfo(kind="int", low=-1).range == "at least -1"
    assert models.FieldInfo(kind="str", choices=("a", "b")).range == "a or b"
    assert models.FieldInfo(kind="str").range == ""
