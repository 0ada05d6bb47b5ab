"""Settings of a process, read from the environment once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metadata.problems import Invalid, kind

BAD_NUMBER = kind(
    "settings.bad_number",
    en="{name} is “{given}”. Write a whole number, or leave it out.",
    zh="{name} 的值为“{given}”。请填写整数，或不设置。",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. Secrets do not show when settings are printed."""

    database_url: str = field(default="sqlite:///var/metaloom", repr=False)
    """`sqlite:///FOLDER` (relative) or `sqlite:////FOLDER`, or `postgresql://...` of the login without rights."""
    admin_database_url: str | None = field(default=None, repr=False)
    """PostgreSQL only: may create roles and schemas. Used to create and drop tenants, by nothing else."""
    redis_url: str | None = field(default=None, repr=False)
    secret_key: str = field(default="", repr=False)
    """Encrypts secrets of records (`runtime.vault`): 32 characters or more, a former one behind a comma."""
    files_url: str = "file:var/metaloom/files"
    files_quota: int = 10_240
    """Megabytes of files that each tenant may keep; 0: as many as there is room for."""
    old_secret_key: str = field(default="", repr=False)
    """A former `secret_key`: it opens what it has encrypted until `metaloom reencrypt` is through."""
    smtp_url: str = field(default="", repr=False)
    """The server that takes mail: `smtps://user:password@host`, see `channels.mail`. Empty: no mail is sent."""
    mail_from: str = ""
    """The address that mail comes from."""
    egress_allow: str = ""
    """Addresses, networks and ports that requests may go to beyond the public internet, separated by commas."""
    base_url: str = ""
    """Where people reach this site, for links in mail: `https://crm.example.com`, with `{tenant}` in the host if each
    organisation has a host of its own. Empty: mail has no links."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """METALOOM_DATABASE_URL, _ADMIN_DATABASE_URL, _REDIS_URL, _SECRET_KEY, _FILES_URL, _FILES_QUOTA,
        _OLD_SECRET_KEY, _SMTP_URL, _MAIL_FROM, _EGRESS_ALLOW, _BASE_URL.

        Unset or empty: default. Raises Invalid.
        """
        found = os.environ if environment is None else environment
        given: dict[str, Any] = {name: found.get(f"METALOOM_{name.upper()}") for name in cls.__dataclass_fields__}
        quota = given["files_quota"]
        if quota and not (quota.isascii() and quota.isdigit()):
            raise Invalid(BAD_NUMBER("METALOOM_FILES_QUOTA", name="METALOOM_FILES_QUOTA", given=quota))
        given["files_quota"] = int(quota) if quota else None
        return cls(**{name: value for name, value in given.items() if value or value == 0})
