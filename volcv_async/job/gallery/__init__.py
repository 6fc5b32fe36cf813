"""The gallery of a job: one page with all its pictures, that fetches nothing from elsewhere.

``drawing`` puts the page together: ``page.html``, ``page.css`` and ``page.js`` as they lie here,
and the rows of the job as ``reading`` reads and ``packing`` packs them.
``thumbnails`` makes large pictures small, ``remaking`` says which command makes one again,
``origin`` tells the local gateway's pictures from a model's.
"""

from volcv_async.job.gallery.drawing import INDEX, draw_gallery
from volcv_async.job.gallery.origin import drawn_locally

__all__ = ["INDEX", "draw_gallery", "drawn_locally"]
