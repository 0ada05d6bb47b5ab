"""What the recycle bin asks of the events: what was deleted, newest first, and what went along with it."""

from __future__ import annotations

from runtime.system.schema import AddIndex, Ix, Step

STEP = Step(
    3,
    "what was deleted",
    (
        AddIndex("_event", Ix("ix_event_deleted", ("id",), where="kind IN ('deleted', 'merged')")),
        AddIndex("_event", Ix("ix_event_cause", ("cause",), where="cause IS NOT NULL")),
    ),
)
