"""Quick search: the tokens a record is found by, and the condition that finds it.

A token is one of: a word (folded letters and digits), two neighbouring CJK characters (the last one alone as well),
`~` and the pinyin initials of a CJK run, `<` and the digits of a number from the last to the first. All of it is
matched by equality or by prefix, so an ordinary index answers: a word by how it begins, any CJK substring, the end of
a phone number, initials. Tokens carry their field, because `q` looks only into fields that the actor may read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from metadata.fieldtypes import registry
from metadata.folding import fold, plain
from metadata.model import EMPTY, Entity
from runtime.database.db import Db
from runtime.prepared import Prepared, prepare
from runtime.tables import SEARCH, EntityTable

_CJK = "\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_RUNS = re.compile(f"[{_CJK}]+|[^\\W_{_CJK}]+")
_ASCII_RUNS = re.compile("[a-z0-9]+")
"""The same of a text in lower case that has ASCII alone."""
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_DIGITS = re.compile("[0-9]{4,}")
_PHONE = re.compile(r"[+(]?[0-9][0-9\s().+/-]*")
_PHONE_BEGINS = frozenset("+(0123456789")
_LONGEST_TOKEN = 64
_MOST_TOKENS = 1_000
_MOST_TERMS = 12
_END = "\U0010ffff"
"""Behind every token that begins like another."""
_MANY = 1_000
_TAIL = 4
"""The fewest digits that find a number by its end."""
_PHONE_DIGITS = 7
_LIKE_FROM = 3
"""From this length on, all pairs of a CJK run may occur without standing together: the text itself is checked too."""


def text_tokens(text: str) -> set[str]:
    """What one text is found by."""
    found: set[str] = set()
    if text.isascii():
        text = text.strip().lower()
        runs = _ASCII_RUNS.findall(text)
    else:
        text = fold(plain(text))
        runs = _RUNS.findall(text)
    for run in runs:
        if len(found) > _MOST_TOKENS:
            break
        if run >= "\u3005" and _is_cjk(run):
            found.update([run[at : at + 2] for at in range(len(run))])
            if len(run) > 1:
                found.update("~" + initials for initials in _initials(run))
        else:
            found.add(run[:_LONGEST_TOKEN])
            if not run.isalpha():
                found.update(["<" + digits[::-1][:_LONGEST_TOKEN] for digits in _DIGITS.findall(run)])
    joined = _phone_digits(text)
    if joined:
        found.update((joined, "<" + joined[::-1]))
    return found


def index_values(entity: Entity, values: Mapping[str, Any]) -> dict[str, set[str]]:
    """The tokens of a record by field id, for those of `values` that the entity is searched by."""
    found: dict[str, set[str]] = {}
    for each in entity.search:
        value = values.get(each)
        if value is not None:
            field = entity.fields[each]
            texts = registry.of(field).tokens(field, value)
            found[each] = text_tokens(texts[0]) if len(texts) == 1 else set().union(*map(text_tokens, texts))
    return found


def tsvector_text(tokens: Mapping[str, set[str]]) -> str:
    """The tokens of a record as the text of a tsvector (PostgreSQL): each lexeme is `field:token`."""
    # Tokens hold letters, digits, `~` and `<` only: nothing in them needs an escape within quotes.
    return " ".join([f"'{field}:{token}'" for field, found in tokens.items() for token in found])


@dataclass(frozen=True, slots=True)
class Probe:
    """One token to look for, whole or as the beginning of one."""

    token: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One piece of what was typed: found when one field holds all probes of one of the alternatives."""

    alternatives: tuple[tuple[Probe, ...], ...]
    run: str | None = None
    """A CJK run that has to stand in the field's text as it is."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What was typed, understood: every term of one of the readings must be found."""

    readings: tuple[tuple[Term, ...], ...]

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(term.run for reading in self.readings for term in reading if term.run)


@lru_cache(maxsize=1_000)
def understand(q: str) -> SearchQuery:
    """Read what a person typed. Nothing to look for gives no reading, which finds nothing."""
    text = fold(plain(q[:400]))
    terms = tuple(_term(run) for run in dict.fromkeys(_RUNS.findall(text)))[:_MOST_TERMS]
    readings = [terms] if terms else []
    joined = _phone_digits(text)
    if joined and len(terms) > 1:
        # `138 0013 8000` is one number in pieces; `2024 5000` may as well be two words.
        readings.append((_term(joined),))
    return SearchQuery(tuple(readings))


def _term(run: str) -> Term:
    if _is_cjk(run):
        if len(run) == 1:
            return Term(((Probe(run, prefix=True),),))
        pairs = tuple(dict.fromkeys(run[at : at + 2] for at in range(len(run) - 1)))
        return Term((tuple(map(Probe, pairs)),), run if len(run) >= _LIKE_FROM else None)
    word = run[:_LONGEST_TOKEN]
    alternatives = [(Probe(word, prefix=True),)]
    if word.isascii() and word.isalpha():
        alternatives.append((Probe("~" + word, prefix=True),))
    if word.isascii() and word.isdigit() and len(word) >= _TAIL:
        alternatives.append((Probe("<" + word[::-1], prefix=True),))
    return Term(tuple(alternatives))


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


def _is_cjk(run: str) -> bool:
    return run[0] >= "\u3005" and _CJK_CHARACTER.match(run[0]) is not None


def _phone_digits(text: str) -> str:
    """The digits of a text that is one number, as people write phones, else nothing."""
    if text[:1] not in _PHONE_BEGINS or not _PHONE.fullmatch(text):
        return ""
    digits = "".join(each for each in text if each.isdigit())
    return digits[:_LONGEST_TOKEN] if len(digits) >= _PHONE_DIGITS else ""


_READINGS = 4
"""The most ways of saying one run that are kept (重 is said chóng and zhòng)."""


def _initials(run: str) -> list[str]:
    """The pinyin initials of a run, in each usual way of saying it; nothing for a character without any."""
    said = [_said(each) for each in run[:_LONGEST_TOKEN]]
    if "" in said:
        said = said[: said.index("")]
    if len(said) < 2:
        return []
    several = [at for at, each in enumerate(said) if len(each) > 1][:2]
    choices = [each if at in several else each[0] for at, each in enumerate(said)]
    return ["".join(each) for each in product(*choices)][:_READINGS]


@lru_cache(maxsize=30_000)
def _said(character: str) -> str:
    """The initial letters of the two most usual ways of saying a character."""
    readings = _pinyin().get(ord(character), "")
    letters = dict.fromkeys(_LETTER.get(each[0], each[0]) for each in readings.split(",") if each)
    return "".join(letters)[:2]


_LETTER = dict(zip("āáǎàēéěèōóǒòńňǹḿ", "aaaaeeeeoooonnnm", strict=True)) | {"ê": "e"}


@lru_cache(maxsize=1)
def _pinyin() -> Mapping[int, str]:
    # The table of phrases costs 45 MB in each process; the readings of single characters are all that is used.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    found: Mapping[int, str] = pinyin_dict
    return found
