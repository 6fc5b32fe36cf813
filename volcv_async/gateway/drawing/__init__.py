"""Drawing: from a subject to a labelled PNG, in a few milliseconds. The only user of Pillow."""

from volcv_async.gateway.drawing.png import LABEL, draw

__all__ = ["LABEL", "draw"]
