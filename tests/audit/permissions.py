"""G6 and G7: random worlds against rules in plain Python, and pairs of worlds that differ in what nobody may notice."""

from __future__ import annotations

import copy
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import orjson

from metadata.access import Actor
from metadata.model import Field
from metadata.problems import PlatformError
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from runtime.queries import Query, aggregate, as_json, autocomplete, find, get, related
from runtime.queries.history import feed, history
from runtime.workspace import Workspace
from tests import telling
from tests.accessing import (
    SURFACES,
    Rules,
    differences,
    random_actor,
    random_role,
    random_rows,
    random_shares,
    write_shares,
)
from tests.bench.figures import Figures
from tests.services import Services
from tests.worlds import World, business, make_model, place, uuid

SHOWN = 20
ASKED = 60
"""Questions that each pair of worlds is asked."""
FAMILY = 5
"""Worlds that have their roles in common."""
SHAPES = 2
"""Combinations of roles and tokens that a family has."""

Server = SqliteServer | PostgresServer

Rows = dict[str, list[dict[str, Any]]]


@dataclass
class Report:
    worlds: int = 0
    actors: int = 0
    questions: int = 0
    changed: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.worlds += other.worlds
        self.actors += other.actors
        self.questions += other.questions
        self.changed += other.changed
        self.wrong += other.wrong


def measure_worlds(figures: Figures, count: int, seed: int, database: str = "sqlite") -> None:
    """Each surface gives what the rules give."""
    began = time.monotonic()
    report = _all(_worlds, count, seed, database)
    figures.must(
        "G6_permissions",
        not report.wrong,
        database=database,
        worlds=report.worlds,
        actors=report.actors,
        surfaces=SURFACES + telling.SURFACES,
        diffs=len(report.wrong),
        seed=seed,
        seconds=round(time.monotonic() - began),
    )


def measure_pairs(figures: Figures, count: int, seed: int, database: str = "sqlite") -> None:
    """Two worlds that differ only in what the actor may not see give him the same bytes."""
    began = time.monotonic()
    report = _all(_pairs, count, seed, database)
    figures.must(
        "G7_worlds",
        not report.wrong,
        database=database,
        pairs=report.worlds,
        changed=report.changed,
        questions=report.questions,
        diffs=len(report.wrong),
        seed=seed,
        seconds=round(time.monotonic() - began),
    )


def _all(part: Part, count: int, seed: int, database: str) -> Report:
    """Every family of worlds, on all processors; what is random depends on the seed and the family's number alone."""
    families = [(number, min(FAMILY, count - number * FAMILY)) for number in range(-(-count // FAMILY))]
    report = Report()
    with ExitStack() as stack:
        url = None
        if database == "postgresql":
            services = stack.enter_context(Services.start())
            assert services.postgres is not None, services.missing
            url = services.postgres
        processes = min(os.cpu_count() or 1, 2) if count > 4 * FAMILY else 1
        shares = [families[first::processes] for first in range(processes)]
        if processes == 1:
            made = [_some(part, url, seed, families)]
        else:
            if url is not None:
                prepared = PostgresServer(url)
                prepared.prepare()
                prepared.close()
            pool = stack.enter_context(ProcessPoolExecutor(processes, mp_context=get_context("spawn")))
            made = list(pool.map(partial(_some, part, url, seed), shares))
    for each in made:
        report.add(each)
    for line in report.wrong[:SHOWN]:
        print(line)
    return report


def _some(part: Part, url: str | None, seed: int, families: Sequence[tuple[int, int]]) -> Report:
    report = Report()
    with _server(url) as server:
        places = [server.create_place(place(name)) for name in ("one", "two")]
        for at, (number, count) in enumerate(families):
            family = _family(server, places, Random(f"{seed} {part.__name__} {number}"), new=not at)
            part(report, family, f"{number}", count)
    return report


Part = Callable[[Report, "Family", str, int], None]


@dataclass
class Family:
    """Worlds that have their roles in common, one after the other: what is compiled for one serves all of them.

    Rows, shares, units and people are new in each; which roles somebody has, what his token allows, and of which
    entities anything has been shared are the family's.
    """

    random: Random
    worlds: tuple[World, World]
    shapes: list[tuple[tuple[str, ...], frozenset[str] | None]]
    shared: frozenset[str]
    new: bool

    def begin(self, rows: Rows, shares: list[dict[str, Any]], at: int = 0) -> World:
        """Fill one of the two places."""
        world = self.worlds[at]
        if self.new:
            world.build(rows)
        else:
            world.clear()
            world.fill(rows)
        with world.workspace() as ws:
            write_shares(ws, shares, anew=self.new)
            telling.write_events(ws, rows, anew=self.new)
        return world

    def rows(self) -> tuple[Rows, list[dict[str, Any]]]:
        shares = [each for each in random_shares(self.random) if each["entity"] in self.shared]
        return random_rows(self.random), shares

    def actor(self, at: int) -> Actor:
        """Somebody new with the family's roles. An entity of which shares have ended is known to him as well."""
        roles, scopes = self.shapes[at % len(self.shapes)]
        found = random_actor(self.random, list(self.worlds[0].model.all("roles")))
        return replace(found, roles=roles, allowed_scopes=scopes, shared=self.shared)


def _family(server: Server, places: Sequence[str], random: Random, new: bool) -> Family:
    entities = business()
    roles = [random_role(random, f"r{n}", entities) for n in range(3)]
    model = make_model(entities, roles)
    one, two = (World(server, model, each) for each in places)
    found = [random_actor(random, roles) for _ in range(SHAPES)]
    shapes = [(each.roles, each.allowed_scopes) for each in found]
    shared = frozenset(random.sample(("account", "deal", "user"), random.randint(0, 3)))
    return Family(random, (one, two), shapes, shared, new)


def _worlds(report: Report, family: Family, name: str, count: int) -> None:
    for at in range(count):
        rows, shares = family.rows()
        made = family.begin(rows, shares)
        family.new = False
        for number in range(SHAPES):
            who = family.actor(number)
            rules = Rules(made.model, rows, who, shares)
            with made.workspace(who) as ws:
                found = [*differences(ws, rules, family.random), *telling.differences(ws, rules)]
            report.wrong += [f"world {name}.{at} {who.roles}: {each}" for each in found]
            report.actors += 1
        report.worlds += 1


def _pairs(report: Report, family: Family, name: str, count: int) -> None:
    for at in range(count):
        rows, shares = family.rows()
        who = family.actor(at)
        twin, changed = twin_of(Rules(family.worlds[0].model, rows, who, shares), family.random)
        worlds = [family.begin(rows, shares, 0), family.begin(twin, shares, 1)]
        family.new = False
        questions = family.random.randrange(2**32)
        answers = []
        for world in worlds:
            with world.workspace(who) as ws:
                answers.append(list(answered(ws, Random(questions))))
        report.changed += changed
        report.questions += len(answers[0])
        report.worlds += 1
        for (asked, first), (_, second) in zip(*answers, strict=True):
            if first != second:
                report.wrong.append(f"pair {name}.{at} {who.roles}: {asked}: {first[:200]!r} and {second[:200]!r}")


@contextmanager
def _server(url: str | None) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="metaloom-audit-") as folder:
        server: Server = SqliteServer(Path(folder)) if url is None else PostgresServer(url)
        server.prepare()
        try:
            yield server
        finally:
            server.close()


def twin_of(rules: Rules, random: Random) -> tuple[Rows, int]:
    """The rows with changes that the actor cannot notice, by the rules; and how many there are."""
    rows: Rows = copy.deepcopy(dict(rules.rows))
    seen = _view(rules, rows)
    changed = 0
    for entity, field_id, make in _CHANGES:
        for row in rows[entity]:
            before = dict(row)
            row[field_id] = make(random)
            if field_id in ("amount", "limit"):
                row[f"{field_id}__base"] = row[field_id]
            if row == before:
                continue
            if _view(rules, rows) == seen:
                changed += 1
            else:
                row.update(before)
    return rows, changed


_CHANGES: tuple[tuple[str, str, Callable[[Random], Any]], ...] = (
    ("deal", "name", lambda random: random.choice(("Alpha hidden", "北京", "zzz"))),
    ("deal", "amount", lambda random: Decimal(random.randrange(100))),
    ("deal", "size", lambda random: random.randrange(100)),
    ("deal", "stage", lambda random: random.choice(("new", "won", "lost"))),
    ("deal", "note", lambda random: random.choice(("beta secret", "上海"))),
    ("account", "name", lambda random: random.choice(("Alpha hidden", "上海"))),
    ("account", "phone", lambda random: str(random.randrange(10))),
    ("account", "industry", lambda random: random.choice(("new", "won"))),
    ("line", "name", lambda random: "Changed"),
    ("contact", "name", lambda random: "Changed"),
    ("remark", "name", lambda random: "Changed"),
)


def _view(rules: Rules, rows: Rows) -> Any:
    """Everything that the actor may know of some rows."""
    held = Rules(rules.model, rows, rules.actor, rules.shares)
    found: dict[str, Any] = {}
    for entity in rules.model.all("entities"):
        for deleted in (False, True):
            found[f"{entity.id} {deleted}"] = [
                (row["id"], [_known(held, entity.id, row, each) for each in entity.fields.values()])
                for row in held.seen(entity.id, deleted)
            ]
    return found


def _known(rules: Rules, entity: str, row: Mapping[str, Any], field: Field) -> Any:
    """What is shown of a value, and what it is ordered by."""
    return rules.json(entity, row, field), rules.value(entity, row, field.id, f"{field.id}__base")


def answered(ws: Workspace, random: Random) -> Iterator[tuple[str, bytes]]:
    """Questions and what is answered, to the byte: rows, order, counts, cursors, refusals."""
    ids = [uuid(number) for number in (1, 11, *range(20, 28), *range(100, 114), *range(200, 206))]
    for number in range(ASKED):
        entity = random.choice(("deal", "deal", "account", "line", "contact", "remark"))
        name, other = random.choice(_NAMES), random.choice(_NAMES)
        where = f"{name} {random.choice(('==', '!=', '<', '>='))} {random.choice(_VALUES)}"
        asked = random.choice(_WAYS)
        ask = partial(_ask, ws, asked, entity, name, other, where, random.choice(ids))
        yield f"{number} {asked} {entity} {name} {other} {where}", _answer(ask)


_WAYS = (
    "list",
    "where",
    "sort",
    "search",
    "get",
    "group",
    "related",
    "suggest",
    "export",
    "history",
    "feed",
)
_NAMES = ("name", "amount", "size", "stage", "note", "phone", "industry", "account.name", "account.owner.name", "nope")
_VALUES = ("null", "5", "'new'", "'Alpha'", "'won'")


def _ask(ws: Workspace, asked: str, entity: str, name: str, other: str, where: str, id: str) -> Any:
    match asked:
        case "get":
            return get(ws, entity, id)
        case "group":
            return aggregate(ws, entity, [name], ["count", f"sum({other})"])
        case "related":
            page = related(ws, "account", id, "deals", limit=5)
        case "export":
            return telling.exported(ws, Query(entity, sort=(other,)))
        case "history":
            return history(ws, entity, id)
        case "feed":
            return feed(ws, 0, 100)
        case "suggest":
            return autocomplete(ws, entity, "alpha", 20)
        case "search":
            page = find(ws, Query(entity, q="alpha", limit=5, count="exact"))
        case "where":
            page = find(ws, Query(entity, where=where, limit=5, count="exact"))
        case "sort":
            page = find(ws, Query(entity, sort=(name, f"-{other}"), limit=3, count="capped"))
        case _:
            page = find(ws, Query(entity, fields=(name, other), limit=4, count="exact"))
    return {"data": as_json(page), "next": page.next, "count": page.count, "capped": page.capped}


def _answer(ask: Callable[[], Any]) -> bytes:
    try:
        return orjson.dumps(ask(), option=orjson.OPT_SORT_KEYS, default=str)
    except PlatformError as refused:
        told: list[Mapping[str, Any]] = [
            {"code": each.code, "path": each.path, "message": each.message(), "suggestion": each.suggestion}
            for each in refused.problems
        ]
        return orjson.dumps({"status": refused.status, "problems": told})
