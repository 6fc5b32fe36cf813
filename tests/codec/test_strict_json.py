"""JSON, strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volcv_async.codec import strict_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_all_that_is_json_is_read(value: object) -> None:
    """Whatever strict JSON carries is read as it was written."""
    assert strict_json.loads(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"a":1,"a":2}', "'a' stands twice"),
        (b'{"a":[{"b":1,"b":1}]}', "'b' stands twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1e999]", "too large"),
        (b"[" * 70 + b"]" * 70, "nested"),
        (b"[" * 200_000 + b"]" * 200_000, "nested"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "nested"),
        (b'"\xff"', "UTF-8"),
        (b"", "no JSON"),
        (b"{} {}", "no JSON"),
        (b"9" * 5000, "no JSON"),
    ],
)
def test_what_is_not_strict_is_refused(data: bytes, why: str) -> None:
    """Doubled names, NaN, bottomless nesting, broken UTF-8 and endless numbers are refused."""
    with pytest.raises(strict_json.NotStrictJSONError, match=why):
        strict_json.loads(data)


def test_64_levels_are_fine() -> None:
    """Nesting up to the stated depth is read."""
    assert strict_json.loads(b"[" * 64 + b"]" * 64)


def test_a_wide_document_is_not_deep() -> None:
    """As many lists as one likes stand beside each other."""
    assert strict_json.loads(b"[" + b",".join([b"[1]"] * 99) + b"]") == [[1]] * 99
