"""How a measure over many records is written: `sum(amount)`."""

from __future__ import annotations

import re

MEASURE = re.compile(r"(sum|avg|min|max)\((.+)\)")
