"""Texts of the operator's console: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
