"""What is for other people's tests is in the reference, and does what its how-tos show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from volcv_async import testing

pytest_plugins = ["pytester"]

DOCS = Path(__file__).parents[2] / "docs"
_NAMES = re.compile(r"^\.\. (?:autoclass|py:data):: volcv_async\.testing\.(\w+)", re.MULTILINE)


def test_every_fixture_and_name_is_in_the_reference() -> None:
    """Whatever a test can ask for has its place in the documentation, and nothing else has."""
    page = (DOCS / "reference" / "testing.md").read_text(encoding="utf-8")
    assert sorted(_NAMES.findall(page)) == sorted(testing.__all__)


@pytest.mark.parametrize(
    ("files", "needed", "passed"),
    [
        (["test_postcards.py"], [], 3),
        (["test_fastapi.py", "fastapi_app.py"], ["fastapi", "uvicorn"], 5),
    ],
    ids=["postcards", "fastapi"],
)
def test_the_tests_that_the_how_tos_show_pass(
    pytester: pytest.Pytester, files: list[str], needed: list[str], passed: int
) -> None:
    """They are collected by a strict pytest of their own, with every warning an error."""
    for package in needed:
        pytest.importorskip(package)
    for file in files:
        shutil.copy(DOCS / "examples" / file, pytester.path)
    pytester.makeconftest('pytest_plugins = ["volcv_async.testing"]')
    options = ("asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function")
    ran = pytester.runpytest_subprocess(
        "-W", "error", "--strict-markers", *(word for each in options for word in ("-o", each))
    )
    ran.assert_outcomes(passed=passed)
