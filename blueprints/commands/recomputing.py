"""`doctor --recompute TENANT`: whether every computed value is what it should be; `--write` puts it right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueprints.commands.output import console, opened_host, print_json

if TYPE_CHECKING:
    from runtime.records.computing.rebuilding import Checked


def recompute(name: str, *, write: bool, as_json: bool) -> bool:
    """Look over all records of a tenant and tell what differs; whether all is right now."""
    from runtime import directory
    from runtime.records.computing import rebuilding

    with opened_host() as host:
        found = list(rebuilding.check(host, directory.find(host, name), write=write))
    if as_json:
        print_json([_told(each) for each in found])
    else:
        _show(found, write)
    return write or not any(each.wrong for each in found)


def _told(each: Checked) -> dict[str, Any]:
    shown = [
        {"record": id, "field": key, "stored": _text(stored), "right": _text(right)}
        for id, key, stored, right in each.shown
    ]
    return {
        "entity": each.entity,
        "fields": list(each.fields),
        "records": each.records,
        "wrong": each.wrong,
        "differences": shown,
    }


def _show(found: Sequence[Checked], write: bool) -> None:
    from rich.text import Text

    for each in found:
        for id, key, stored, right in each.shown:
            console().print(Text(f"{each.entity} {id} {key}: {_text(stored)} → {_text(right)}", "red"))
        said = f"{each.entity} ({', '.join(each.fields)}): {each.records} records, {each.wrong} differ"
        mark = Text("ok    ", "green") if not each.wrong else Text("mended " if write else "wrong ", "yellow")
        console().print(mark.append(said))
    if not found:
        console().print("Nothing is computed here.")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
