"""What PostgreSQL alone needs for the rows and events of a load: ready-made text, the same tables, nothing of ours."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import sql

from metadata.ids import uuid7s
from runtime.transfer.options import CHUNK
from tests.bench import stand

_ROWS = "SELECT {} FROM e_opportunity WHERE f_external_number LIKE 'F-%' ORDER BY id LIMIT {}"
_EVENTS = (
    "SELECT {} FROM _event WHERE entity = 'opportunity' AND kind = 'created' AND position > 0 ORDER BY id LIMIT {}"
)


def rows_per_second(place: stand.Place, filled: stand.Filled, rows: int) -> float:
    """Copy what a load has written once more, under new ids: as many rows and events in each transaction as it has."""
    with place.connect() as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(filled.tenant.place)))
        ids, event_ids = uuid7s(rows), uuid7s(rows)
        columns, texts = _ready(connection, "e_opportunity", _ROWS, ("id",), rows)
        told, facts = _ready(connection, "_event", _EVENTS, ("id", "record"), rows)
        lines = [f"{id}\t{rest}" for id, rest in zip(ids, texts, strict=True)]
        events = [f"{event}\t{id}\t{rest}" for event, id, rest in zip(event_ids, ids, facts, strict=True)]
        connection.commit()
        begin = time.perf_counter()
        for at in range(0, rows, CHUNK):
            _copy(connection, "e_opportunity", columns, lines[at : at + CHUNK])
            _copy(connection, "_event", told, events[at : at + CHUNK])
            connection.commit()
        return rows / (time.perf_counter() - begin)


def _ready(
    connection: psycopg.Connection[Any], table: str, asked: str, first: tuple[str, ...], rows: int
) -> tuple[list[str], list[str]]:
    """The columns of a table, those of `first` leading, and the text of the others row by row."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s",
        (table,),
    )
    # A position in the feed is given later.
    rest = [name for (name,) in found if name not in (*first, "position")]
    query = sql.SQL(asked).format(sql.SQL(", ").join(map(sql.Identifier, rest)), sql.Literal(rows))
    with connection.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as copy:
        text = b"".join(bytes(part) for part in copy).decode()
    return [*first, *rest], [f"{line}\n" for line in text.split("\n")[:-1]]


def _copy(connection: psycopg.Connection[Any], table: str, columns: list[str], lines: list[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor().copy(statement) as copy:
        copy.write("".join(lines))
