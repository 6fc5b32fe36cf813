"""Addresses of pictures: shaped like the provider's, signed, good for a while, checked exactly."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import quote

import attrs

BUCKET = "/tos-cn-i-vuqhorh59i"
_ENDING = "-0~tplv-vuqhorh59i-image.image"


@attrs.frozen
class Links:
    """Makes addresses and knows its own again.

    Attributes:
        secret: what the signatures are made with.
    """

    secret: bytes = attrs.field(repr=False)

    def path_and_query(self, request_id: str, expires: int) -> str:
        """The address of one picture below the server's origin.

        The signature always holds `%2B`, `%2F` and `%3D`, so that a client which quotes the
        address anew asks for another one.

        Args:
            request_id: whose picture it is.
            expires: when the address dies, in seconds since 1970.
        """
        signature = quote(self._signature(request_id, expires), safe="")
        query = f"rk3s=8e244e95&x-expires={expires}&x-signature={signature}"
        return f"{BUCKET}/{request_id}{_ENDING}?{query}"

    def accepts(self, asked: str, query: Mapping[str, str], request_id: str, now: float) -> bool:
        """Whether `asked`, as it stood in the request line, is an address that still lives."""
        expires = query.get("x-expires", "")
        if not (expires.isascii() and expires.isdigit()):
            return False
        return asked == self.path_and_query(request_id, int(expires)) and now < int(expires)

    def _signature(self, request_id: str, expires: int) -> str:
        digest = hmac.digest(self.secret, f"{request_id}/{expires}".encode(), "sha256")
        return base64.b64encode(digest[:9] + b"\xfb\xef\xff" + digest[9:17]).decode()


def request_id_of(name: str) -> str:
    """The request id in the last part of an address's path."""
    return name.removesuffix(_ENDING)
