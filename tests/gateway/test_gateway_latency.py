"""How long generations take."""

import statistics
from random import Random

import pytest
from gateway_caller import V14, calling

from volcv_async.gateway import Constant, LocalGateway, Spread
from volcv_async.gateway.latency import MEDIANS


@pytest.mark.parametrize("req_key", MEDIANS)
def test_the_spread_lies_around_the_models_sample(req_key: str) -> None:
    """The median is the documented one, and nothing leaves the bounds."""
    generator = Random(0)
    drawn = [Spread().draw(req_key, generator) for _ in range(4000)]
    assert statistics.median(drawn) == pytest.approx(MEDIANS[req_key], rel=0.05)
    assert 2 <= min(drawn) < max(drawn) <= 40


def test_the_time_scale_multiplies_the_spread() -> None:
    """A hundredth of the provider's time, draw for draw."""
    slow = Spread().draw("high_aes_general_v14", Random(1))
    fast = Spread(time_scale=0.01).draw("high_aes_general_v14", Random(1))
    assert fast == pytest.approx(slow / 100)


@pytest.mark.parametrize("bad", [{"latency": -1.0}, {"time_scale": -0.1}])
def test_times_that_cannot_be_are_refused(bad: dict[str, float]) -> None:
    """Nothing is faster than at once."""
    with pytest.raises(ValueError, match=">= 0"):
        LocalGateway(latency=bad.get("latency"), time_scale=bad.get("time_scale", 1.0))


async def test_a_constant_latency_is_taken_as_it_is() -> None:
    """The time scale is for the provider's own spread only."""
    async with LocalGateway(latency=0.05, time_scale=0) as gateway, calling(gateway) as caller:
        await caller.post(V14)
        received = gateway.requests[0]
        assert received.finished is not None
        assert received.finished - received.at >= 0.05


async def test_a_distribution_of_ones_own_is_asked_for_each_generation() -> None:
    """It hears the model's key, and the same generator gives the same draws."""

    class Noted:
        def __init__(self) -> None:
            self.draws: list[tuple[str, float]] = []

        def draw(self, req_key: str, generator: Random) -> float:
            self.draws.append((req_key, generator.random()))
            return 0.0

    first, second = Noted(), Noted()
    for noted in (first, second):
        async with LocalGateway(latency=noted, seed=5) as gateway, calling(gateway) as caller:
            await caller.post(V14)
            await caller.post(V14 | {"prompt": ""})
            await caller.post(V14)
    assert [req_key for req_key, _ in first.draws] == ["high_aes_general_v14"] * 2
    assert first.draws == second.draws
    assert Constant(1.5).draw("any", Random()) == 1.5
