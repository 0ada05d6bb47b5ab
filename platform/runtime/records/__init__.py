"""The only code that writes tenant rows: every form, request, import, job and rule saves through it."""

from runtime.records.bulk import bulk, write_many
from runtime.records.checking.values import Parsed
from runtime.records.delete import Foreseen, delete, foresee, restore
from runtime.records.identifying import NO_MATCH
from runtime.records.merging.merge import MOST as MOST_MERGED
from runtime.records.merging.merge import Merged, merge
from runtime.records.operations import Mode, Operation, Verdict
from runtime.records.policies import ACTIONS, MAY_NOT, may_not, require
from runtime.records.record import Record, as_json
from runtime.records.save import create, require_values, update

__all__ = [
    "ACTIONS",
    "MAY_NOT",
    "MOST_MERGED",
    "NO_MATCH",
    "Foreseen",
    "Merged",
    "Mode",
    "Operation",
    "Parsed",
    "Record",
    "Verdict",
    "as_json",
    "bulk",
    "create",
    "delete",
    "foresee",
    "may_not",
    "merge",
    "require",
    "require_values",
    "restore",
    "update",
    "write_many",
]
