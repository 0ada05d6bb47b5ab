"""What people set for themselves and who is looking at what: preferences, saved views, presence."""

from __future__ import annotations

from runtime.system.schema import Create, Ix, Step, key, must

STEP = Step(
    2,
    "people at work",
    (
        Create("_preference", (key("account", "uuid"), key("name", "text"), must("value", "json"))),
        Create(
            "_saved_view",
            (
                key("id", "uuid"),
                must("entity", "text"),
                must("owner", "uuid"),
                must("name", "text"),
                must("shared", "boolean"),
                must("body", "json"),
                must("version", "integer"),
                must("created_at", "datetime"),
                must("updated_at", "datetime"),
            ),
            (Ix("ix_saved_view_entity", ("entity", "owner")),),
        ),
        Create(
            "_presence",
            (
                key("entity", "text"),
                key("record", "uuid"),
                key("account", "uuid"),
                must("name", "text"),
                must("editing", "boolean"),
                must("seen_at", "datetime"),
            ),
            (Ix("ix_presence_seen", ("seen_at",)),),
        ),
    ),
)
