"""The condition that finds the records a search asks for, in the SQL of either database."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes import registry
from metadata.model import EMPTY, Entity
from runtime.database.db import Db
from runtime.prepared import Prepared, prepare
from runtime.search.asking import Probe, SearchQuery, Term, understand
from runtime.tables import SEARCH, EntityTable

_END = "\U0010ffff"
"""Behind every token that begins like another."""
_MANY = 1_000


def frequent(db: Db, table: EntityTable, fields: Sequence[str], q: str) -> frozenset[str]:
    """The tokens of a query that stand in very many records, on SQLite, which has no statistics of them.

    What nearly every record holds (有限公司) is looked up record by record in the order of the page, which then ends
    soon, instead of gathering all of them: 0.1 ms for 100 at 100,000 records.
    """
    if db.dialect == "postgresql" or table.tokens is None or not fields:
        return frozenset()
    probes = _probes(understand(q))
    if not probes:
        return frozenset()
    counting = _counting(table.tokens, tuple(fields), tuple(probe.prefix for probe in probes), _MANY)
    [row] = counting.fetch(db, query_params(fields, q, db.dialect))
    return frozenset(probe.token for probe, count in zip(probes, row, strict=True) if count >= _MANY)


@lru_cache(maxsize=500)
def _counting(side: sa.Table, fields: tuple[str, ...], prefixes: tuple[bool, ...], most: int) -> Prepared:
    """How many records hold each probe, counted no further than `most`."""
    counts = []
    for at, prefix in enumerate(prefixes):
        held: sa.Select[Any] = sa.select(sa.literal_column("1")).where(*_holding(side, fields, at, prefix))
        first = held.limit(sa.literal_column(str(most))).subquery()
        counts.append(sa.select(sa.func.count()).select_from(first).scalar_subquery())
    return prepare(sa.select(*counts), "sqlite")


def _holding(
    side: sa.Table, fields: Sequence[str], at: int, prefix: bool, params: Mapping[str, object] = EMPTY
) -> list[sa.ColumnElement[bool]]:
    """A row of the side table is of the probe at this place, in one of these fields."""
    token = sa.bindparam(f"q_token{at}", params.get(f"q_token{at}"), type_=sa.Text())
    if not prefix:
        return [side.c.token == token, _of_fields(side, fields)]
    end = sa.bindparam(f"q_end{at}", params.get(f"q_end{at}"), type_=sa.Text())
    return [side.c.token >= token, side.c.token < end, _of_fields(side, fields)]


def query_shape(q: str, dialect: str, frequent: frozenset[str] = frozenset()) -> Hashable:
    """Equal shapes (with equal fields) compile to equal SQL, whose values `query_params` gives."""
    query = understand(q)
    if dialect == "postgresql":
        return bool(query.readings), len(query.runs)
    return tuple(
        tuple(
            (
                tuple(
                    tuple((p.prefix, p.token in frequent, p.token.lstrip("<").isdigit()) for p in probes)
                    for probes in term.alternatives
                ),
                bool(term.run),
            )
            for term in reading
        )
        for reading in query.readings
    )


def query_params(fields: Sequence[str], q: str, dialect: str) -> dict[str, object]:
    """The values of the condition that `predicate` makes for the same fields and a query of the same shape."""
    query = understand(q)
    if not query.readings or not fields:
        return {}
    params: dict[str, object] = {f"q_run{at}": run for at, run in enumerate(query.runs)}
    if dialect == "postgresql":
        params["q_tokens"] = _tsquery_text(fields, query)
    else:
        for at, probe in enumerate(_probes(query)):
            params[f"q_token{at}"] = probe.token
            if probe.prefix:
                params[f"q_end{at}"] = probe.token + _END
    return params


def predicate(
    table: EntityTable,
    entity: Entity,
    readable: Sequence[str],
    q: str,
    dialect: str,
    frequent: frozenset[str] = frozenset(),
) -> sa.ColumnElement[bool]:
    """The condition that a record of `table` is found by `q` in one of the readable fields it is searched by.

    Its parameters have fixed names and hold the values of `query_params`.
    """
    fields = [each for each in entity.search if each in set(readable)]
    query = understand(q)
    if not fields or not query.readings:
        return sa.false()
    params = query_params(fields, q, dialect)
    if dialect == "postgresql":
        tokens = sa.bindparam("q_tokens", params["q_tokens"], type_=sa.Text())
        found: sa.ColumnElement[bool] = table.table.c[SEARCH].op("@@", is_comparison=True)(
            sa.cast(tokens, postgresql.TSQUERY())
        )
    else:
        found = _in_side_table(table, fields, query, params, frequent)
    compared = {each: registry.of(entity.fields[each]).compared for each in fields}
    texts = [
        table.fields[each].columns[at] for each, at in compared.items() if table.fields[each].specs[at].kind == "text"
    ]
    if len(texts) == len(fields):
        for at, run in enumerate(query.runs):
            needle = sa.bindparam(f"q_run{at}", run, type_=sa.Text())
            position = sa.func.strpos if dialect == "postgresql" else sa.func.instr
            found = sa.and_(found, sa.or_(*(position(sa.func.fold(text), needle) > 0 for text in texts)))
    return found


def _tsquery_text(fields: Sequence[str], query: SearchQuery) -> str:
    def probes_in(field: str, probes: tuple[Probe, ...]) -> str:
        return "(" + "&".join(f"'{field}:{p.token}'" + (":*" if p.prefix else "") for p in probes) + ")"

    def term_text(term: Term) -> str:
        return "(" + "|".join(probes_in(field, each) for each in term.alternatives for field in fields) + ")"

    return "|".join("(" + "&".join(map(term_text, reading)) + ")" for reading in query.readings)


def _probes(query: SearchQuery) -> list[Probe]:
    return [
        probe
        for reading in query.readings
        for term in reading
        for alternative in term.alternatives
        for probe in alternative
    ]


def _in_side_table(
    table: EntityTable,
    fields: Sequence[str],
    query: SearchQuery,
    params: Mapping[str, object],
    frequent: frozenset[str],
) -> sa.ColumnElement[bool]:
    assert table.tokens is not None
    side, at = table.tokens, 0
    readings = []
    for reading in query.readings:
        terms = []
        few = any(_is_rare(term, frequent) for term in reading)
        for term in reading:
            alternatives = []
            for probes in term.alternatives:
                found: list[sa.ColumnElement[bool]] = []
                for probe in probes:
                    rows = sa.select(side.c.id).where(*_holding(side, fields, at, probe.prefix, params))
                    # The beginning of a word often goes with the order of the page (names with W stand last), so that
                    # walking along it ends late: it is gathered, unless another word leaves few records.
                    if probe.token in frequent and (few or not probe.prefix or probe.token.lstrip("<").isdigit()):
                        found.append(rows.where(side.c.id == table.column("id")).exists())
                    else:
                        found.append(table.column("id").in_(rows))
                    at += 1
                alternatives.append(sa.and_(*found))
            terms.append(sa.or_(*alternatives))
        readings.append(sa.and_(*terms))
    return sa.or_(*readings)


def _is_rare(term: Term, frequent: frozenset[str]) -> bool:
    """Whether a term leaves few records, whichever way it is found."""
    return all(any(probe.token not in frequent for probe in probes) for probes in term.alternatives)


def _of_fields(side: sa.Table, fields: Sequence[str]) -> sa.ColumnElement[bool]:
    # Single parameters, not one that expands when executed: the text must be complete once compiled.
    return side.c.field.in_([sa.literal(each) for each in fields])
