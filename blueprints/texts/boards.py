"""Texts of boards, calendars and dashboards: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
