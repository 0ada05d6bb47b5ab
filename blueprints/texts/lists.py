"""Texts of lists: columns, filters, views, bulk edits, exports: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
