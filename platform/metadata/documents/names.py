"""Names of the sections, known before any section is loaded."""

from __future__ import annotations

SECTION_NAMES = (
    "options",
    "calendars",
    "entities",
    "roles",
    "pools",
    "assignments",
    "approvals",
    "workflows",
    "sla",
    "views",
    "layouts",
    "dashboards",
    "workspaces",
    "imports",
    "public_forms",
    "seeds",
    "demo",
    "scenarios",
)
"""Sections of the description, in the order in which they are compiled."""
