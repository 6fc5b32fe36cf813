"""The catalogue of faults, as data: what each is called, does, and costs."""

import difflib
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

Where: TypeAlias = Literal[
    "listener", "connection", "head", "body", "JSON", "picture", "limits", "service"
]


@attrs.frozen(kw_only=True)
class Fault:
    """One way in which a request can go wrong.

    Attributes:
        name: what it is asked for by.
        does: what it does, in a sentence.
        where: where it strikes. `listener` is the port, `connection` a connection as a whole,
            `head` and `body` the reply as HTTP sees it, `JSON` what stands in the body, `picture`
            the image, `limits` and `service` an answer that the provider gives instead.
        paid: whether a generation ran for a request that would have been accepted and met it.
    """

    name: str
    does: str
    where: Where
    paid: bool


def find_fault(name: str) -> Fault:
    """The fault of this name.

    Raises:
        ValueError: if there is none; it says which names are nearest.
    """
    if fault := FAULTS.get(name):
        return fault
    near = difflib.get_close_matches(name, FAULTS, n=3, cutoff=0.4)
    nearest = f" The nearest: {', '.join(near)}." if near else ""
    raise ValueError(f"There is no fault {name!r}.{nearest} `volcv serve --faults` lists all.")


def _faults(where: Where, *, paid: bool, **sentences: str) -> list[Fault]:
    return [Fault(name=name, does=does, where=where, paid=paid) for name, does in sentences.items()]


_ALL = [
    *_faults(
        "listener",
        paid=True,
        connection_refused="The request is answered, but the port closes for a while: "
        "who connects meanwhile is refused.",
        accept_queue_full="The request is answered, but for a while nothing is accepted and the "
        "queue of connections is full: who connects meanwhile gets no reply at all.",
        restart="The server restarts when the answer is ready: every connection is reset, what "
        "was in progress is lost and unpaid, and the port is closed for a while.",
    ),
    *_faults(
        "connection",
        paid=False,
        reset_at_accept="The connection is reset as soon as it is accepted, whatever it was for.",
    ),
    *_faults(
        "connection",
        paid=True,
        reset_after_request="The connection is reset in the place of the reply.",
        close_after_request="The connection is closed, orderly, in the place of the reply.",
        silence="Nothing comes back, and the connection stays open until the client goes.",
        unsolicited_reply="The reply comes, and comes again, unasked, when the connection is idle; "
        "only where the client keeps its connection.",
    ),
    *_faults(
        "head",
        paid=True,
        half_a_header="Half the head comes, then the connection is closed.",
        two_content_lengths="The head announces two lengths, the true one and half of it.",
        length_and_chunked="The head announces a length, and the body comes in chunks.",
        header_of_64_kb="The head holds a field of 64 KB.",
        headers_500="The head holds 500 fields more.",
    ),
    *_faults(
        "body",
        paid=True,
        reset_in_body="Half the body comes, then the connection is reset.",
        body_too_short="The whole body comes, but more was announced; then the connection is "
        "closed.",
        body_too_long="The whole body comes as announced, and then some bytes more.",
        chunk_cut_off="Half of a chunk comes, then the connection is closed.",
        bad_chunk_size="A chunk comes, then one whose size is no number.",
        body_until_close_cut="A body without a length, which ends with the connection, ends after "
        "half of it.",
        slow_drip="The head comes at once, the body byte by byte.",
        gzip_bomb="In the place of the body come 70 KB of gzip that unpack to 72 MiB, though no "
        "compression was asked for.",
        gzip_cut="The body is gzip, though no compression was asked for, and breaks off.",
    ),
    *_faults(
        "JSON",
        paid=True,
        not_utf8="The JSON holds bytes that are not UTF-8.",
        duplicate_keys="The JSON holds `code` twice, with two values.",
        nan="The JSON holds NaN.",
        deep_nesting="The JSON holds 100,000 arrays in one another.",
        number_of_5000_digits="The JSON holds a number of 5,000 digits.",
    ),
    *_faults(
        "picture",
        paid=True,
        wrong_magic="The picture begins with bytes that no picture begins with.",
        truncated_image="The picture ends after half of its bytes.",
        flipped_bit="One bit in the middle of the picture is another.",
        expired_url="The address of the picture is dead at once; only where an address was asked "
        "for.",
    ),
    *_faults(
        "limits",
        paid=False,
        rate_429="429 by the limit of the gateway before the service.",
        rate_429_retry_after_seconds="429 with `Retry-After`, in seconds.",
        rate_429_retry_after_date="429 with `Retry-After`, as a date.",
        rate_429_retry_after_negative="429 with a negative `Retry-After`.",
        rate_429_retry_after_absurd="429 with a `Retry-After` of three thousand years.",
        rate_429_empty="429 with an empty body.",
        code_50429_http_200="The service's refusal for the rate, with HTTP 200.",
        code_50430_http_200="The service's refusal for the calls in flight, with HTTP 200.",
    ),
    *_faults(
        "service",
        paid=False,
        html_200="A proxy's page of HTML with 200, whatever was asked.",
        html_502="nginx's page with 502, whatever was asked: nothing is behind it.",
        redirect_307="307 to another host, which counts what comes to it.",
        server_error_503="503: no channel serves this model now.",
        code_50412="The service refuses the prompt.",
    ),
    *_faults(
        "service",
        paid=True,
        html_504_paid="nginx's page with 504 in the place of the reply: the answer came too late "
        "for it.",
        code_50500="The service fails after it has drawn.",
        code_50511="The service refuses the picture that it has drawn.",
    ),
]

FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}
"""Every fault by its name."""
