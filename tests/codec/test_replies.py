"""Replies to generations and errors."""

from __future__ import annotations

import base64
import io
import json
from datetime import UTC, datetime
from typing import Any

import PIL.Image
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

import volcv_async as volcv
from volcv_async.codec import decode
from volcv_async.reply import Reply

NOW = 1_795_000_000.0


def png(width: int = 8, height: int = 6) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (width, height), "teal").save(out, "PNG")
    return out.getvalue()


def reply(body: object, status: int = 200, **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): headers[name] for name in headers}, raw, NOW)


def sample(name: str, status: int) -> Reply:
    return reply((SAMPLES / f"{name}.response.json").read_bytes(), status)


def success(**data: object) -> dict[str, Any]:
    return {"code": 10000, "data": data, "message": "Success", "request_id": "r"}


def test_the_documented_reply_of_21_decodes_to_what_it_shows() -> None:
    """The sample of 2.1 decodes to its URL, ids, time and texts."""
    made = decode(sample("general_v21", 200))
    assert made == volcv.Generation(
        images=(volcv.Image(url="https://xxx", expires=datetime.fromtimestamp(NOW + 3600, UTC)),),
        request_id="2024111114552269F2FA168B2B322E00E8",
        time_elapsed=10.887140906,
        algorithm_request_id="6c2b84486031b7dcb011a9d1c8ed29e3777f25ca08db1f3e5e4b754df4718ee9",
        rephraser_result="历史战争风格，千军万马……",
        predict_tags_result="",
        pe_result="",
    )


def test_the_documented_reply_of_14_decodes_with_a_picture() -> None:
    """The sample of 1.4 decodes once a real picture stands in place of ``xxx``."""
    envelope = json.loads(sample("general_v14", 200).body)
    envelope["data"]["binary_data_base64"] = [base64.b64encode(png()).decode()]
    made = decode(reply(envelope))
    assert made.image == volcv.Image(data=png(), media_type="image/png", width=8, height=6)
    assert made.request_id == "2024061214082851989A35E4283DB7C8AD"
    assert made.time_elapsed == pytest.approx(16.52978614)
    assert "8 bytes" not in repr(made)
    assert f"<{len(png())} bytes>" in repr(made)


@pytest.mark.parametrize(
    ("name", "why"), [("general_v14", "no base64"), ("general_v20pro", "no image")]
)
def test_a_placeholder_is_no_image(name: str, why: str) -> None:
    """``xxx`` is no base64 and ``[""]`` no image: such a reply is unreadable, in doubt."""
    with pytest.raises(volcv.DecodeError, match=why) as caught:
        decode(sample(name, 200))
    assert caught.value.ending == "in doubt"
    assert caught.value.billed == "unknown"
    assert '"code": 10000' in caught.value.excerpt
    assert len(caught.value.excerpt) <= 200


FAILURES: list[tuple[str, int, type[volcv.VolcvError], dict[str, object]]] = [
    ("fail_service_50400_internal", 401, volcv.AccessDeniedError, {"code": 50400}),
    ("fail_service_50400_denied", 401, volcv.AccessDeniedError, {"code": 50400}),
    (
        "fail_service_50411",
        400,
        volcv.ContentRejectedError,
        {"stage": "input", "media": "image", "reason": "moderation", "billed": "no"},
    ),
    (
        "fail_service_50412",
        400,
        volcv.ContentRejectedError,
        {"stage": "input", "media": "text", "reason": "moderation", "ending": "rejected"},
    ),
    ("fail_service_50413_null_data", 400, volcv.ContentRejectedError, {"reason": "blocklist"}),
    ("fail_service_50413_object_data", 400, volcv.ContentRejectedError, {"reason": "blocklist"}),
    (
        "fail_service_50511",
        400,
        volcv.ContentRejectedError,
        {"stage": "output", "media": "image", "ending": "answered", "billed": "unknown"},
    ),
    ("fail_service_50512", 400, volcv.ContentRejectedError, {"stage": "output", "media": "text"}),
    ("fail_service_50518", 400, volcv.ContentRejectedError, {"reason": "copyright"}),
    (
        "fail_service_50519",
        400,
        volcv.ContentRejectedError,
        {"stage": "output", "reason": "copyright"},
    ),
    ("fail_service_50520", 400, volcv.ServerError, {"repeatable": False, "billed": "unknown"}),
    ("fail_service_50429", 429, volcv.RateLimitedError, {"repeatable": True, "billed": "no"}),
    ("fail_service_50430", 429, volcv.ConcurrencyLimitedError, {"repeatable": True}),
    ("fail_service_50430", 200, volcv.ConcurrencyLimitedError, {"http_status": 200}),
    ("fail_service_50500", 500, volcv.ServerError, {"repeatable": False, "ending": "answered"}),
    ("fail_service_50501_unknown_model", 500, volcv.ServerError, {"algorithm_code": 100202}),
    ("fail_service_50215_query", 400, volcv.InvalidRequestError, {"request_id": "xxx"}),
    ("fail_signature_100006", 403, volcv.AuthenticationError, {"code": "InvalidTimestamp"}),
    ("fail_signature_100009", 401, volcv.AuthenticationError, {}),
    (
        "fail_signature_100010",
        401,
        volcv.AuthenticationError,
        {"request_id": "20250612211650F6034647881AD3D59CF6"},
    ),
    ("fail_signature_100013", 403, volcv.AccessDeniedError, {}),
    ("fail_signature_100018", 429, volcv.RateLimitedError, {"repeatable": True}),
    ("fail_signature_business_code", 400, volcv.InvalidRequestError, {"code": "50215"}),
    ("fail_signature_no_coden", 404, volcv.InvalidRequestError, {"http_status": 404}),
    ("fail_gateway_401", 401, volcv.AuthenticationError, {"code": None}),
    ("fail_gateway_403_quota", 403, volcv.QuotaError, {"code": "insufficient_user_quota"}),
    ("fail_gateway_404_path", 404, volcv.InvalidRequestError, {"http_status": 404}),
    ("fail_gateway_429_concurrency", 429, volcv.ConcurrencyLimitedError, {"repeatable": True}),
    ("fail_gateway_429_user", 429, volcv.RateLimitedError, {"repeatable": True}),
    ("fail_gateway_503_no_channel", 503, volcv.ServerError, {"ending": "rejected"}),
    ("fail_gateway_503_one_api", 503, volcv.ServerError, {"repeatable": True}),
    ("fail_gateway_wrapped_50412", 400, volcv.ContentRejectedError, {"code": 50412}),
    ("fail_gateway_upstream_status", 400, volcv.InvalidRequestError, {"billed": "unknown"}),
    ("fail_gateway_upstream_status", 429, volcv.RateLimitedError, {"repeatable": True}),
    ("fail_gateway_null_code", 500, volcv.UnknownOutcomeError, {"ending": "in doubt"}),
]


@pytest.mark.parametrize(("name", "status", "kind", "facts"), FAILURES)
def test_each_failure_becomes_its_class(
    name: str, status: int, kind: type[volcv.VolcvError], facts: dict[str, object]
) -> None:
    """Each failure of the three layers becomes the class that its code stands for."""
    with pytest.raises(kind) as caught:
        decode(sample(name, status))
    error = caught.value
    assert type(error) is kind
    assert error.http_status == status
    assert error.provider_message
    assert error.provider_message in str(error)
    assert {fact: getattr(error, fact) for fact in facts} == facts


@pytest.mark.parametrize(
    ("body", "status", "kind", "says"),
    [
        (b"", 429, volcv.RateLimitedError, "too many calls"),
        (b"<html>502 Bad Gateway</html>", 502, volcv.UnknownOutcomeError, "no word"),
        (b"", 500, volcv.UnknownOutcomeError, "no word"),
        (b"", 599, volcv.UnknownOutcomeError, "no word"),
        (b"", 408, volcv.UnknownOutcomeError, "timed out"),
        (b"", 401, volcv.AuthenticationError, "VOLCV_API_KEY"),
        (b"", 402, volcv.QuotaError, "payment"),
        (b"", 403, volcv.AccessDeniedError, "CVFullAccess"),
        (b"[]", 404, volcv.InvalidRequestError, "path"),
        (b"{}", 405, volcv.InvalidRequestError, "POST"),
        (b"{}", 422, volcv.InvalidRequestError, "refused"),
        (b"", 503, volcv.ServerError, "not available"),
        (b"", 307, volcv.InvalidRequestError, "nowhere"),
        (b"<html>", 200, volcv.DecodeError, "no JSON"),
        (b"[]", 200, volcv.DecodeError, "no JSON object"),
        (b"{}", 200, volcv.DecodeError, "neither a code nor an error"),
        (b'{"code":true}', 200, volcv.DecodeError, "neither"),
        (b'{"code":10000,"code":10000}', 200, volcv.DecodeError, "twice"),
        (b'{"ResponseMetadata":{}}', 200, volcv.DecodeError, "no Error"),
        (b'{"ResponseMetadata":7}', 500, volcv.DecodeError, "no Error"),
        (b'{"ResponseMetadata":{"Error":{"CodeN":100012}}}', 403, volcv.AccessDeniedError, ""),
        (b'{"ResponseMetadata":{"Error":{"Code":"New"}}}', 504, volcv.UnknownOutcomeError, ""),
        (
            b'{"ResponseMetadata":{"Error":{"Code":"LackPolicy.x"}}}',
            403,
            volcv.AccessDeniedError,
            "",
        ),
        (b'{"code":50299}', 400, volcv.InvalidRequestError, ""),
        (b'{"code":"50412"}', 400, volcv.ContentRejectedError, "refused"),
        (b'{"code":50599,"data":[]}', 400, volcv.ServerError, "not documented"),
        (b'{"error":"plain words"}', 401, volcv.AuthenticationError, "plain"),
        (b'{"error":{"message":7,"code":7}}', 400, volcv.InvalidRequestError, ""),
        (b'{"error":{"code":"entitlement_x"}}', 403, volcv.QuotaError, "plan"),
        (b'{"error":{"code":"do_request_failed"}}', 500, volcv.UnknownOutcomeError, "lost"),
        (b'{"error":{"message":"?"}}', 200, volcv.DecodeError, "success beside it"),
        (b'{"code":10000,"data":null}', 200, volcv.DecodeError, "no data"),
        (b'{"code":10000,"data":{}}', 200, volcv.DecodeError, "no image"),
        (b'{"code":10000,"data":{"image_urls":"x"}}', 200, volcv.DecodeError, "no image"),
        (b'{"code":10000,"data":{"binary_data_base64":"x"}}', 200, volcv.DecodeError, "list"),
        (b'{"error":{"code":"upstream_timeout"}}', 503, volcv.ServerError, "not available"),
        (b'{"error":{"code":503}}', 503, volcv.ServerError, "not available"),
        (b'{"code":10000,"data":{"image_urls":[7]}}', 200, volcv.DecodeError, "str was expected"),
        (b'{"code":10000,"data":{"binary_data_base64":[7]}}', 200, volcv.DecodeError, "base64"),
    ],
)
def test_whatever_else_comes_becomes_one_of_our_errors(
    body: bytes, status: int, kind: type[volcv.VolcvError], says: str
) -> None:
    """Any other body is judged by its shape, and by the HTTP status where it says nothing."""
    with pytest.raises(kind) as caught:
        decode(reply(body, status))
    assert type(caught.value) is kind
    assert says.lower() in str(caught.value).lower()


def test_success_is_decided_by_the_code_alone() -> None:
    """Code 10000 is success whatever the HTTP status, also as a text of digits."""
    made = decode(reply({**success(image_urls=["https://x/y"]), "code": "10000"}, 500))
    assert made.image.url == "https://x/y"


def test_unknown_fields_are_kept() -> None:
    """What has no place of its own is kept, the envelope's under another name if need be."""
    body = {**success(image_urls=["https://x"], new={"a": 1}, task_id="in"), "task_id": "out"}
    assert decode(reply({**body, "trace": 7})).extra == {
        "new": {"a": 1},
        "task_id": "in",
        "envelope.task_id": "out",
        "trace": 7,
    }


@pytest.mark.parametrize("name", ["xl_pro_i2i", "img2img_style_echo", "inpainting_edit"])
def test_replies_of_siblings_decode(name: str) -> None:
    """Replies with echoes, dotted and numeric keys, and both kinds of image decode to their URL."""
    made = decode(sample(name, 200))
    assert made.image.url == "https://xxx"


def test_the_expiry_is_read_from_the_url() -> None:
    """``x-expires`` is when the URL dies; what cannot be read counts as an hour."""
    stated = "https://p3/x.image?rk3s=1&x-expires=1795086415&x-signature=a%2Bb%3D"
    urls = [stated, "https://p3/x?x-expires=soon", "https://p3/x?x-expires=" + "9" * 30, "http://["]
    images = decode(reply(success(image_urls=urls))).images
    assert images[0].url == stated
    assert images[0].expires == datetime.fromtimestamp(1795086415, UTC)
    hour = datetime.fromtimestamp(NOW + 3600, UTC)
    assert [image.expires for image in images[1:]] == [hour, hour, hour]


def test_a_side_field_of_a_wrong_type_costs_no_image() -> None:
    """A mistyped text, id, flag or time is kept as it came; the image is read all the same."""
    body = success(
        image_urls="none",
        binary_data_base64=[base64.b64encode(png()).decode()],
        pe_result=[],
        request_id=7,
        aigc_meta_tagged="x",
        llm_result=None,
    )
    made = decode(reply({**body, "time_elapsed": int("9" * 400)}))
    assert made.image.data == png()
    assert made.time_elapsed is None
    assert made.extra == {
        "image_urls": "none",
        "pe_result": [],
        "request_id": 7,
        "aigc_meta_tagged": "x",
    }


@pytest.mark.parametrize("before", ["", "data:image/png;base64,"])
def test_base64_in_lines_or_with_a_prefix_is_read(before: str) -> None:
    """A paid image is not lost for line breaks in its base64, or a prefix before it."""
    text = before + base64.encodebytes(png()).decode()
    assert decode(reply(success(binary_data_base64=[text]))).image.data == png()


def test_long_words_are_cut_between_two_of_them() -> None:
    """The provider's words are cut to a line or five in the text, and kept whole beside it."""
    words = "word " * 400
    with pytest.raises(volcv.ServerError) as caught:
        decode(reply({"code": 50500, "message": words}, 500))
    assert caught.value.provider_message == words
    assert "wor)" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_empty_entries_are_no_images() -> None:
    """Empty entries in a list of images are passed over."""
    data = success(image_urls=["", None], binary_data_base64=["", base64.b64encode(png()).decode()])
    assert [image.data for image in decode(reply(data)).images] == [png()]


def test_what_is_no_picture_is_a_broken_image_and_the_good_ones_are_kept() -> None:
    """Base64 of something else is a broken, paid image; the others are in the error."""
    texts = [base64.b64encode(blob).decode() for blob in (b"GIF89a", png(), b"junk")]
    with pytest.raises(volcv.BrokenImageError) as caught:
        decode(reply(success(binary_data_base64=texts)))
    assert caught.value.billed == "yes"
    assert caught.value.data == b"GIF89a"
    assert caught.value.request_id == "r"
    kept = caught.value.generation
    assert isinstance(kept, volcv.Generation)
    assert [image.width for image in kept.images] == [None, 8, None]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("-5", None),
        ("soon", None),
        ("9" * 40, None),
        ("86401", None),
        ("", None),
        ("Wed, 18 Nov 2026 10:00:00 GMT", None),
        ("Wed, 18 Nov 2026 11:07:10 GMT", 30.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float | None) -> None:
    """``Retry-After`` is read as seconds or as a date; what is absurd or past says nothing."""
    with pytest.raises(volcv.RateLimitedError) as caught:
        decode(reply(b"", 429, retry_after=header))
    assert caught.value.retry_after == seconds


def test_a_redirect_names_its_target() -> None:
    """A redirect is refused, naming where it leads."""
    with pytest.raises(volcv.InvalidRequestError, match="https://elsewhere"):
        decode(reply(b"", 302, location="https://elsewhere"))


@given(st.binary(max_size=200), st.integers(200, 599))
def test_any_bytes_are_a_generation_or_one_of_our_errors(body: bytes, status: int) -> None:
    """Whatever comes, decoding gives a generation or one of our errors, never anything else."""
    with pytest.raises(volcv.VolcvError):
        decode(reply(body, status))


JSON_TEXTS = st.text(max_size=5) | st.sampled_from(["https://x", "eHh4", "10000", "50412", "xxx"])
LEAVES = st.none() | st.booleans() | st.integers() | JSON_TEXTS
NAMES = st.sampled_from(
    [
        "code",
        "data",
        "error",
        "ResponseMetadata",
        "Error",
        "Code",
        "CodeN",
        "image_urls",
        "binary_data_base64",
        "request_id",
        "time_elapsed",
        "algorithm_base_resp",
        "status_code",
    ]
)


@given(
    st.dictionaries(
        NAMES,
        st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)),
    ),
    st.sampled_from([10000, 50429, "x", None]),
    st.integers(200, 599),
)
def test_any_envelope_is_a_generation_or_one_of_our_errors(
    envelope: dict[str, object], code: object, status: int
) -> None:
    """Whatever shape the known fields take, nothing but ours comes out."""
    try:
        made = decode(reply({"code": code, **envelope}, status))
    except volcv.VolcvError as error:
        assert str(error)
    else:
        assert made.images
