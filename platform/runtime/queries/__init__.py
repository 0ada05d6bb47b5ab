"""The only code that reads tenant rows for people: every question carries its actor's row rule and field rule."""

from runtime.queries.aggregate import aggregate
from runtime.queries.find import autocomplete, columns, find, get, related, stream
from runtime.queries.history import feed, history
from runtime.queries.prepare import expression_of
from runtime.queries.query import Column, Page, Query, as_json
from runtime.queries.rules import RowRule, check_record, rule_of, sees, visible

__all__ = [
    "Column",
    "Page",
    "Query",
    "RowRule",
    "aggregate",
    "as_json",
    "autocomplete",
    "check_record",
    "columns",
    "expression_of",
    "feed",
    "find",
    "get",
    "history",
    "related",
    "rule_of",
    "sees",
    "stream",
    "visible",
]
