"""Names of the sections, known before any section is loaded."""

from __future__ import annotations

SECTION_NAMES = ("options", "entities", "roles", "views", "layouts", "workspaces", "imports", "seeds", "demo")
"""Sections of the description, in the order in which they are compiled."""
