"""Every field type by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from metadata.fieldtypes.amounts import MoneyType
from metadata.fieldtypes.base import FieldType
from metadata.fieldtypes.choices import Boolean, Choice, MultiChoice
from metadata.fieldtypes.contacts import Email, Phone, Url
from metadata.fieldtypes.dates import Date, DateTime
from metadata.fieldtypes.documents import Json
from metadata.fieldtypes.files import File
from metadata.fieldtypes.links import AnyLinkType, Children, Identifier, Link, Links, Unit, User
from metadata.fieldtypes.numbers import Integer, Number, Percent
from metadata.fieldtypes.sequences import Sequence
from metadata.fieldtypes.texts import LongText, Tags, Text
from metadata.model import Field

TYPES: Mapping[str, FieldType] = MappingProxyType(
    {
        each.name: each
        for each in (
            Text(),
            LongText(),
            Integer(),
            Number(),
            MoneyType(),
            Percent(),
            Boolean(),
            Date(),
            DateTime(),
            Choice(),
            MultiChoice(),
            Tags(),
            Email(),
            Phone(),
            Url(),
            Json(),
            Sequence(),
            Link(),
            Links(),
            Children(),
            AnyLinkType(),
            User(),
            Unit(),
            File(),
            Identifier(),
        )
    }
)
"""The field types that a description may use, and `id`, which only the platform does."""


def of(field: Field) -> FieldType:
    """The type of a field."""
    return TYPES[field.type]
