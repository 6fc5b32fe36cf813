"""Requests to bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import SAMPLES

import volcv_async as volcv
from volcv_async import models
from volcv_async.codec import encode


@pytest.mark.parametrize(
    ("sample", "model"),
    [
        ("general_v14", volcv.GeneralV14),
        ("general_v20_l", volcv.GeneralV20Pro),
        ("general_v21_l", volcv.GeneralV21),
        ("general_v21_l_full", volcv.GeneralV21),
    ],
)
def test_a_documented_body_is_reproduced(sample: str, model: type[volcv.Request]) -> None:
    """Given all its fields, a request encodes to the documented body."""
    documented = json.loads((SAMPLES / f"{sample}.request.json").read_bytes())
    values = {name: value for name, value in documented.items() if name != "req_key"}
    assert json.loads(encode(models.build(model, values))) == documented


def test_a_body_is_compact_utf8_without_what_is_unset() -> None:
    """Bodies are compact UTF-8 with real booleans, the key first, and nothing that is unset."""
    request = volcv.GeneralV21(prompt='千军万马 "x"', use_sr=False, scale=3, extra={"new": None})
    assert encode(request).decode() == (
        '{"req_key":"high_aes_general_v21_L","prompt":"千军万马 \\"x\\"","scale":3,'
        '"use_sr":false,"new":null}'
    )


def test_the_version_of_14_always_goes_out() -> None:
    """General 1.4 sends its required version though nobody set it."""
    assert json.loads(encode(volcv.GeneralV14(prompt="a cat"))) == {
        "req_key": "high_aes_general_v14",
        "prompt": "a cat",
        "model_version": "general_v1.4",
    }


def test_a_nested_object_leaves_out_what_is_unset() -> None:
    """Only the fields of a mark that were set go out."""
    body: dict[str, Any] = json.loads(
        encode(volcv.GeneralV20Pro(prompt="a cat", logo_info=volcv.LogoInfo(add_logo=True)))
    )
    assert body["logo_info"] == {"add_logo": True}


def test_a_raw_body_goes_out_as_it_is() -> None:
    """A raw request's body goes out as given, None included."""
    request = volcv.RawRequest(
        req_key="new", body={"prompt": "a cat", "seed": None}, extra={"a": 1}
    )
    assert encode(request) == b'{"req_key":"new","prompt":"a cat","seed":null,"a":1}'
