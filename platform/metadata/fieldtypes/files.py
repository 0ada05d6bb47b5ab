"""A file that was uploaded, held by its id."""

from __future__ import annotations

from metadata.fieldtypes.links import Identifier


class File(Identifier):
    """One uploaded file. The bytes and the name are the platform's; the record holds the id."""

    name = "file"
    sortable = False
    operators: tuple[str, ...] = ("==", "!=")
    control = "file"
