"""What a closure is given: the record that it is asked of, and the constants of the expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from metadata.expressions.binding import Binding
from metadata.expressions.tree import Listed

BASE = "__base"
"""Added to the id of a money field: its value in the tenant's currency."""

Values = Mapping[str, Any]
"""Field id -> Python value; None or absent when empty. `id` is the record's own, for what belongs to it."""

Linked = Callable[[str, str], Values | None]
"""(entity id, record id) -> the linked record's values, loaded beforehand; None when it may not be seen."""

Listing = Callable[[Listed, str], Sequence["Row"]]
"""(list, record id) -> the records of the list that belongs to a record, loaded beforehand. The list is without its
`links`: the record is the one that they lead to."""


def nothing(entity: str, record: str) -> Values | None:
    """Nothing is linked."""
    return None


def nobody(listed: Listed, record: str) -> Sequence[Row]:
    """Every list is empty."""
    return ()


@dataclass(frozen=True, slots=True)
class Row:
    """A record, what it links to, what it was before the save (None: it is new, or nothing is saved) and its lists."""

    values: Values
    linked: Linked = nothing
    before: Values | None = None
    listed: Listing = nobody


class Constants(list[Any]):
    """The values of all slots, and the binding for what needs no slot: time zone, units, the first calendar."""

    __slots__ = ("binding",)

    def __init__(self, values: Iterable[object], binding: Binding) -> None:
        super().__init__(values)
        self.binding = binding


Condition = Callable[[Row, Sequence[Any]], bool]
Value = Callable[[Row, Sequence[Any]], Any]


def binding_of(constants: Sequence[Any]) -> Binding:
    """The binding that the constants were made with; see `bound_values`."""
    return cast(Constants, constants).binding
