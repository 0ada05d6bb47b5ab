"""Records in and out by the thousand: import, export, bulk edits."""

from runtime.transfer.bulk_edit import Edited, edit
from runtime.transfer.export_jobs import export
from runtime.transfer.export_jobs import queue as queue_export
from runtime.transfer.exporting import Sheet
from runtime.transfer.importing import load
from runtime.transfer.options import Options
from runtime.transfer.reading import Format
from runtime.transfer.reports import Refusal, Report, Totals, of_job, refused_of_job, write_refused

__all__ = [
    "Edited",
    "Format",
    "Options",
    "Refusal",
    "Report",
    "Sheet",
    "Totals",
    "edit",
    "export",
    "load",
    "of_job",
    "queue_export",
    "refused_of_job",
    "write_refused",
]
