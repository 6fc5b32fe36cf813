"""A reply as it came over the wire: status, headers, bytes. Nothing is read into it here."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Reply:
    """One HTTP reply.

    Attributes:
        status: The HTTP status.
        headers: The headers, by lower-cased name.
        body: The body, whole and decompressed.
        received: When it was read, in Unix seconds.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=lambda body: f"<{len(body)} bytes>")
    received: float

    @property
    def media_type(self) -> str:
        """The media type that the headers state, lower-cased and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
