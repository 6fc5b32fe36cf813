"""A bulk job: a prompt list in, a folder of images out.

``readers`` reads lists; ``running`` carries each outcome of a stream to the ``sink``, which keeps
its ``pictures`` and its ``rows``; ``report`` counts; ``gallery`` draws the page. ``single`` is a
job of one.
"""

from volcv_async.job.gallery import draw_gallery
from volcv_async.job.pictures import Kept
from volcv_async.job.readers import read_prompts
from volcv_async.job.report import JobReport, Tally, duration
from volcv_async.job.running import run
from volcv_async.job.single import keep_one, refuse_taken
from volcv_async.job.sink import refuse_used

__all__ = [
    "JobReport",
    "Kept",
    "Tally",
    "draw_gallery",
    "duration",
    "keep_one",
    "read_prompts",
    "refuse_taken",
    "refuse_used",
    "run",
]
