"""Texts of the frame of every page: menu, palette, notifications, preferences, help: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
