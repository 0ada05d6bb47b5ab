"""Gives records to people by the rules of an assignment, and remembers why it was they."""

from runtime.assigning.giving import assign
from runtime.assigning.showing import explained

__all__ = ["assign", "explained"]
