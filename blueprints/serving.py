"""How a serving process begins: its host from the environment, and whoever does its jobs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metadata.documents.package import Layer
    from runtime.host import Host

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
"""The packages that come with the platform."""


def open_host() -> Host:
    """The host that the environment describes, with what all its tenants share in place."""
    from runtime.host import Host
    from runtime.settings import Settings

    return Host.open(Settings.from_environment())


@contextlib.contextmanager
def working(host: Host) -> Iterator[None]:
    """While the body runs, jobs are done: by workers behind Redis, else by threads of this process."""
    from runtime.jobs.doorbell import attached

    with attached(host):
        yield


def layers_of(names: list[str]) -> list[Layer]:
    """The packages with these folders or codes and everything that they require. Raises MetadataInvalid."""
    from metadata.documents.package import read_code, read_package, with_requirements

    found = [read_package(Path(name)) if _is_path(name) else read_code(name, [CONFIGS]) for name in names]
    return with_requirements(found, [*(Path(each).parent for each in names if _is_path(each)), CONFIGS])


def layer_at(name: str) -> Layer:
    """One package by folder, file or code. Raises MetadataInvalid."""
    from metadata.documents.package import read_code, read_package

    return read_package(Path(name)) if _is_path(name) else read_code(name, [CONFIGS])


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.startswith(".") or Path(name).exists()
