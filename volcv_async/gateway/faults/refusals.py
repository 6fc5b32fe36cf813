"""Faults in front of the provider: it never hears of the request, and nothing is paid."""

import time
from collections.abc import Callable, Mapping
from email.utils import formatdate

from volcv_async.gateway.answers import Canned, gateway_error, service_error
from volcv_async.gateway.faults.times import FaultTimes

_HTML: Mapping[str, str] = {"Content-Type": "text/html"}
_SIGN_IN = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n"
)
_LIMIT = "您已达到请求数限制"
_NO_CHANNEL = "No available channel for model cv under group default (distributor)"

_RETRY_AFTER: Mapping[str, Callable[[FaultTimes], str]] = {
    "rate_429_retry_after_seconds": lambda times: str(times.retry_after),
    "rate_429_retry_after_date": lambda times: formatdate(
        time.time() + times.retry_after, usegmt=True
    ),
    "rate_429_retry_after_negative": lambda _: "-5",
    "rate_429_retry_after_absurd": lambda _: "99999999999",
}
_CODES: Mapping[str, tuple[int, int | None]] = {
    "code_50429_http_200": (50429, 200),
    "code_50430_http_200": (50430, 200),
    "code_50412": (50412, None),
}


def nginx(status: int, reason: str) -> Canned:
    """The page that nginx shows when what is behind it fails (community, see its 502)."""
    title = f"{status} {reason}"
    body = (
        f"<html>\n<head><title>{title}</title></head>\n<body>\n"
        f"<center><h1>{title}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"
    )
    return Canned(status=status, body=body.encode(), headers=_HTML)


def redirect(location: str) -> Canned:
    """307: the same request, please, over there."""
    return Canned(status=307, headers={"Location": location})


_PAGES: Mapping[str, Canned] = {
    "html_200": Canned(body=_SIGN_IN, headers=_HTML),
    "html_502": nginx(502, "Bad Gateway"),
    "rate_429_empty": Canned(status=429),
    "reset_at_accept": Canned(),  # never written
}

NAMES = frozenset({"rate_429", "server_error_503", "redirect_307", *_PAGES, *_RETRY_AFTER, *_CODES})
"""The faults of this room."""


def refusal(name: str, request_id: str, times: FaultTimes) -> Canned:
    """What is said in the provider's place; of `redirect_307`, see `redirect`."""
    if name in _PAGES:
        return _PAGES[name]
    if name in _CODES:
        code, http_status = _CODES[name]
        return service_error(code, http_status=http_status, request_id=request_id)
    if name == "server_error_503":
        return gateway_error(503, _NO_CHANNEL, code="model_not_found", request_id=request_id)
    return _limited(_RETRY_AFTER.get(name), request_id, times)


def _limited(
    retry_after: Callable[[FaultTimes], str] | None, request_id: str, times: FaultTimes
) -> Canned:
    """429 as new-api words it (community); its limiters set no `Retry-After`, others do."""
    said = gateway_error(429, _LIMIT, code="", request_id=request_id)
    extra = {} if retry_after is None else {"Retry-After": retry_after(times)}
    return Canned(
        status=said.status,
        body=said.body,
        headers={**said.headers, **extra},
        code=said.code,
        request_id=request_id,
        why=said.why,
    )
