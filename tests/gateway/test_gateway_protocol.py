"""What the gateway asks of a request, and how it words a refusal."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from gateway_caller import QUERY, V14, V20_PRO, V21, calling

from volcv_async.gateway import LocalGateway, service_error

REQUEST_ID = re.compile(r"20\d{12}[0-9A-F]{20}")


Body = Mapping[str, Any]


async def refused(
    body: Body | bytes,
    *,
    query: Mapping[str, str] = QUERY,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
) -> tuple[int, Body]:
    """What the gateway answers to a request that it must refuse, and must not charge."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        answered = await caller.post(body, query=query, headers=headers, method=method)
        assert gateway.paid == 0
        assert gateway.requests[0].status == answered.status
        return answered.status, answered.json


@pytest.mark.parametrize("body", [V14, V20_PRO, V21])
async def test_the_smallest_body_of_each_model_is_accepted(body: dict[str, Any]) -> None:
    """What the pages require is enough."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post(body)).json["code"] == 10000


async def test_every_documented_field_is_accepted() -> None:
    """The full body of the 2.1 sample, and fields nobody knows, are taken."""
    body = V21 | {
        "model_version": "general_v2.1_L",
        "req_schedule_conf": "general_v20_9B_pe",
        "llm_seed": -1,
        "seed": -1,
        "scale": 3,
        "ddim_steps": 25,
        "width": 512,
        "height": 512,
        "use_pre_llm": True,
        "use_sr": True,
        "sr_seed": -1,
        "sr_strength": 0.4,
        "sr_scale": 3.5,
        "sr_steps": 20,
        "is_only_sr": False,
        "return_url": True,
        "logo_info": {
            "add_logo": False,
            "position": 0,
            "language": 0,
            "opacity": 0.3,
            "logo_text_content": "This is a visible watermark",
        },
        "aigc_meta": {"producer_id": "p", "content_producer": "c"},
        "newer_than_this_gateway": [{"a": None}],
    }
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post(body)).json["code"] == 10000


@pytest.mark.parametrize("path", ["/", "/volcv/v1/", "/volcv/v2", "/v1/images/generations"])
async def test_a_wrong_path_is_answered_in_the_gateway_layer(path: str) -> None:
    """404 names the method and the path, has no code, and nothing enters the ledger."""
    async with LocalGateway() as gateway, calling(gateway) as caller:
        answered = await caller.post(V21, url=gateway.url.replace("/volcv/v1", path))
        assert answered.status == 404
        message = answered.json["error"]["message"]
        assert message == f"Invalid URL (POST {path}), you may need [POST /volcv/v1]"
        assert gateway.requests == []


async def test_a_get_on_the_paid_path_is_an_invalid_url() -> None:
    """Only POST is served there, but what came is in the ledger."""
    status, body = await refused(b"", method="GET")
    assert (status, body["error"]["message"][:29]) == (404, "Invalid URL (GET /volcv/v1), ")


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "local-key", "Basic bG9jYWw="])
async def test_a_wrong_key_is_a_401_of_the_gateway_layer(authorization: str | None) -> None:
    """The key is asked for before the body is looked at."""
    headers = {} if authorization is None else {"Authorization": authorization}
    status, body = await refused(b"no JSON", headers=headers)
    assert status == 401
    assert body["error"]["code"] == ""
    assert body["error"]["type"] == "new_api_error"
    assert re.fullmatch(
        rf"Invalid token \(request id: {REQUEST_ID.pattern}\)", body["error"]["message"]
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"prompt": NaN}',
        b'{"prompt": "\xff"}',
        b'{"prompt": "\\ud800"}',
        b'{"a":' * 100_000,
    ],
    ids=["empty", "cut", "list", "null", "NaN", "not UTF-8", "lone surrogate", "deep"],
)
async def test_what_is_no_json_object_is_a_bad_request_body(raw: bytes) -> None:
    """Anything but one strict JSON object is refused by the gateway layer."""
    status, body = await refused(raw)
    assert (status, body["error"]["code"]) == (400, "bad_request_body")


async def test_a_body_must_say_that_it_is_json() -> None:
    """The documented Content-Type is asked for."""
    headers = {"Authorization": "Bearer local-key", "Content-Type": "text/plain"}
    status, body = await refused(V21, headers=headers)
    assert (status, body["error"]["code"]) == (400, "bad_request_body")


@pytest.mark.parametrize(
    "query", [{}, QUERY | {"Action": "CVProces"}, QUERY | {"Version": "2024-06-06"}]
)
async def test_an_unknown_action_is_answered_in_the_signature_layer(
    query: dict[str, str],
) -> None:
    """Action and Version have to be the documented ones."""
    status, body = await refused(V21, query=query)
    assert status == 404
    error = body["ResponseMetadata"]["Error"]
    assert (error["CodeN"], error["Code"]) == (100008, "InvalidActionOrVersion")
    action, version = query.get("Action", ""), query.get("Version", "")
    assert error["Message"] == f"Could not find operation {action} for version {version}."


@pytest.mark.parametrize("req_key", ["high_aes_general_v99", "", None, 7, ["high_aes_general_v14"]])
async def test_an_unknown_req_key_is_access_denied(req_key: object) -> None:
    """HTTP 401 with the service's 50400, as the real one does it."""
    status, body = await refused({"req_key": req_key, "prompt": "a cat"})
    assert (status, body["code"], body["status"]) == (401, 50400, 50400)
    assert body["message"] == "Access Denied: Internal Error"
    assert body["data"] is None
    assert REQUEST_ID.fullmatch(body["request_id"])


def without(body: Body, name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


FAULTS: list[tuple[Body, str]] = [
    (without(V21, "prompt"), "prompt is missing"),
    (V21 | {"prompt": ""}, "prompt: is empty"),
    (V21 | {"prompt": 42}, "prompt: must be str, not int"),
    (without(V14, "model_version"), "model_version is missing"),
    (V14 | {"scale": 30.5}, "scale: 30.5 is not in [1, 30]"),
    (V14 | {"ddim_steps": 0}, "ddim_steps: 0 is not in [1, 50]"),
    (V14 | {"width": 127}, "width: 127 is not in [128, 768]"),
    (V14 | {"height": 769}, "height: 769 is not in [128, 768]"),
    (V14 | {"sr_strength": 1.1}, "sr_strength: 1.1 is not in [0, 1]"),
    (V20_PRO | {"width": 255}, "width: 255 is not in [256, 768]"),
    (V21 | {"seed": 1.0}, "seed: must be int, not float"),
    (V21 | {"seed": True}, "seed: must be int, not bool"),
    (V21 | {"scale": True}, "scale: must be float, not bool"),
    (V21 | {"scale": "3.5"}, "scale: must be float, not str"),
    (V21 | {"use_sr": 1}, "use_sr: must be bool, not int"),
    (V21 | {"width": None}, "width: must be int, not NoneType"),
    (V21 | {"width": 0}, "width: 0 is not in [64, 2048]"),
    (V21 | {"logo_info": []}, "logo_info: must be dict, not list"),
    (V21 | {"logo_info": {"opacity": 2}}, "logo_info: opacity: 2 is not in [0, 1]"),
    (V21 | {"aigc_meta": {}}, "aigc_meta: producer_id is missing"),
]


@pytest.mark.parametrize(("body", "why"), FAULTS)
async def test_a_bad_field_is_input_invalid(body: dict[str, Any], why: str) -> None:
    """The reply says as little as the provider's; the ledger says which field it was."""
    async with LocalGateway() as gateway, calling(gateway) as caller:
        answered = await caller.post(body)
        assert (answered.status, answered.json["code"]) == (400, 50215)
        assert answered.json["message"] == "Input invalid for this service."
        assert gateway.requests[0].why == why
        assert gateway.paid == 0


@pytest.mark.parametrize(
    "body",
    [
        V20_PRO | {"scale": 50, "ddim_steps": 500},
        V21 | {"scale": 50, "ddim_steps": 500, "width": 100, "height": 800, "use_sr": False},
        V21 | {"req_schedule_conf": "newer", "model_version": "newer", "seed": -7},
        V21 | {"prompt": " "},
    ],
)
async def test_ranges_that_only_the_community_knows_are_not_enforced(
    body: dict[str, Any],
) -> None:
    """A client may warn of these, but the gateway does not refuse what the provider might take."""
    async with LocalGateway(latency=0) as gateway, calling(gateway) as caller:
        assert (await caller.post(body)).json["code"] == 10000


def test_a_service_error_knows_its_documented_status_and_message() -> None:
    """One call builds the envelope for a code."""
    canned = service_error(50430)
    assert canned.status == 429
    assert b'"message":"Request Has Reached API Concurrent Limit, Please Try Later"' in canned.body
    assert not canned.paid


def test_a_service_error_can_stand_under_another_http_status() -> None:
    """A failure under HTTP 200 is one call."""
    canned = service_error(50430, http_status=200, message="busy", data={"resp_data": ""})
    assert canned.status == 200
    assert b'"data":{"resp_data":""},"message":"busy"' in canned.body


def test_a_service_error_of_an_unknown_code_is_unknown() -> None:
    """Codes that nobody has documented can be tried as well."""
    canned = service_error(60001, request_id="r")
    assert (canned.status, canned.code, canned.request_id) == (500, 60001, "r")
    assert b"Unknown Error" in canned.body
