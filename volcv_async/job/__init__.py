"""A bulk job: a prompt list in, a folder of images out, and a journal that knows what was paid for.

    list ─ readers ▶ books.due ▶ stream ▶ running ▶ sink (pictures, rows) ▶ books.settle ▶ report
                       │   ▲ sending, answered, ended                          │
                       ▼   │                                                   ▼
                     journal ─ records (journal.sqlite) ─────────────────────────

``identity`` says which request is which, ``going_on`` what the next run does with each;
``recovery`` mends what a run that died left behind, ``fetching`` fetches what it paid for.
``survey`` looks ahead, ``status`` looks back, ``gallery`` draws the page. ``single`` is a job of
one.
"""

from volcv_async.job.books import Seeds
from volcv_async.job.gallery import draw_gallery
from volcv_async.job.going_on import Wishes
from volcv_async.job.pictures import Kept
from volcv_async.job.readers import read_prompts
from volcv_async.job.report import JobReport, Tally, duration
from volcv_async.job.running import run
from volcv_async.job.single import keep_one, refuse_taken
from volcv_async.job.status import STANDINGS, Standing, Status, read_status
from volcv_async.job.survey import Survey, survey

__all__ = [
    "STANDINGS",
    "JobReport",
    "Kept",
    "Seeds",
    "Standing",
    "Status",
    "Survey",
    "Tally",
    "Wishes",
    "draw_gallery",
    "duration",
    "keep_one",
    "read_prompts",
    "read_status",
    "refuse_taken",
    "run",
    "survey",
]
