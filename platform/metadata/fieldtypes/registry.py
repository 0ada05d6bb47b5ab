"""Every field type by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from metadata.fieldtypes.addresses import Address
from metadata.fieldtypes.amounts import MoneyType
from metadata.fieldtypes.barcodes import Barcode
from metadata.fieldtypes.base import FieldType
from metadata.fieldtypes.choices import Boolean, Choice, MultiChoice
from metadata.fieldtypes.colors import Color
from metadata.fieldtypes.contacts import Email, Phone, Url
from metadata.fieldtypes.dates import Date, DateTime
from metadata.fieldtypes.documents import Json
from metadata.fieldtypes.encrypting import ENCRYPTED
from metadata.fieldtypes.files import File, Files, Image, Signature
from metadata.fieldtypes.links import AnyLinkType, Children, Identifier, Link, Links, Unit, User
from metadata.fieldtypes.numbers import Integer, Number, Percent
from metadata.fieldtypes.persons import PersonName
from metadata.fieldtypes.places import Location
from metadata.fieldtypes.ratings import Rating
from metadata.fieldtypes.regions import Region
from metadata.fieldtypes.richtexts import RichText
from metadata.fieldtypes.secrets import Secret
from metadata.fieldtypes.sequences import Sequence
from metadata.fieldtypes.texts import LongText, Tags, Text
from metadata.fieldtypes.times import Duration, Time
from metadata.model import Field

TYPES: Mapping[str, FieldType] = MappingProxyType(
    {
        each.name: each
        for each in (
            Text(),
            LongText(),
            RichText(),
            Integer(),
            Number(),
            MoneyType(),
            Percent(),
            Rating(),
            Boolean(),
            Date(),
            DateTime(),
            Time(),
            Duration(),
            Choice(),
            MultiChoice(),
            Tags(),
            Color(),
            PersonName(),
            Email(),
            Phone(),
            Url(),
            Address(),
            Region(),
            Location(),
            Barcode(),
            Secret(),
            Json(),
            Sequence(),
            Link(),
            Links(),
            Children(),
            AnyLinkType(),
            User(),
            Unit(),
            File(),
            Files(),
            Image(),
            Signature(),
            Identifier(),
        )
    }
)
"""The field types that a description may use, and `id`, which only the platform does."""


def of(field: Field) -> FieldType:
    """The type of a field."""
    return ENCRYPTED[field.type] if field.encrypted else TYPES[field.type]


def stored(field: Field) -> bool:
    """Whether columns hold the values of a field: not those of lists, nor of formulas that depend on the time."""
    return TYPES[field.type].stored and (field.computed is None or field.computed.stored)
