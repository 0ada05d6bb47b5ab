"""The only code that reads tenant rows for people: every question carries its actor's row rule and field rule."""

from runtime.queries.aggregate import aggregate
from runtime.queries.bin import Binned, binned
from runtime.queries.find import autocomplete, columns, find, get, related, stream
from runtime.queries.history import feed, history
from runtime.queries.merged import survivor_of
from runtime.queries.pointing import Pointing, pointing
from runtime.queries.prepare import expression_of
from runtime.queries.query import Column, Page, Query, as_json
from runtime.queries.rules import RowRule, check_record, rule_of, sees, visible

__all__ = [
    "Binned",
    "Column",
    "Page",
    "Pointing",
    "Query",
    "RowRule",
    "aggregate",
    "as_json",
    "autocomplete",
    "binned",
    "check_record",
    "columns",
    "expression_of",
    "feed",
    "find",
    "get",
    "history",
    "pointing",
    "related",
    "rule_of",
    "sees",
    "stream",
    "survivor_of",
    "visible",
]
