"""The one table: which family draws and reads the control of a field type."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from blueprints.app.controls import choices, computed, linking, rows, typed, uploads, values
from blueprints.app.controls.base import Family
from metadata.model import Field

TABLE: Mapping[str, Family] = MappingProxyType(
    {
        **typed.FAMILIES,
        **choices.FAMILIES,
        **linking.FAMILIES,
        **uploads.FAMILIES,
        **rows.FAMILIES,
        **values.FAMILIES,
    }
)


def of(field: Field) -> Family:
    """The family of a field; a type that has none is typed as one line."""
    return computed.COMPUTED if field.computed is not None else TABLE.get(field.type, typed.TEXT)
