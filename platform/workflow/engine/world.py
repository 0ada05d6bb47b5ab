"""What the engine asks of the world while it decides: conditions and values over records, and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol


class World(Protocol):
    """Answers over the records as they are now. `entity` and `record` are ids; a record that is gone is empty.

    No method raises for a definition that compiles.
    """

    @property
    def now(self) -> datetime:
        """In UTC."""
        ...

    def holds(self, text: str, entity: str, record: str | None) -> bool | None:
        """Whether a condition holds; None when it cannot be asked, which counts as no."""
        ...

    def value(self, text: str, entity: str, record: str | None) -> Any:
        """The value of an expression; None when it is empty."""
        ...

    def moment(self, text: str, entity: str, record: str | None) -> datetime | None:
        """The value of an expression with a date or datetime, in UTC: a date begins in the tenant's zone."""
        ...

    def after(self, span: str, calendar: str | None, start: datetime) -> datetime | None:
        """That ISO 8601 duration after `start`, by the clock or in a calendar's hours; None when out of reach."""
        ...
