# ruff: noqa: S101 - a test asserts
"""A test file of somebody's own: real sockets, no key, and every payment counted."""

import pytest

import volcv_async as volcv
from volcv_async.gateway import LocalGateway, Received, Reply, service_error


async def postcard(town: str) -> bytes | None:
    """The code under test, which finds its account in the environment."""
    async with volcv.Client() as client:
        try:
            generation = await client.generate(volcv.GeneralV21(prompt=f"a postcard of {town}"))
        except volcv.ContentRejectedError:
            return None
        return generation.image.data


async def moderation(received: Received) -> Reply | None:
    return service_error(50412) if "Atlantis" in (received.prompt or "") else None


async def test_a_postcard_is_a_png_and_costs_one_picture(volcv_environment: LocalGateway) -> None:
    data = await postcard("Whitby")
    assert data is not None
    assert data.startswith(b"\x89PNG")
    assert volcv_environment.paid_by_prompt == {"a postcard of Whitby": 1}


@pytest.mark.volcv_gateway(answer=moderation)
async def test_a_refused_postcard_costs_nothing(volcv_environment: LocalGateway) -> None:
    assert await postcard("Atlantis") is None
    assert volcv_environment.paid == 0


@pytest.mark.volcv_gateway(faults=["rate_429", "reset_in_body"])
async def test_a_postcard_that_was_lost_on_its_way_is_not_bought_twice(
    volcv_environment: LocalGateway,
) -> None:
    with pytest.raises(volcv.UnknownOutcomeError):  # after a refusal that cost only time
        await postcard("Whitby")
    assert volcv_environment.struck == {"rate_429": 1, "reset_in_body": 1}
    assert volcv_environment.paid == 1
