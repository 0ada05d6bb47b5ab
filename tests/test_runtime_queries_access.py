"""Whoever asks sees what their roles say and nothing else: random worlds against rules written out in plain Python."""

from __future__ import annotations

import datetime as dt
import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from metadata.access import Actor
from metadata.fieldtypes import registry
from metadata.fieldtypes.links import AnyLink
from metadata.model import ACTIONS, SCOPES, Entity, Field, Grant, Model, Role, Scope
from metadata.problems import BadRequest, Forbidden, NotFound
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from runtime.queries import Query, aggregate, as_json, autocomplete, check_record, find, get, related, rule_of, visible
from runtime.tables import table_of
from runtime.workspace import Workspace
from tests.worlds import World, actor, business, complete, make_model, place, role, uuid

WORLDS = 30
SEED = 42
OWNED = ("account", "deal")
PARTS = {"line": "deal", "contact": "account", "remark": "about", "deal__contacts": "near"}
"""Entity id -> the link whose record's rights it has."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made: PostgresServer | SqliteServer
    if request.param == "sqlite":
        made = SqliteServer(tmp_path_factory.mktemp("access"))
    else:
        make_database: Callable[[], str] = request.getfixturevalue("make_database")
        made = PostgresServer(make_database())
    made.prepare()
    yield made
    made.close()


def random_rows(random: Random) -> dict[str, list[dict[str, Any]]]:
    def maybe(value: Any, chance: float = 0.25) -> Any:
        return None if random.random() < chance else value

    def some(first: int, number: int) -> str:
        return uuid(first + random.randrange(number))

    def gone() -> Any:
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC) if random.random() < 0.15 else None

    def owned() -> dict[str, Any]:
        return {"owner": maybe(some(1, 4)), "unit": maybe(some(11, 4)), "deleted_at": gone(), "currency": "CNY"}

    words = ("Alpha", "beta", "上海贸易", "北京")
    people = [complete({"name": f"User {n}", "deleted_at": gone() if n > 2 else None}, 1 + n) for n in range(4)]
    units = [complete({"name": f"Unit {n}", "parent": maybe(some(11, n)) if n else None}, 11 + n) for n in range(4)]
    accounts = [
        complete(
            {
                "name": f"{random.choice(words)} {n}",
                "industry": maybe(random.choice(("new", "won"))),
                "parent": maybe(some(20, 8), 0.5),
                "limit__base": maybe(Decimal(n)),
                "limit": Decimal(n),
                **owned(),
            },
            20 + n,
        )
        for n in range(8)
    ]
    deals = [
        complete(
            {
                "name": f"{random.choice(words)} {n}",
                "account": maybe(some(20, 8)),
                "stage": maybe(random.choice(("new", "won", "lost"))),
                "amount__base": maybe(Decimal(n)),
                "amount": Decimal(n),
                "size": maybe(n),
                "note": maybe(random.choice(words)),
                "about": maybe(AnyLink(*random.choice([("account", some(20, 8)), ("user", some(1, 4))]))),
                **owned(),
            },
            100 + n,
        )
        for n in range(14)
    ]
    lines = [
        complete({"name": f"Line {n}", "deal": some(100, 14), "account": maybe(some(20, 8)), "qty": n}, 200 + n)
        for n in range(20)
    ]
    contacts = [complete({"name": f"Contact {n}", "account": maybe(some(20, 8))}, 300 + n) for n in range(8)]
    targets = [("account", 20, 8), ("deal", 100, 14)]
    remarks = []
    for n in range(10):
        target, first, number = random.choice(targets)
        remarks.append(complete({"name": f"R {n}", "about": maybe(AnyLink(target, some(first, number)))}, 400 + n))
    pairs = {(some(100, 14), some(300, 8)) for _ in range(15)}
    links = [complete({"near": near, "far": far}, 500 + n) for n, (near, far) in enumerate(sorted(pairs))]
    for row in lines:
        # What lives with a record goes with it.
        deal = next(each for each in deals if each["id"] == row["deal"])
        row["deleted_at"] = deal["deleted_at"] or (gone() if random.random() < 0.3 else None)
    return {
        "user": people,
        "unit": units,
        "account": accounts,
        "deal": deals,
        "line": lines,
        "contact": contacts,
        "remark": remarks,
        "deal__contacts": links,
    }


def random_role(random: Random, id: str, entities: list[Entity]) -> Role:
    def grant(entity: Entity | None) -> Grant:
        weights = (2, 2, 2, 2, 3)
        scopes = {each: random.choices(SCOPES, weights)[0] for each in ACTIONS}
        rights: dict[str, Any] = {}
        if entity is not None and random.random() < 0.6:
            for each in random.sample(list(entity.fields), 4):
                rights[each] = random.choice(("hidden", "hidden", "read", "write"))
        if entity is not None and random.random() < 0.15:
            rights["*"] = "read"
        return Grant(scopes, rights)

    grants = {each.id: grant(each) for each in entities if random.random() < 0.75}
    if random.random() < 0.3:
        grants["*"] = grant(None)
    return role(id, grants)


def random_actor(random: Random, roles: list[Role]) -> Actor:
    units = random.sample([uuid(11 + n) for n in range(4)], random.randint(0, 2))
    subtree = {*units, *random.sample([uuid(11 + n) for n in range(4)], random.randint(0, 2))} if units else set()
    held = random.sample([each.id for each in roles], random.randint(1, 2))
    scopes = None
    if random.random() < 0.25:
        scopes = frozenset(random.sample(["read", "write", "read:deal", "write:account", "read:user"], 2))
    return actor(uuid(random.randint(1, 4)), *held, units=units, subtree=sorted(subtree), allowed_scopes=scopes)


@dataclass
class Rules:
    """The rules said again, record by record, without any of the code under test."""

    model: Model
    rows: Mapping[str, list[dict[str, Any]]]
    actor: Actor

    def grants(self, entity: str) -> list[Grant]:
        found = []
        for name in self.actor.roles:
            held = self.model.role(name)
            assert held is not None
            grant = held.grants.get(entity) or held.grants.get("*")
            if grant is None and self.reaches(held, entity):
                grant = Grant()
            if grant is not None:
                found.append(grant)
        return found

    def reaches(self, held: Role, entity: str) -> bool:
        link = PARTS.get(entity)
        return link is not None and any(
            target in held.grants or self.reaches(held, target) for target in self.field(entity, link).to
        )

    def field(self, entity: str, id: str) -> Field:
        found = self.model.entity(entity)
        assert found is not None
        return found.fields[id]

    def may_read(self, entity: str, field: str) -> bool:
        order = ("hidden", "read", "write")
        rights = [
            grant.fields.get(field, grant.fields.get("*", "write"))
            for grant in self.grants(entity)
            if entity in PARTS or any(scope != "none" for scope in grant.scopes.values())
        ]
        return max((order.index(each) for each in rights), default=0) > 0

    def token(self, entity: str, action: str) -> bool:
        allowed = self.actor.allowed_scopes
        if allowed is None:
            return True
        names = [entity]
        for name in names:
            if name in PARTS:
                names += self.field(name, PARTS[name]).to
        verbs = ("read", "write") if action == "read" else ("write",)
        return any(verb in allowed or f"{verb}:{name}" in allowed for verb in verbs for name in names)

    def scope(self, entity: str, action: str) -> str:
        return max(
            (grant.scopes.get(action, "none") for grant in self.grants(entity)), key=SCOPES.index, default="none"
        )

    def open(self, entity: str, action: str) -> bool:
        if entity in PARTS:
            action = "read" if action == "read" else "update"
            return all(self.open(target, action) for target in self.field(entity, PARTS[entity]).to)
        return self.scope(entity, action) == "all"

    def allows(self, entity: str, row: Mapping[str, Any], action: str = "read") -> bool:
        return self.token(entity, action) and self._allows(entity, row, action)

    def _allows(self, entity: str, row: Mapping[str, Any], action: str) -> bool:
        if entity in PARTS:
            value = row.get(PARTS[entity])
            if value is None:
                return self.open(entity, action)
            target = value.entity if isinstance(value, AnyLink) else self.field(entity, PARTS[entity]).to[0]
            id = value.id if isinstance(value, AnyLink) else value
            parent = next(each for each in self.rows[target] if each["id"] == id)
            return self._allows(target, parent, "read" if action == "read" else "update")
        match self.scope(entity, action):
            case "all":
                return True
            case "own":
                return row.get("owner") == self.actor.user
            case "unit":
                return row.get("unit") is not None and row["unit"] in self.actor.units
            case "subtree":
                return row.get("unit") is not None and row["unit"] in self.actor.subtree
        return False

    def seen(self, entity: str, deleted: bool = False) -> list[dict[str, Any]]:
        return [
            row
            for row in self.rows[entity]
            if (row.get("deleted_at") is not None) == deleted and self.allows(entity, row)
        ]

    def never(self, entity: str) -> bool:
        """No record at all may be read, whatever its values."""
        if not self.token(entity, "read"):
            return True
        return self._never(entity)

    def _never(self, entity: str) -> bool:
        if entity in PARTS:
            return all(self._never(target) for target in self.field(entity, PARTS[entity]).to)
        scope = self.scope(entity, "read")
        return scope == "none" or (scope != "all" and entity not in OWNED)

    def linked(self, entity: str, id: str | None) -> dict[str, Any] | None:
        """The record behind a link, if the actor may see it."""
        row = next((each for each in self.rows[entity] if each["id"] == id), None)
        return row if row is not None and row.get("deleted_at") is None and self.allows(entity, row) else None

    def json(self, entity: str, row: Mapping[str, Any], field: Field) -> Any:
        value = row.get(field.id)
        if value is None:
            return None
        if field.type == "money":
            text = registry.of(field).dump(field, value)
            return {"amount": text, "currency": row.get("currency") or "CNY"}
        if isinstance(value, AnyLink):
            hidden = not self.open_to(value.entity) and self.linked(value.entity, value.id) is None
            # Where every kind is open to the actor, nothing is looked up.
            if all(self.open_to(each) for each in field.to) or self.open_to(value.entity):
                hidden = False
            return {"hidden": True} if hidden else {"entity": value.entity, "id": value.id}
        if field.type in ("link", "user", "unit"):
            target = field.to[0]
            if not self.open_to(target) and self.linked(target, value) is None:
                return {"hidden": True}
            return value
        return registry.of(field).dump(field, value)

    def open_to(self, entity: str) -> bool:
        return self.token(entity, "read") and self.open(entity, "read")


def differences(ws: Workspace, rules: Rules, random: Random) -> Iterator[str]:
    """Every surface, compared."""
    for entity in ws.model.all("entities"):
        yield from compare_lists(ws, rules, entity)
        yield from compare_rights(ws, rules, entity)
    yield from compare_paths(ws, rules)
    yield from compare_groups(ws, rules)
    yield from compare_lists_of_others(ws, rules)
    yield from compare_search(ws, rules)
    yield from compare_hidden(ws, rules, random)


def compare_lists(ws: Workspace, rules: Rules, entity: Entity) -> Iterator[str]:
    for deleted in (False, True):
        wanted = rules.seen(entity.id, deleted)
        try:
            page = find(
                ws,
                Query(
                    entity.id,
                    limit=500,
                    deleted=deleted,
                    sort=("id",) if rules.may_read(entity.id, "id") else (),
                    count="exact",
                ),
            )
        except Forbidden:
            if wanted:
                yield f"list {entity.id}: forbidden, wanted {len(wanted)}"
            continue
        if sorted(row["id"] for row in as_json(page)) != sorted(row["id"] for row in wanted) or page.count != len(
            wanted
        ):
            yield f"list {entity.id} deleted={deleted}: {len(page.rows)} for {len(wanted)}"
            continue
        fields = [
            each for each in entity.fields.values() if registry.of(each).stored and rules.may_read(entity.id, each.id)
        ]
        held = {row["id"]: row for row in wanted}
        for made in as_json(page):
            right = {each.key: rules.json(entity.id, held[made["id"]], each) for each in fields} | {"id": made["id"]}
            wrong = {key for key in {*made, *right} if made.get(key) != right.get(key)}
            if wrong or set(made) != set(right):
                yield f"values {entity.id}: {[(key, made.get(key), right.get(key)) for key in wrong]}"
        if deleted:
            continue
        for row in rules.rows[entity.id][::3]:
            try:
                found = get(ws, entity.id, row["id"])["id"] == row["id"]
            except NotFound:
                found = False
            if found != (row["id"] in held):
                yield f"get {entity.id}: {found}"


def compare_rights(ws: Workspace, rules: Rules, entity: Entity) -> Iterator[str]:
    held = table_of(ws.model, entity, ws.db.dialect)
    for action in ACTIONS:
        wanted = {row["id"] for row in rules.rows[entity.id] if rules.allows(entity.id, row, action)}
        column = held.column("id")
        by_predicate = set(ws.db.execute(sa.select(column).where(visible(ws, entity, action))).scalars())
        rule = rule_of(ws, entity, action)
        by_rule = set(ws.db.execute(sa.select(column).where(rule.predicate), rule.params).scalars())
        checked = {row["id"] for row in rules.rows[entity.id] if check_record(ws, entity, action, row)}
        if not wanted == by_predicate == by_rule == checked:
            yield f"{action} {entity.id}: {len(wanted)} {len(by_predicate)} {len(by_rule)} {len(checked)}"


def compare_paths(ws: Workspace, rules: Rules) -> Iterator[str]:
    readable = all(
        rules.may_read(*each)
        for each in (("deal", "account"), ("deal", "name"), ("account", "name"), ("account", "owner"), ("user", "name"))
    )
    try:
        page = find(ws, Query("deal", fields=("name", "account.name", "account.owner.name"), limit=500))
        names = find(
            ws, Query("deal", where="account.name != null", fields=("account.name",), sort=("account.name",), limit=500)
        )
    except BadRequest:
        if readable:
            yield "path: refused"
        return
    except Forbidden:
        return
    if not readable:
        yield "path: hidden fields given"
        return
    seen = {row["id"]: row for row in rules.seen("deal")}
    wanted_names = []
    for made in as_json(page):
        row = seen[made["id"]]
        account = rules.linked("account", row["account"])
        owner = rules.linked("user", account["owner"]) if account else None
        right: Any = None
        if row["account"] is not None:
            right = {"hidden": True}
        if account is not None:
            behind = None if account["owner"] is None else {"hidden": True}
            if owner is not None:
                behind = {"id": owner["id"], "name": owner["name"]}
            right = {"id": account["id"], "name": account["name"], "owner": behind}
            wanted_names.append(account["name"])
        if made["account"] != right:
            yield f"path: {made['account']} for {right}"
    if [row[0] for row in names.rows] != sorted(wanted_names):
        yield "path in where and sort"


def compare_groups(ws: Workspace, rules: Rules) -> Iterator[str]:
    rows = rules.seen("deal")
    try:
        found = aggregate(ws, "deal", ["stage", "account"], ["count", "sum(amount)"])
    except BadRequest:
        if all(rules.may_read("deal", each) for each in ("stage", "account", "amount")):
            yield "groups: refused"
        return
    except Forbidden:
        return
    field = rules.field("deal", "account")
    stages = {"new": "fresh", "won": "won", "lost": "gone", None: None}
    wanted: Counter[tuple[Any, str]] = Counter()
    sums: Counter[tuple[Any, str]] = Counter()
    for row in rows:
        key = (stages[row["stage"]], repr(rules.json("deal", row, field)))
        wanted[key] += 1
        sums[key] += row["amount__base"] or 0
    counts = {(each["stage"], repr(each["account"])): each["count"] for each in found}
    totals = {
        (each["stage"], repr(each["account"])): Decimal((each["sum(amount)"] or {"amount": "0"})["amount"])
        for each in found
    }
    if counts != dict(wanted) or totals != dict(sums):
        yield f"groups: {counts} for {dict(wanted)}"


def compare_lists_of_others(ws: Workspace, rules: Rules) -> Iterator[str]:
    cases: list[tuple[str, str, str, Callable[[Any, Any], bool]]] = [
        ("deal", "lines", "line", lambda row, other: other["deal"] == row["id"]),
        ("account", "contacts", "contact", lambda row, other: other["account"] == row["id"]),
        ("account", "deals", "deal", lambda row, other: other["account"] == row["id"]),
        ("deal", "contacts", "contact", lambda row, other: (row["id"], other["id"]) in pairs),
        ("contact", "deals", "deal", lambda row, other: (other["id"], row["id"]) in pairs),
    ]
    pairs = {(each["near"], each["far"]) for each in rules.rows["deal__contacts"]}
    through = {("deal", "contacts"): ("deal", "contacts"), ("contact", "deals"): ("deal", "contacts")}
    through |= {("account", "contacts"): ("contact", "account"), ("account", "deals"): ("deal", "account")}
    through[("deal", "lines")] = ("deal", "lines")
    for source, key, target, belongs in cases:
        # A list declared by a field is as hidden as the field, any other as the link that makes it.
        readable = rules.may_read(*through[(source, key)])
        forbidden = rules.never(source)
        try:
            page = find(ws, Query(source, fields=(f"{key}.name",), limit=500))
        except BadRequest:
            if readable and rules.may_read(target, "name"):
                yield f"{source}.{key}: refused"
            continue
        except Forbidden:
            if not forbidden:
                yield f"{source}.{key}: forbidden"
            continue
        others = rules.seen(target)
        seen = {row["id"]: row for row in rules.seen(source)}
        for made in as_json(page):
            right = sorted(each["id"] for each in others if belongs(seen[made["id"]], each))
            if sorted(each["id"] for each in made[key]) != right:
                yield f"{source}.{key}: {len(made[key])} for {len(right)}"
            try:
                listed = [row["id"] for row in as_json(related(ws, source, made["id"], key, limit=500))]
            except Forbidden:
                listed = []
            if sorted(listed) != right:
                yield f"related {source}.{key}: {len(listed)} for {len(right)}"


def compare_search(ws: Workspace, rules: Rules) -> Iterator[str]:
    for word in ("alpha", "上海", "beta"):
        looked = [each for each in ("name", "note") if rules.may_read("deal", each)]
        wanted = {row["id"] for row in rules.seen("deal") if any(word in (row[each] or "").lower() for each in looked)}
        try:
            found = {row["id"] for row in as_json(find(ws, Query("deal", q=word, limit=500)))}
        except Forbidden:
            found = set()
        if found != wanted:
            yield f"search {word}: {len(found)} for {len(wanted)}"
        try:
            suggested = {each["id"] for each in autocomplete(ws, "deal", word, 500)}
        except Forbidden:
            suggested = set()
        if suggested != (wanted if rules.may_read("deal", "name") else set()):
            yield f"suggest {word}: {len(suggested)} for {len(wanted)}"


def compare_hidden(ws: Workspace, rules: Rules, random: Random) -> Iterator[str]:
    """A hidden field may not be mentioned anywhere, and the answer is that of a field which does not exist."""
    entity = ws.model.entity(random.choice(["deal", "account", "line"]))
    assert entity is not None
    readable = {each.key for each in entity.fields.values() if rules.may_read(entity.id, each.id)}
    for field in entity.fields.values():
        if rules.may_read(entity.id, field.id) or not registry.of(field).stored:
            continue
        for make in (
            lambda name: find(ws, Query(entity.id, fields=(name,))),
            lambda name: find(ws, Query(entity.id, sort=(name,))),
            lambda name: find(ws, Query(entity.id, where=f"{name} == null")),
            lambda name: aggregate(ws, entity.id, (name,)),
            lambda name: aggregate(ws, entity.id, (), (f"sum({name})",)),
        ):
            answers = []
            for name in (field.key, "no_such_thing"):
                try:
                    make(name)
                    answers.append("given")
                except (BadRequest, Forbidden) as refused:
                    problem = refused.problems[0]
                    answers.append(problem.message().replace(name, "?"))
                    if problem.suggestion is not None and problem.suggestion not in readable:
                        yield f"hidden {entity.id}.{problem.suggestion} suggested"
            if answers[0] != answers[1] or "given" in answers:
                yield f"hidden {entity.id}.{field.id}: {answers}"


def test_random_worlds_agree_with_the_rules(server: Any) -> None:
    random = Random(SEED)
    entities = business()
    found: list[str] = []
    actors = 0
    for number in range(WORLDS):
        roles = [random_role(random, f"r{n}", entities) for n in range(3)]
        made = World(server, make_model(entities, roles), server.create_place(f"w{number}"))
        rows = random_rows(random)
        made.build(rows)
        for _ in range(2):
            who = random_actor(random, roles)
            actors += 1
            with made.workspace(who) as ws:
                rules = Rules(made.model, rows, who)
                found += [f"world {number} {who.roles}: {each}" for each in differences(ws, rules, random)]
    print(f"access worlds={WORLDS} actors={actors} diffs={len(found)} seed={SEED}")
    assert found == []


def test_statements_are_shared_by_people_of_the_same_roles(server: Any) -> None:
    """What is kept is made for a shape, never with the values of the first who asked."""
    everything: dict[str, Scope] = {each: "own" for each in ACTIONS}
    roles = [role("seller", {"*": Grant(everything)})]
    made = World(server, make_model(business(), roles), server.create_place(place("shared")))
    deals = [complete({"name": f"D{n}", "owner": uuid(1 + n % 2), "size": n}, 100 + n) for n in range(4)]
    made.build({"user": [complete({"name": "A"}, 1), complete({"name": "B"}, 2)], "deal": deals})
    for user, least, names in ((1, 0, ["D0", "D2"]), (2, 0, ["D1", "D3"]), (2, 2, ["D3"]), (1, 1, ["D2"])):
        with made.workspace(actor(uuid(user), "seller")) as ws:
            page = find(ws, Query("deal", where=f"size >= {least}", sort=("name",), fields=("name",)))
            assert [row[0] for row in page.rows] == names
            entity = ws.model.entity("deal")
            assert entity is not None
            assert check_record(ws, entity, "update", {"owner": uuid(user)})
            assert not check_record(ws, entity, "update", {"owner": uuid(3 - user)})
            assert not check_record(ws, entity, "update", {"owner": None})


def test_nobody_owns_what_has_no_owner(server: Any) -> None:
    roles = [role(each, {"deal": Grant({"read": each})}) for each in ("own", "unit", "subtree")]
    made = World(server, make_model(business(), roles), server.create_place(place("ownerless")))
    made.build({"deal": [complete({"name": "x"}, 1)]})
    for each in roles:
        for who in (actor(None, each.id), actor(uuid(1), each.id), actor(uuid(1), each.id, units=(uuid(2),))):
            with made.workspace(who) as ws:
                assert find(ws, Query("deal")).rows == []


def test_what_is_kept_does_not_hold_the_model(server: Any) -> None:
    roles = [role("reader", {"*": Grant({"read": "own"})})]
    made = World(server, make_model(business(), roles), server.create_place(place("freed")))
    made.build({"deal": [complete({"name": "x", "owner": uuid(1)}, 1)]})
    with made.workspace(actor(uuid(1), "reader")) as ws:
        query = Query("deal", where="contains(name, 'x') and size == null", fields=("name", "account.name", "lines"))
        assert as_json(find(ws, query)) == [{"id": uuid(1), "name": "x", "account": None, "lines": []}]
        aggregate(ws, "deal", ["stage"])
    model = weakref.ref(made.model)
    del ws, made
    gc.collect()
    assert model() is None
