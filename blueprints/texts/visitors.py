"""Texts of public forms and the first run: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
