"""Options as they are written -> options of the model."""

from __future__ import annotations

from metadata.documents.marked import Map
from metadata.model import Option
from metadata.section import label_of, said_id


def options_of(data: Map) -> tuple[Option, ...]:
    """Options in order. What the grammar refused is left out."""
    return tuple(
        Option(
            id=said_id(key, each),
            key=key,
            label=label_of(each, key),
            color=each.get("color"),
            retired=each.get("retired") is True,
            given=tuple(each["for"]) if isinstance(each.get("for"), Map) else (),
        )
        for key, each in data.items()
        if isinstance(each, Map)
    )
