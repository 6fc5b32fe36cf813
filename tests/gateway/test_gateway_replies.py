"""Replies of success: their shape, their picture, its address, and Go's durations."""

import base64
import io
import re
import time
from typing import Any

import pytest
import yarl
from gateway_caller import V14, V20_PRO, V21, Caller, calling
from PIL import Image

from volcv_async.gateway import LocalGateway
from volcv_async.gateway.replies import go_duration

ENVELOPE = {"code", "data", "message", "request_id", "status", "time_elapsed"}
COMMON = {"algorithm_base_resp", "binary_data_base64", "predict_tags_result", "rephraser_result"}
URL = {"return_url": True}


@pytest.mark.parametrize(
    ("body", "names", "texts"),
    [
        (V14, set[str](), {"predict_tags_result", "rephraser_result"}),
        (V14 | {"use_rephraser": False, "use_predict_tags": False}, set[str](), set[str]()),
        (V20_PRO, {"pe_result"}, set[str]()),
        (V20_PRO | {"use_pre_llm": True}, {"pe_result"}, {"rephraser_result"}),
        (V21, {"pe_result", "llm_result"}, {"rephraser_result", "llm_result", "request_id"}),
        (V21 | {"use_pre_llm": False}, {"pe_result"}, {"request_id"}),
    ],
)
async def test_a_reply_has_the_fields_of_its_models_sample(
    body: dict[str, Any], names: set[str], texts: set[str]
) -> None:
    """Each model writes the texts that its sample shows, and those only."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        reply = (await caller.post(body)).json
        assert set(reply) == ENVELOPE
        assert (reply["code"], reply["status"], reply["message"]) == (10000, 10000, "Success")
        assert set(reply["data"]) == COMMON | {"request_id"} | names
        assert reply["data"]["algorithm_base_resp"] == {
            "status_code": 0,
            "status_message": "Success",
        }
        written = {
            name for name, value in reply["data"].items() if value and isinstance(value, str)
        }
        assert written == texts


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (V14, (512, 512)),
        (V14 | {"use_sr": True, "width": 128, "height": 200}, (256, 400)),
        (V20_PRO | {"width": 256, "height": 300}, (512, 600)),
        (V21 | {"width": 512, "height": 341}, (1024, 682)),
        (V21 | {"width": 288, "height": 512, "use_sr": False}, (288, 512)),
    ],
)
async def test_the_picture_has_the_size_asked_for(
    body: dict[str, Any], size: tuple[int, int]
) -> None:
    """Super-resolution doubles both sides; the 2.x models use it unless told not to."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        (encoded,) = (await caller.post(body)).json["data"]["binary_data_base64"]
        with Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as image:
            assert (image.format, image.size) == ("PNG", size)


async def test_a_seed_left_open_is_chosen_and_noted() -> None:
    """Two gateways of one seed choose the same seeds, another one others."""

    async def chosen(seed: int) -> list[str]:
        async with LocalGateway(latency=0, seed=seed) as gateway, calling(gateway) as caller:
            return [await noted(caller, "seed", V14 | extra) for extra in ({}, {"seed": -1})]

    first, again, other = await chosen(1), await chosen(1), await chosen(2)
    assert first == again
    assert first != other
    assert len(set(first)) == 2


async def noted(caller: Caller, name: str, body: dict[str, Any]) -> str:
    (encoded,) = (await caller.post(body)).json["data"]["binary_data_base64"]
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return str(image.info[name])


async def test_a_seed_that_was_sent_is_the_one_drawn() -> None:
    """The picture's metadata names the seed that was asked for."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert await noted(caller, "seed", V14 | {"seed": 7}) == "7"


async def ask_for_url(caller: Caller, body: dict[str, Any] = V21 | URL | {"seed": 3}) -> str:
    data = (await caller.post(body)).json["data"]
    assert data["binary_data_base64"] == []
    (url,) = data["image_urls"]
    return str(url)


async def test_an_address_is_shaped_like_the_providers() -> None:
    """Path with the request id, query with expiry and a signature that needs its quoting."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        url = await ask_for_url(caller)
        request_id = gateway.requests[0].request_id
        shape = (
            rf"http://127\.0\.0\.1:\d+/tos-cn-i-vuqhorh59i/{request_id}-0~tplv-vuqhorh59i-image"
            r"\.image\?rk3s=\w+&x-expires=(\d+)&x-signature=([A-Za-z0-9%]+)"
        )
        match = re.fullmatch(shape, url)
        assert match is not None
        assert abs(int(match[1]) - time.time() - 86_400) < 60
        assert {"%2B", "%2F", "%3D"} <= set(re.findall("%..", match[2]))


async def test_the_ampersands_of_an_address_are_escaped_in_the_raw_reply() -> None:
    r"""Go writes `\u0026`; whoever takes the address out without a JSON parser finds out."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        raw = (await caller.post(V21 | URL | {"prompt": "<a & b>"})).body
        assert b"\\u0026x-expires=" in raw
        assert b"&" not in raw
        assert b"<" not in raw


async def test_an_address_gives_the_picture_again_and_again_without_a_key() -> None:
    """It is drawn anew each time, to the same bytes, which a base64 reply gives too."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        url = await ask_for_url(caller)
        first, second = await caller.get(url), await caller.get(url)
        (encoded,) = (await caller.post(V21 | {"seed": 3})).json["data"]["binary_data_base64"]
        assert first.status == 200
        assert first.headers["Content-Type"] == "image/png"
        assert first.body == second.body == base64.b64decode(encoded)
        assert gateway.paid == 2


async def test_an_address_that_was_quoted_anew_is_forbidden() -> None:
    """The query has to come byte for byte as it was given out."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        url = await ask_for_url(caller)
        assert (await caller.get(str(yarl.URL(url)))).status == 403
        assert (
            await caller.get(re.sub(r"x-expires=\d+", "x-expires=9999999999", url))
        ).status == 403
        assert (await caller.get(re.sub(r"x-expires=\d+", "x-expires=soon", url))).status == 403
        assert (await caller.get(url.split("?")[0])).status == 403


async def test_an_address_dies() -> None:
    """After its lifetime the picture is forbidden."""
    async with LocalGateway(latency=0, url_lifetime=-1) as gateway, calling(gateway) as caller:
        assert (await caller.get(await ask_for_url(caller))).status == 403


async def test_an_address_that_was_never_given_out_is_not_found() -> None:
    """Another gateway's picture is not here."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        url = await ask_for_url(caller)
        other = url.replace(gateway.requests[0].request_id, "2024061214082851989A35E4283DB7C8AD")
        assert (await caller.get(other)).status == 404


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0µs"),
        (84.448e-6, "84.448µs"),
        (116.260108e-3, "116.260108ms"),
        (0.5, "500ms"),
        (16.52978614, "16.52978614s"),
        (62.5, "1m2.5s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, written: str) -> None:
    """The shapes that samples show."""
    assert go_duration(seconds) == written
