"""Which fault strikes next: reproducibly, at the rates that were asked for, or as scripted."""

import asyncio
from collections import Counter

import pytest
from bare_caller import ask

from volcv_async.gateway import FAULTS, Faults, FaultTimes, LocalGateway
from volcv_async.gateway.faults import parse_rates
from volcv_async.gateway.faults.draws import Draws, pick


def drawn(draws: Draws, times: int) -> list[str | None]:
    return [draws.next() for _ in range(times)]


RATES = {"reset_in_body": 0.2, "html_502": 0.1}


def test_equal_seeds_draw_equal_faults() -> None:
    """Another seed draws others."""
    first = drawn(Draws(7, RATES), 200)
    assert drawn(Draws(7, RATES), 200) == first
    assert drawn(Draws(8, RATES), 200) != first


def test_each_fault_is_drawn_at_its_rate() -> None:
    """Ten thousand draws come within a fiftieth of what was asked for."""
    counted = Counter(drawn(Draws(0, RATES), 10_000))
    assert counted["reset_in_body"] == pytest.approx(2_000, abs=200)
    assert counted["html_502"] == pytest.approx(1_000, abs=200)
    assert counted.keys() == {None, *RATES}


def test_a_share_begins_where_the_one_before_it_ends() -> None:
    """Shares lie side by side from 0, and what is above them is no fault."""
    assert pick(RATES, 0.0) == "reset_in_body"
    assert pick(RATES, 0.2) == "html_502"
    assert pick(RATES, 0.31) is None


def test_a_rate_of_one_strikes_every_request_and_of_none_never() -> None:
    """The ends of the scale are sure."""
    assert set(drawn(Draws(0, {"silence": 1.0, "html_502": 0.0}), 100)) == {"silence"}
    assert set(drawn(Draws(0, {}), 100)) == {None}


def test_changing_the_faults_moves_no_later_draw() -> None:
    """An outage in between is followed by what would have followed without it."""
    draws = Draws(3, RATES)
    seen = drawn(draws, 20)
    draws.change({"html_502": 1.0})
    assert drawn(draws, 20) == ["html_502"] * 20
    draws.change(RATES)
    without = drawn(Draws(3, RATES), 60)
    assert seen + drawn(draws, 20) == without[:20] + without[40:]


def test_a_script_goes_from_its_beginning_to_its_end() -> None:
    """Then nothing goes wrong any more; one that is set later begins when it is set."""
    draws = Draws(0, ["silence", None, "nan"])
    assert drawn(draws, 5) == ["silence", None, "nan", None, None]
    draws.change(("html_502",))
    assert drawn(draws, 2) == ["html_502", None]


def test_a_function_is_asked_once_for_each_request_by_its_place() -> None:
    """Places count from 0; that a connection looks at what is coming asks for nothing more."""
    asked: list[int] = []

    def every_other(place: int) -> str | None:
        asked.append(place)
        return "nan" if place % 2 else None

    draws = Draws(0, every_other)
    assert not draws.resets_at_accept()
    assert drawn(draws, 4) == [None, "nan", None, "nan"]
    assert asked == [0, 1, 2, 3]


def test_a_connection_takes_a_draw_only_if_it_is_reset_by_it() -> None:
    """What is drawn for a request waits until one arrives."""
    draws = Draws(0, ["reset_at_accept", "nan"])
    assert draws.resets_at_accept()
    assert not draws.resets_at_accept()
    assert draws.next() == "nan"


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({"reset_in_boddy": 0.1}, "no fault 'reset_in_boddy'. The nearest: reset_in_body"),
        (["xyzzy"], r"no fault 'xyzzy'\. `volcv serve --faults` lists all"),
        ({"html_502": 1.1}, "rate of html_502 must be a share of 0 to 1, not 1.1"),
        ({"html_502": -0.1}, "not -0.1"),
        ({"html_502": float("nan")}, "not nan"),
        ({"html_502": 0.6, "silence": 0.6}, "together must be at most 1, not 1.2"),
        ("html_502", r"for always, \{'html_502': 1.0\}"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(faults: Faults, says: str) -> None:
    """The error says what is wrong, and names what is nearest; what was set before stays."""
    with pytest.raises(ValueError, match=says):
        LocalGateway(faults=faults)
    gateway = LocalGateway(faults=["nan"])
    with pytest.raises(ValueError, match=says):
        gateway.faults = faults
    assert gateway.faults == ["nan"]


def test_what_a_function_names_wrongly_is_refused_when_it_is_asked() -> None:
    """The name cannot be known before."""
    draws = Draws(0, lambda _: "xyzzy")
    with pytest.raises(ValueError, match="no fault 'xyzzy'"):
        draws.next()


def test_rates_are_read_from_pairs() -> None:
    """As the command takes them."""
    assert parse_rates(["html_502:0.25", "nan:.5"]) == {"html_502": 0.25, "nan": 0.5}
    assert parse_rates([]) == {}


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("html_502", "html_502 has no rate. Write it as html_502:0.1"),
        ("html_502:often", "rate of html_502 must be a number, not 'often'"),
        ("html_502:2", "must be a share of 0 to 1, not 2.0"),
        ("html_503:0.1", "no fault 'html_503'. The nearest: html_502"),
    ],
)
def test_a_pair_that_is_none_is_refused(pair: str, says: str) -> None:
    """The error shows how it is written."""
    with pytest.raises(ValueError, match=says):
        parse_rates([pair])


def test_times_that_cannot_be_are_refused() -> None:
    """No pause is negative."""
    with pytest.raises(ValueError, match="'closed' must be >= 0"):
        FaultTimes(closed=-0.1)
    with pytest.raises(ValueError, match="'drip' must be >= 0"):
        FaultTimes(drip=-0.1)
    with pytest.raises(ValueError, match="'idle' must be >= 0"):
        FaultTimes(idle=-0.1)


def test_the_catalogue_is_keyed_by_name_and_says_what_each_does() -> None:
    """A sentence each."""
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.does.endswith(".")


async def test_draws_follow_the_order_of_arrival_at_the_gateway() -> None:
    """What the gateway draws is what its seed says, request by request."""
    rates = {"html_502": 0.4}
    async with LocalGateway(latency=0, seed=5, faults=rates) as gateway:
        for _ in range(12):
            await ask(gateway)
        assert [r.fault for r in gateway.requests] == drawn(Draws(5, rates), 12)
        await asyncio.gather(*(ask(gateway) for _ in range(12)))
        assert [r.fault for r in gateway.requests] == drawn(Draws(5, rates), 24)
