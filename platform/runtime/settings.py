"""Settings of a process, read from the environment once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. Secrets do not show when settings are printed."""

    database_url: str = field(default="sqlite:///var/metaloom", repr=False)
    """`sqlite:///FOLDER` (relative) or `sqlite:////FOLDER`, or `postgresql://...` of the login without rights."""
    admin_database_url: str | None = field(default=None, repr=False)
    """PostgreSQL only: may create roles and schemas. Used to create and drop tenants, by nothing else."""
    redis_url: str | None = field(default=None, repr=False)
    secret_key: str = field(default="", repr=False)
    files_url: str = "file:var/metaloom/files"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """METALOOM_DATABASE_URL, _ADMIN_DATABASE_URL, _REDIS_URL, _SECRET_KEY, _FILES_URL; unset or empty: default."""
        found = os.environ if environment is None else environment
        given = {name: found.get(f"METALOOM_{name.upper()}") for name in cls.__dataclass_fields__}
        return cls(**{name: value for name, value in given.items() if value})
