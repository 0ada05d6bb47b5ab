"""Colours: those that people pick for records, and the names that options may have."""

from __future__ import annotations

import re
from typing import Any

from metadata.fieldtypes.base import TextContext
from metadata.fieldtypes.contacts import Contact
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import kind

NAMES = tuple("red orange amber yellow lime green teal cyan blue indigo purple pink gray".split())
"""What the `color` of an option may be: each has a tint in the light and in the dark theme."""

bad_color = kind(
    "value_not_color",
    en="{label} takes a colour as #rrggbb, like #1e90ff. Correct it.",
    zh="{label} 需要 #rrggbb 形式的颜色，例如 #1e90ff，请更正。",
)

_SHORT = re.compile(r"#?([0-9a-f])([0-9a-f])([0-9a-f])", re.IGNORECASE | re.ASCII)


class Color(Contact):
    """A colour of the screen, as `#rrggbb` in lower case."""

    name = "color"
    control = "color"
    groupable = True
    operators: tuple[str, ...] = ("==", "!=", "in")
    longest = 7
    pattern = "^#[0-9A-Fa-f]{6}$"
    form = ecma(pattern)
    refusal = bad_color

    def normal(self, text: str) -> str:
        return text.lower()

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """Also without the sign and with one digit for each part (`#fa0`)."""
        typed = plain(text)
        if not typed:
            return None
        if short := _SHORT.fullmatch(typed):
            typed = "#" + "".join(each * 2 for each in short.groups())
        return self.parse(field, typed if typed.startswith("#") else f"#{typed}")

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("#1e90ff", "#FFAA00", "#000000")

    def refused(self, field: Field) -> tuple[Any, ...]:
        return (1, True, [], {}, "", "red", "#fff", "1e90ff", "#1e90fg", "#1e90ff00", "#1e90ff\n", "#１e90ff")
