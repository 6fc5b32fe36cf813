"""The codec: a request to the bytes that go out, a reply to a ``Generation`` or one of our errors.

Pure: no sockets, no loop, no clock. What it decides about the wire:

* Requests go out as compact UTF-8 JSON with real booleans, non-ASCII as it is, and without what was
  not set.
* ``code == 10000`` is success, whatever the HTTP status; ``[""]`` is no image; a URL is taken
  before base64.
* JSON is read strictly: a name that stands twice, NaN, nesting without end and broken UTF-8 make a
  reply unreadable.
* Base64 is checked, and what it decodes to must be a whole picture.
* Unknown fields are kept.
"""

from volcv_async.codec.replies import decode
from volcv_async.codec.requests import encode

__all__ = ["decode", "encode"]
