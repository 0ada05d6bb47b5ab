"""Reminders of tasks and activities: each fires once at its moment, late when nobody worked then, and never twice."""

from runtime.reminders.moments import WATCHED
from runtime.reminders.planning import plan, saved

__all__ = ["WATCHED", "plan", "saved"]
