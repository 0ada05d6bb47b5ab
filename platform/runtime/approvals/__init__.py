"""Approvals at work: requests submitted, decided, shown and listed; all that pages and interfaces call."""

from runtime.approvals.acting import KEYS, LONGEST, MOST_AT_ONCE, NEEDED, act, approve_many, check_submission, picked
from runtime.approvals.asking.foreseeing import preview
from runtime.approvals.asking.submitting import standing, submit
from runtime.approvals.driving.locking import end_with_records, remember_edits
from runtime.approvals.driving.representing import out_of_line, represent
from runtime.approvals.driving.timing import hand_over
from runtime.approvals.keeping.definitions import has_approvals
from runtime.approvals.migrating import migrate, migration
from runtime.approvals.showing.boxes import BOXES, boxes, counts
from runtime.approvals.showing.show import show, standing_json, summed_up
from runtime.approvals.showing.times import looks_after, period, times

__all__ = [
    "BOXES",
    "KEYS",
    "LONGEST",
    "MOST_AT_ONCE",
    "NEEDED",
    "act",
    "approve_many",
    "boxes",
    "check_submission",
    "counts",
    "end_with_records",
    "hand_over",
    "has_approvals",
    "looks_after",
    "migrate",
    "migration",
    "out_of_line",
    "period",
    "picked",
    "preview",
    "remember_edits",
    "represent",
    "show",
    "standing",
    "standing_json",
    "submit",
    "summed_up",
    "times",
]
