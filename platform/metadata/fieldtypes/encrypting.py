"""Texts that lie encrypted in the database (`encrypted: true`): what a type can no longer do when it keeps them so.

Values in memory are as those of the type itself; `runtime.sealing` stands between them and the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from metadata.fieldtypes.base import FieldType
from metadata.fieldtypes.contacts import Email, Phone, Url
from metadata.fieldtypes.texts import LongText, Text
from metadata.model import Field
from metadata.problems import Problem, kind

open_default = kind(
    "field_encrypted_default",
    en="A value that stands in a description is kept from nobody. Remove the default of this encrypted field.",
    zh="写在描述中的值对任何人都不是秘密，请删除此加密字段的默认值。",
)


class _Encrypted(FieldType):
    """Comes before the type itself: nothing is compared, ordered or found by what the database cannot read."""

    encrypted = True
    sortable = False
    groupable = False
    indexable = False
    operators: tuple[str, ...] = ()

    def check(self, field: Field) -> tuple[Problem, ...]:
        found = super().check(field)
        return found if field.default is None else (*found, open_default("default"))

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()


class EncryptedText(_Encrypted, Text):
    """One line of text, encrypted at rest."""


class EncryptedLongText(_Encrypted, LongText):
    """Many lines of text, encrypted at rest."""


class EncryptedEmail(_Encrypted, Email):
    """A mail address, encrypted at rest."""


class EncryptedPhone(_Encrypted, Phone):
    """A telephone number and how it was typed, both encrypted at rest."""


class EncryptedUrl(_Encrypted, Url):
    """A web address, encrypted at rest."""


ENCRYPTED: Mapping[str, FieldType] = MappingProxyType(
    {
        each.name: each
        for each in (EncryptedText(), EncryptedLongText(), EncryptedEmail(), EncryptedPhone(), EncryptedUrl())
    }
)
"""What takes the place of a type when its field is encrypted, by the name of the type."""
