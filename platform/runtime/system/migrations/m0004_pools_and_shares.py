"""Who may do what with which records: what pools count and remember, and what is shared with whom."""

from __future__ import annotations

from runtime.system.schema import Col, Create, Ix, Step, key, must

STEP = Step(
    4,
    "pools and shares",
    (
        Create(
            "_pool_claim",
            (key("pool", "text"), key("user_id", "uuid"), key("day", "date"), must("claims", "integer")),
        ),
        Create("_pool_holder", (key("entity", "text"), key("user_id", "uuid"), must("looked", "datetime"))),
        Create(
            "_pool_stay",
            (
                key("id", "uuid"),
                must("entity", "text"),
                must("record", "uuid"),
                must("pool", "text"),
                must("since", "datetime"),
                Col("previous_owner", "uuid"),
                Col("reason", "text"),
                Col("until", "datetime"),
                Col("taken_by", "uuid"),
            ),
            (Ix("ix_pool_stay_record", ("record", "since")),),
        ),
        Create(
            "_share",
            (
                key("id", "uuid"),
                must("entity", "text"),
                must("record", "uuid"),
                must("principal", "uuid"),
                must("kind", "text"),
                must("write", "boolean"),
                Col("role", "text"),
                Col("until", "datetime"),
                Col("created_by", "uuid"),
                must("created_at", "datetime"),
            ),
            (
                Ix("ix_share_record", ("entity", "record", "principal"), unique=True),
                Ix("ix_share_principal", ("entity", "principal", "record")),
            ),
        ),
    ),
)
