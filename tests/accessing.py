"""Random worlds of people and rights, and their rules said again in plain Python: what every surface is held to."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from decimal import Decimal
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from metadata.access import Actor
from metadata.fieldtypes import registry
from metadata.fieldtypes.links import AnyLink
from metadata.model import ACTIONS, RIGHTS, SCOPES, Entity, Field, Grant, Model, Narrowed, Role
from metadata.problems import BadRequest, Forbidden, NotFound
from runtime.queries import Query, aggregate, as_json, autocomplete, check_record, find, get, related, rule_of, visible
from runtime.system.tables import table
from runtime.tables import table_of
from runtime.workspace import Workspace
from tests.worlds import NOW, actor, complete, role, uuid

OWNED = ("account", "deal")
PARTS = {"line": "deal", "contact": "account", "remark": "about", "deal__contacts": "near"}
"""Entity id -> the link whose record's rights it has."""

Meets = Callable[["Rules", Mapping[str, Any]], bool]
CONDITIONS: Mapping[str, Mapping[str, Meets]] = {
    "deal": {
        "stage != 'won'": lambda rules, row: row["stage"] != "won",
        "stage == 'new' or owner == $user": lambda rules, row: row["stage"] == "new" or row["owner"] == rules.user,
        "account.owner == $user": lambda rules, row: rules.behind(row, "account", "owner") == rules.user,
        "account.parent.name != null": lambda rules, row: rules.behind(row, "account", "parent", "name") is not None,
        "not (account.industry in ['new', null])": lambda rules, row: (
            rules.behind(row, "account", "industry") not in ("new", None)
        ),
        "account.owner == $user or owner == $user": lambda rules, row: (
            rules.user is not None and rules.user in (row["owner"], rules.behind(row, "account", "owner"))
        ),
        "account.industry in ['new', 'won'] and account.owner == $user and size != 3": lambda rules, row: (
            rules.behind(row, "account", "industry") in ("new", "won")
            and rules.behind(row, "account", "owner") == rules.user
            and row["size"] != 3
        ),
        "account.parent.industry == 'won' or in_unit(account.unit)": lambda rules, row: (
            rules.behind(row, "account", "parent", "industry") == "won"
            or rules.behind(row, "account", "unit") in rules.actor.subtree
        ),
        "contains(name, 'ALPHA') and size >= 3": lambda rules, row: (
            "alpha" in row["name"].lower() and row["size"] is not None and row["size"] >= 3
        ),
        "amount > 5 and note == null": lambda rules, row: (
            row["amount__base"] is not None and row["amount__base"] > 5 and row["note"] is None
        ),
    },
    "account": {
        "industry == 'won'": lambda rules, row: row["industry"] == "won",
        "parent.owner == owner": lambda rules, row: rules.behind(row, "parent", "owner") == row["owner"],
        "owner == null": lambda rules, row: row["owner"] is None,
    },
    "user": {"id == $user": lambda rules, row: row["id"] == rules.user},
}
"""Entity id -> conditions that roles may have, and what they mean. The stage and industry are named by their ids."""

NARROWABLE = {"deal": ("amount", "size", "note", "stage"), "account": ("phone", "industry", "limit")}
"""Fields whose right may depend on the record."""
MASKABLE = {("deal", "note"), ("account", "phone")}
MASK = "••••"


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
                "phone": maybe(str(random.randrange(10))),
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
    gone_with = {each["id"]: each["deleted_at"] for each in deals}
    links = [
        complete({"near": near, "far": far, "deleted_at": gone_with[near]}, 500 + n)
        for n, (near, far) in enumerate(sorted(pairs))
    ]
    for row in lines:
        # What lives with a record goes with it.
        deal = next(each for each in deals if each["id"] == row["deal"])
        row["deleted_at"] = deal["deleted_at"] or (gone() if random.random() < 0.3 else None)
    # No living record links to one in the bin by the link whose rights it has: the write path sees to that.
    binned = {each["id"] for each in (*accounts, *deals) if each["deleted_at"] is not None}
    for row in contacts:
        row["deleted_at"] = gone() if row["account"] not in binned else dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for row in remarks:
        if row["about"] is not None and row["about"].id in binned:
            row["deleted_at"] = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
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
        weights = (2, 2, 2, 2, 2, 3)
        scopes = {each: random.choices(SCOPES, weights)[0] for each in ACTIONS}
        known = sorted(CONDITIONS.get(entity.id, ())) if entity is not None else []
        where = {each: random.choice(known) for each in ACTIONS if known and random.random() < 0.3}
        rights: dict[str, Any] = {}
        if entity is not None and random.random() < 0.6:
            for each in random.sample(list(entity.fields), 4):
                rights[each] = random.choice(("hidden", "hidden", "read", "write"))
        narrowed: dict[str, Narrowed] = {}
        of = entity.id if entity is not None else ""
        for each in NARROWABLE.get(of, ()) if known else ():
            if random.random() < 0.35:
                rights[each] = random.choice(("read", "write"))
                lower = ["hidden", *(["masked"] if (of, each) in MASKABLE else [])]
                otherwise: Any = random.choice([*lower, *(["read"] if rights[each] == "write" else [])])
                narrowed[each] = Narrowed(random.choice(known), otherwise)
            elif (of, each) in MASKABLE and random.random() < 0.4:
                rights[each] = "masked"
        if entity is not None and random.random() < 0.15:
            rights["*"] = "read"
        scopes = {each: scope for each, scope in scopes.items() if each not in where}
        return Grant(scopes, rights, where, narrowed)

    grants = {each.id: grant(each) for each in entities if random.random() < 0.75}
    if random.random() < 0.3:
        grants["*"] = grant(None)
    return role(id, grants)


def random_actor(random: Random, roles: list[Role]) -> Actor:
    every = [uuid(11 + n) for n in range(4)]
    units = random.sample(every, random.randint(0, 2))
    subtree = {*units, *random.sample(every, random.randint(0, 2))} if units else set()
    above = frozenset({*units, *random.sample(every, random.randint(0, 1))} if units else set())
    held = random.sample([each.id for each in roles], random.randint(1, 2))
    scopes = None
    if random.random() < 0.25:
        scopes = frozenset(random.sample(["read", "write", "read:deal", "write:account", "read:user"], 2))
    return actor(
        uuid(random.randint(1, 4)), *held, units=units, subtree=sorted(subtree), allowed_scopes=scopes, above=above
    )


def random_shares(random: Random) -> list[dict[str, Any]]:
    """Records given to people and units, some until a time that is over."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for number in range(12):
        entity, first, most = random.choice([("account", 20, 8), ("deal", 100, 14), ("user", 1, 4)])
        kind = random.choice(("user", "unit"))
        principal = uuid(random.randint(1, 4) if kind == "user" else random.randint(11, 14))
        record = uuid(first + random.randrange(most))
        until = random.choice((None, None, NOW + dt.timedelta(days=1), NOW, NOW - dt.timedelta(days=1)))
        found[entity, record, principal] = {
            "id": uuid(900 + number),
            "entity": entity,
            "record": record,
            "principal": principal,
            "kind": kind,
            "write": random.random() < 0.5,
            "until": until,
            "created_at": NOW,
        }
    return list(found.values())


def write_shares(ws: Workspace, shares: Sequence[Mapping[str, Any]], *, anew: bool = True) -> None:
    held = table("_share", ws.dialect)
    ws.db.execute(CreateTable(held) if anew else sa.delete(held))
    sqlite = ws.dialect == "sqlite"
    for each in shares:
        row = dict(each)
        for name in ("until", "created_at") if sqlite else ():
            row[name] = row[name] and row[name].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ws.db.execute(sa.insert(held), row)


def knowing(who: Actor, shares: Sequence[Mapping[str, Any]]) -> Actor:
    """The actor as the platform loads him: he knows of which entities something is shared with him."""
    return replace(who, shared=frozenset(each["entity"] for each in shares if each["principal"] in principals(who)))


def principals(who: Actor) -> set[str | None]:
    return {who.user, *who.above}


@dataclass
class Rules:
    """The rules said again, record by record, without any of the code under test."""

    model: Model
    rows: Mapping[str, list[dict[str, Any]]]
    actor: Actor
    shares: Sequence[Mapping[str, Any]] = ()
    granted: dict[str, list[Grant]] = dataclass_field(default_factory=dict)
    """What `grants` has found; model and actor stay what they are."""

    @property
    def user(self) -> str | None:
        return self.actor.user

    def behind(self, row: Mapping[str, Any], *path: str) -> Any:
        """The value at the end of links, whoever may see them; nothing behind what is in the bin."""
        for link in path[:-1]:
            target = "user" if link == "owner" else "account"
            found = [each for each in self.rows[target] if each["id"] == row[link] and each.get("deleted_at") is None]
            if not found:
                return None
            row = found[0]
        return row[path[-1]]

    def shared(self, entity: str, id: str, action: str) -> bool:
        return any(
            each["entity"] == entity
            and each["record"] == id
            and each["principal"] in principals(self.actor)
            and (each["until"] is None or each["until"] > NOW)
            and (action == "read" or each["write"])
            for each in self.shares
        )

    def grants(self, entity: str) -> list[Grant]:
        if entity not in self.granted:
            self.granted[entity] = self._grants(entity)
        return self.granted[entity]

    def _grants(self, entity: str) -> list[Grant]:
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

    def right(self, entity: str, field: str, row: Mapping[str, Any] | None) -> int:
        """0 hidden, 1 masked, 2 read, 3 write: in a row, or the widest that there is."""
        found = [0]
        for grant in self.grants(entity):
            if entity in PARTS or grant.where or any(scope != "none" for scope in grant.scopes.values()):
                right = grant.fields.get(field, grant.fields.get("*", "write"))
                narrowed = grant.narrowed.get(field)
                if narrowed is not None and row is not None and not CONDITIONS[entity][narrowed.when](self, row):
                    right = narrowed.otherwise
                found.append(RIGHTS.index(right))
        return max(found)

    def may_read(self, entity: str, field: str) -> bool:
        return self.right(entity, field, None) > 1

    def always_read(self, entity: str, field: str) -> bool:
        grants = [g for g in self.grants(entity) if g.where or any(scope != "none" for scope in g.scopes.values())]
        found = [
            g.narrowed[field].otherwise if field in g.narrowed else g.fields.get(field, g.fields.get("*", "write"))
            for g in grants
        ]
        return any(RIGHTS.index(each) > 1 for each in found)

    def value(self, entity: str, row: Mapping[str, Any], field: str, name: str | None = None) -> Any:
        """The value as it counts for this actor: nothing where he may not read it."""
        return row.get(name or field) if self.right(entity, field, row) > 1 else None

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

    def scopes(self, entity: str, action: str) -> set[str]:
        found = {grant.scopes.get(action, "none") for grant in self.grants(entity) if action not in grant.where}
        return {each for each in found if each in ("all", "team") or (each != "none" and entity in OWNED)}

    def conditions(self, entity: str, action: str) -> list[Meets]:
        texts = [grant.where[action] for grant in self.grants(entity) if action in grant.where]
        return [CONDITIONS[entity][each] for each in texts]

    def open(self, entity: str, action: str) -> bool:
        if entity in PARTS:
            action = "read" if action == "read" else "update"
            return all(self.open(target, action) for target in self.field(entity, PARTS[entity]).to)
        return "all" in self.scopes(entity, action)

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
        scopes, conditions = self.scopes(entity, action), self.conditions(entity, action)
        if not scopes and not conditions:
            return False
        unit = row.get("unit")
        return (
            "all" in scopes
            or ("own" in scopes and row.get("owner") == self.actor.user)
            or ("unit" in scopes and unit is not None and unit in self.actor.units)
            or ("subtree" in scopes and unit is not None and unit in self.actor.subtree)
            or any(meets(self, row) for meets in conditions)
            or (action in ("read", "update") and self.shared(entity, row["id"], action))
        )

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
        return not self.scopes(entity, "read") and not self.conditions(entity, "read")

    def linked(self, entity: str, id: str | None) -> dict[str, Any] | None:
        """The record behind a link, if the actor may see it."""
        row = next((each for each in self.rows[entity] if each["id"] == id), None)
        return row if row is not None and row.get("deleted_at") is None and self.allows(entity, row) else None

    def json(self, entity: str, row: Mapping[str, Any], field: Field) -> Any:
        value, right = row.get(field.id), self.right(entity, field.id, row)
        if value is None or right == 0:
            return None
        if right == 1:
            return MASK
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


SURFACES = 11
"""Lists, the bin, single records, four forms of the rule, paths, groups, narrowed conditions and orders, lists of
others, related lists, search, suggestions, hidden names."""


def differences(ws: Workspace, rules: Rules, random: Random) -> Iterator[str]:
    """Every surface, compared."""
    for entity in ws.model.all("entities"):
        yield from compare_lists(ws, rules, entity)
        yield from compare_rights(ws, rules, entity)
    yield from compare_paths(ws, rules)
    yield from compare_groups(ws, rules)
    yield from compare_narrowed(ws, rules)
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
            each
            for each in entity.fields.values()
            if registry.of(each).stored and rules.right(entity.id, each.id, None) > 0
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
        key = (stages[rules.value("deal", row, "stage")], repr(rules.json("deal", row, field)))
        wanted[key] += 1
        sums[key] += rules.value("deal", row, "amount", "amount__base") or 0
    counts = {(each["stage"], repr(each["account"])): each["count"] for each in found}
    totals = {
        (each["stage"], repr(each["account"])): Decimal((each["sum(amount)"] or {"amount": "0"})["amount"])
        for each in found
    }
    if counts != dict(wanted) or totals != dict(sums):
        yield f"groups: {counts} for {dict(wanted)}"


def compare_narrowed(ws: Workspace, rules: Rules) -> Iterator[str]:
    """Where a field may not be read in a record it is empty: to conditions, orders and groups alike."""
    for entity, field, least in (("deal", "size", 4), ("deal", "amount", 4), ("account", "phone", "5")):
        if not rules.may_read(entity, field) or not rules.may_read(entity, "id") or rules.never(entity):
            continue
        part = f"{field}__base" if field == "amount" else field
        held = {row["id"]: rules.value(entity, row, field, part) for row in rules.seen(entity)}
        text = f"{field} >= '{least}'" if field == "phone" else f"{field} >= {least}"
        found = {row["id"] for row in as_json(find(ws, Query(entity, where=text, limit=500)))}
        if found != {id for id, value in held.items() if value is not None and value >= least}:
            yield f"where {entity}.{field}"
        found = {row["id"] for row in as_json(find(ws, Query(entity, where=f"not ({text})", limit=500)))}
        if found != {id for id, value in held.items() if value is None or value < least}:
            yield f"where not {entity}.{field}"
        # In pages of three: the cursor holds values, too.
        order, after = [], None
        for _ in range(10):
            page = find(ws, Query(entity, sort=(field, "id"), limit=3, after=after))
            order += [row["id"] for row in as_json(page)]
            after = page.next
            if after is None:
                break
        if order != sorted(held, key=lambda id: (held[id] is None, held[id] if held[id] is not None else least, id)):
            yield f"sort {entity}.{field}"


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
        looked = [each for each in ("name", "note") if rules.always_read("deal", each)]
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
        asked: list[Callable[[str], Any]] = [
            lambda name: find(ws, Query(entity.id, sort=(name,))),
            lambda name: find(ws, Query(entity.id, where=f"{name} == null")),
            lambda name: aggregate(ws, entity.id, (name,)),
            lambda name: aggregate(ws, entity.id, (), (f"sum({name})",)),
        ]
        if rules.right(entity.id, field.id, None) == 0:  # a mask is shown when it is asked for
            asked.append(lambda name: find(ws, Query(entity.id, fields=(name,))))
        for make in asked:
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
