"""The two columns that a report of refused rows has beside those of the file."""

from __future__ import annotations

LINE = {"en": "Line", "zh": "行号"}
REASONS = {"en": "Reasons", "zh": "原因"}
