"""A list that is read before anything is sent: how far that is."""

from __future__ import annotations

import pytest

from volcv_async.cli.fitness import aloud


def test_a_long_list_is_read_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    """Every so many rows a line says how far it is; the rows come as they are."""
    assert list(aloud("abcde", "Checking the list", every=2)) == [*"abcde"]
    assert capsys.readouterr().err.splitlines() == [
        "Checking the list: 2 rows so far.",
        "Checking the list: 4 rows so far.",
    ]
