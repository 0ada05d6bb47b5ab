"""Texts of the page of a record: stage, timeline, presence, previews, conflicts: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
