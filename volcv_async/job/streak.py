"""One request after the other refused for the same reason, which is the account's: time to stop."""

from __future__ import annotations

from volcv_async.errors import AccessDeniedError, QuotaError, VolcvError
from volcv_async.results import Completed, Failed, Outcome

_ENOUGH = 5


class Streak:
    """Counts refusals that are the account's, and says when to stop. Pure."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._any_made = False

    def add(self, outcome: Outcome) -> VolcvError | None:
        """Count an outcome; give the error that should end the job, once there are enough."""
        if isinstance(outcome, Failed) and isinstance(
            outcome.error, AccessDeniedError | QuotaError
        ):
            self._in_a_row += 1
            return self._ending(outcome.error) if self._in_a_row >= _ENOUGH else None
        self._in_a_row = 0
        self._any_made = self._any_made or isinstance(outcome, Completed)
        return None

    def _ending(self, error: VolcvError) -> VolcvError:
        ending = type(error)(
            f"{self._in_a_row} requests in a row were refused alike, and no more were sent. "
            f"The last: {error.message}",
            help=" ".join(filter(None, [error.help, self._where_to_look(error)])),
            code=error.code,
            http_status=error.http_status,
            request_id=error.request_id,
            provider_message=error.provider_message,
        )
        ending.index, ending.request = error.index, error.request
        return ending

    def _where_to_look(self, error: VolcvError) -> str:
        """Say which of the known causes is likely, and that nothing is lost."""
        safe = "None of them was billed; the next run sends them again."
        if isinstance(error, QuotaError):
            return safe
        if self._any_made:
            return f"Others were made before, so look at (3) first. {safe}"
        return f"None was made so far, so look at (1), (2) and (4) first. {safe}"
