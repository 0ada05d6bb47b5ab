"""Texts of the controls and cells of special field types: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {}
