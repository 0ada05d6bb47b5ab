"""Texts of forms and their controls: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
