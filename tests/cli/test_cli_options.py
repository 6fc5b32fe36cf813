"""What is typed for a field of a request."""

from __future__ import annotations

import pytest

from volcv_async.cli.options import parse_fields
from volcv_async.errors import InvalidRequestError
from volcv_async.models import GeneralV21


def test_a_value_is_of_its_fields_kind() -> None:
    """Booleans, whole and other numbers, texts and objects are told apart by the field."""
    pairs = [
        "use_sr=False",
        "return_url=true",
        "width=512",
        "seed=-1",
        "scale=3",
        "negative_prompt=42 = x",
        'logo_info={"add_logo": true}',
        'extra={"new": [1]}',
        "unknown=1",
    ]
    assert parse_fields(GeneralV21, pairs) == {
        "use_sr": False,
        "return_url": True,
        "width": 512,
        "seed": -1,
        "scale": 3.0,
        "negative_prompt": "42 = x",
        "logo_info": {"add_logo": True},
        "extra": {"new": [1]},
        "unknown": "1",
    }


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("use_sr=yes", "'yes' is no true or false."),
        ("width=5.5", "'5.5' is no whole number."),
        ("scale=much", "'much' is no number."),
        ("logo_info={", "'{' is no object in JSON."),
        ("width", "-p width: no '=' in it."),
    ],
)
def test_a_value_of_another_kind_is_refused(pair: str, says: str) -> None:
    """The error shows what was typed, and what the field takes."""
    with pytest.raises(InvalidRequestError) as caught:
        parse_fields(GeneralV21, [pair])
    assert says in str(caught.value)
