"""What the person who brings a file decides about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from runtime.transfer.reading import DETECT, Format

Mode = Literal["insert", "update", "upsert"]

INLINE = 500
"""Up to this many rows are done at once, more become a job."""
CHUNK = 2_000
"""Rows in one transaction of a job."""
WHOLE = 200_000
"""Most rows that all-or-nothing can hold in its one transaction."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be loaded."""

    mode: Mode | None = None
    """None: what the mapping says, else upsert when there is a key and insert when there is none."""
    by: tuple[str, ...] = ()
    """Names of the fields by which records are known."""
    mapping: str | None = None
    """An `imports` document."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Header -> name of the field (`account`, or `account.code` over a link)."""
    ignore: tuple[str, ...] = ()
    """Headers to pass over."""
    ignore_unknown: bool = False
    all_or_nothing: bool = False
    dry_run: bool = False
    accept_warnings: bool = False
    """Rows of which rules only warn are written."""
    blank: Literal["keep", "clear"] = "keep"
    """What a blank cell does to a record that is there already."""
    language: str = "en"
    """Of the reasons in the report."""
    background: bool | None = None
    """As a job or at once; None: by the number of rows."""
    format: Format = DETECT

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "columns": dict(self.columns)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Options:
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        return cls(**{**plain, "format": Format(**data["format"])})


USUAL = Options()
