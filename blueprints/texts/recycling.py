"""Texts of the recycle bin, undo and merging: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
