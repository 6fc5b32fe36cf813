"""The fixtures for other people's tests, in small projects as other people have them."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib import import_module
from pkgutil import walk_packages

import pytest

import volcv_async
from volcv_async import testing

pytest_plugins = ["pytester"]

# The runs share this process, and pytester forgets each module that was first imported during a
# test of its own: ours would be there twice in the tests after it.
for _module in walk_packages(volcv_async.__path__, "volcv_async."):
    import_module(_module.name)

HEAD = """
    import asyncio
    import threading

    import pytest

    import volcv_async as volcv
    from volcv_async.gateway import Constant, LocalGateway, Spread
    from volcv_async.testing import Hold

    async def generate(prompt="a fox", accounts=None, retry=volcv.RetryPolicy()):
        async with volcv.Client(accounts, retry=retry) as client:
            return await client.generate(volcv.GeneralV21(prompt=prompt))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project that has opted in, and has used a name from there before."""
    pytester.makeconftest(
        """
        from volcv_async.testing import Hold

        pytest_plugins = ["volcv_async.testing"]
        """
    )
    return pytester


def strictly(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Run pytest in a project, with every warning an error."""
    strict = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")
    scope = ("-o", "asyncio_default_fixture_loop_scope=function")
    return project.runpytest_inprocess(*strict, *scope, *words)


def run(project: pytest.Pytester, tests: str, *, mode: str = "auto") -> pytest.RunResult:
    """Run these tests of a project."""
    indented = "\n".join(f"    {line}" for line in tests.splitlines())
    project.makepyfile(HEAD + indented)
    return strictly(project, "-o", f"asyncio_mode={mode}")


def test_a_plain_test_has_a_gateway_that_answers_at_once(project: pytest.Pytester) -> None:
    """The gateway runs beside the test, in a thread, so the test needs no loop of its own."""
    ran = run(
        project,
        """
def test_it(volcv_gateway):
    generation = asyncio.run(generate("a fox", volcv_gateway.account()))
    assert generation.image.media_type == 'image/png'
    assert volcv_gateway._provider._latency == Constant(0.0)
    assert volcv_gateway.paid == 1
    assert volcv_gateway.paid_by_prompt == {"a fox": 1}
""",
        mode="strict",
    )
    ran.assert_outcomes(passed=1)


def test_an_asynchronous_test_has_the_same(project: pytest.Pytester) -> None:
    """Whichever plugin runs the test's loop, the client is on it and the gateway is not."""
    ran = run(
        project,
        """
async def test_it(volcv_gateway):
    await generate("a fox", volcv_gateway.account())
    assert [received.prompt for received in volcv_gateway.requests] == ["a fox"]

@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.anyio
async def test_under_anyio(volcv_gateway, anyio_backend):
    await generate("a hare", volcv_gateway.account())
    assert volcv_gateway.paid_by_prompt == {"a hare": 1}
""",
    )
    ran.assert_outcomes(passed=2)


def test_an_application_that_reads_the_environment_meets_the_gateway(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code that ships is the code that is tested, whatever the developer's shell names."""
    monkeypatch.setenv("VOLCV_BASE_URL", "https://visual.example/v1")
    monkeypatch.setenv("VOLCV_API_KEY", "the key of an account that costs money")
    ran = run(
        project,
        """
@pytest.mark.volcv_gateway(key="another-key")
def test_it(volcv_environment):
    asyncio.run(generate())
    assert volcv_environment.paid == 1

def test_without_it():
    import os
    assert os.environ["VOLCV_BASE_URL"] == "https://visual.example/v1"
""",
    )
    ran.assert_outcomes(passed=2)


def test_a_marker_says_how_the_gateway_is(project: pytest.Pytester) -> None:
    """Limits, faults and a time scale stand on a test, or on its class, where the nearest wins."""
    ran = run(
        project,
        """
ONCE = volcv.RetryPolicy(attempts=1)

@pytest.mark.volcv_gateway(faults={"reset_in_body": 1.0}, rate=5)
class TestBroken:
    def test_that_a_fault_strikes(self, volcv_environment):
        with pytest.raises(volcv.UnknownOutcomeError):
            asyncio.run(generate(retry=ONCE))
        assert volcv_environment.struck == {"reset_in_body": 1}
        assert volcv_environment.paid == 1

    @pytest.mark.volcv_gateway(faults=["html_502"])
    def test_that_another_does(self, volcv_environment):
        with pytest.raises(volcv.VolcvError):
            asyncio.run(generate(retry=ONCE))
        assert volcv_environment.struck == {"html_502": 1}
        volcv_environment.faults = None
        asyncio.run(generate(retry=ONCE))
        assert volcv_environment.paid == 1

@pytest.mark.volcv_gateway(time_scale=0.001)
def test_that_a_picture_takes_its_time(volcv_environment):
    asyncio.run(generate())
    assert volcv_environment._provider._latency == Spread(time_scale=0.001)
""",
    )
    ran.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("rats=5", "*unexpected keyword argument 'rats'*"),
        ("rate=-1", "*rate*"),
        ("{'reset_in_body': 1.0}", "*takes 1 positional argument but 2 positional arguments*"),
        ("faults={'rest_in_body': 1.0}", "*rest_in_body*"),
    ],
)
def test_a_marker_that_cannot_be_is_refused_in_words(
    project: pytest.Pytester, options: str, said: str
) -> None:
    """A misspelt option is named, with where the right ones are found, and without a traceback."""
    ran = run(
        project,
        f"""
@pytest.mark.volcv_gateway({options})
def test_it(volcv_gateway):
    pass
""",
    )
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(
        [
            f"No gateway can be as @pytest.mark.volcv_gateway says: {said}",
            "The marker takes the options of volcv_async.gateway.LocalGateway, by name.",
        ]
    )
    ran.stdout.no_fnmatch_line("*During handling*")


def test_what_is_paid_while_the_client_has_gone_is_seen(project: pytest.Pytester) -> None:
    """A test holds a call at the provider, lets its client leave, and counts what was paid."""
    ran = run(
        project,
        """
async def test_it(volcv_gateway):
    async with volcv.Client(volcv_gateway.account()) as client:
        with Hold() as hold:
            volcv_gateway.answer = hold
            assert volcv_gateway.answer is hold
            call = asyncio.create_task(client.generate(volcv.GeneralV21(prompt="a fox")))
            assert (await hold.arrived()).prompt == "a fox"
            assert (volcv_gateway.in_flight, volcv_gateway.paid) == (1, 0)
        await call
        assert volcv_gateway.paid == 1
        await client.generate(volcv.GeneralV21(prompt="a hare"))  # and nothing is held any more

def test_from_a_thread(volcv_gateway):
    with Hold() as hold:
        volcv_gateway.answer = hold
        account = volcv_gateway.account()
        calls = threading.Thread(target=asyncio.run, args=[generate("a fox", account)])
        calls.start()
        assert asyncio.run(hold.arrived()).prompt == "a fox"
    calls.join()
    assert volcv_gateway.paid == 1

async def test_that_a_failure_lets_go(volcv_gateway):
    async with volcv.Client(volcv_gateway.account()) as client:
        with pytest.raises(ZeroDivisionError):
            with Hold() as hold:
                volcv_gateway.answer = hold
                call = asyncio.create_task(client.generate(volcv.GeneralV21(prompt="a fox")))
                await hold.arrived()
                1 / 0
    assert (await call).image.media_type == "image/png"

async def test_a_gateway_that_ends_with_a_call_held(volcv_gateway):
    volcv_gateway.answer = hold = Hold()
    call = asyncio.create_task(generate("a fox", volcv_gateway.account()))
    await hold.arrived()
    call.cancel()
    await asyncio.wait([call])
""",
    )
    ran.assert_outcomes(passed=4)


async def test_a_call_that_never_comes_is_not_waited_for_without_end() -> None:
    """A test whose code sends elsewhere is told so."""
    with pytest.raises(TimeoutError, match="Is this Hold the answer of the gateway"):
        await testing.Hold(patience=0.0).arrived()


def test_several_gateways_run_at_once_and_end_with_the_test(project: pytest.Pytester) -> None:
    """What a test started is gone after it: no port, and no thread."""
    before = set(threading.enumerate())
    ran = run(
        project,
        """
STARTED = []

def test_it(start_volcv_gateway):
    STARTED.extend(start_volcv_gateway(LocalGateway(latency=0.0)) for _ in range(2))
    asyncio.run(generate("a fox", [gateway.account() for gateway in STARTED]))
    assert sum(gateway.paid for gateway in STARTED) == 1

def test_after_it():
    for gateway in STARTED:
        with pytest.raises(RuntimeError, match="not running"):
            gateway.url
""",
    )
    ran.assert_outcomes(passed=2)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)  # one that drew pictures may be about to end
        assert not thread.is_alive()


def test_the_marker_is_listed(project: pytest.Pytester) -> None:
    """Who asks pytest for its markers is told of this one, with examples."""
    ran = strictly(project, "--markers")
    ran.stdout.fnmatch_lines(["@pytest.mark.volcv_gateway(*): *LocalGateway*rate=5*"])


def test_the_plugin_needs_pytest_alone() -> None:
    """Neither Pillow nor another plugin for asynchronous tests is imported with it."""
    check = (
        "import sys, volcv_async.testing\n"
        "print(*sorted({'PIL', 'pytest_asyncio', 'cyclopts', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", check], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == ""
    assert testing.__all__ == sorted(testing.__all__)
