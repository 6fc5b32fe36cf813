"""A bulk job: a prompt list in, a folder of images out, and a journal that knows what was paid for.

    list ─ lists ▶ books.due ▶ stream ▶ running ▶ sink (pictures, rows) ▶ books.settle ▶ report
                       │   ▲ sending, answered, ended                          │
                       ▼   │                                                   ▼
                     journal ─ records (journal.sqlite) ─────────────────────────

``identity`` says which request is which, ``rows`` what is written down of it, ``going_on`` what the
next run does with each; ``recovery`` mends what a run that died left behind, ``fetching`` fetches
what it paid for. ``writing`` takes outcomes to the sink and the books by a few threads, and
``patience`` awaits them, whoever cancels; ``database`` is the file of the journal.
``survey`` looks ahead, ``forecast`` says how long it will take, ``budget`` where it ends, and
``streak`` ends what the account refuses. ``lessons`` keeps what refusals taught, ``ceiling`` how
many calls could be in flight.
``status`` looks back, ``gallery`` draws the page, ``story`` how the run went: ``drawings`` over
``drawn_time``. ``run_card`` says what a run came to, ``embedding`` puts into a picture what it was
made of. Of what a run has left, which ``leavings`` reads, ``shards`` packs the pictures and
``parquet`` writes the rows; ``arrow`` is the door to pyarrow. ``single`` is a job of one.
"""

from volcv_async.job.books import Seeds, each
from volcv_async.job.gallery import draw_gallery
from volcv_async.job.going_on import Wishes
from volcv_async.job.lists import BadRow, Item, Listed, Matrix, read_list, read_prompts
from volcv_async.job.pictures import Kept
from volcv_async.job.report import JobReport, Tally, duration
from volcv_async.job.running import run
from volcv_async.job.single import keep_one, refuse_taken
from volcv_async.job.status import STANDINGS, Standing, Status, read_status
from volcv_async.job.survey import Outlook, Survey, look_ahead, survey

__all__ = [
    "STANDINGS",
    "BadRow",
    "Item",
    "JobReport",
    "Kept",
    "Listed",
    "Matrix",
    "Outlook",
    "Seeds",
    "Standing",
    "Status",
    "Survey",
    "Tally",
    "Wishes",
    "draw_gallery",
    "duration",
    "each",
    "keep_one",
    "look_ahead",
    "read_list",
    "read_prompts",
    "read_status",
    "refuse_taken",
    "run",
    "survey",
]
