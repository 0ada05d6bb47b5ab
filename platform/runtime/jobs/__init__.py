"""Work that outlives a request: queued in the transaction that wants it, done once, whatever crashes."""

from runtime.jobs.drain import drain
from runtime.jobs.table import cancel, enqueue, get, listing, retry
from runtime.jobs.work import Done, Job, Kind, More, Outcome, Step, Stuck

__all__ = [
    "Done",
    "Job",
    "Kind",
    "More",
    "Outcome",
    "Step",
    "Stuck",
    "cancel",
    "drain",
    "enqueue",
    "get",
    "listing",
    "retry",
]
