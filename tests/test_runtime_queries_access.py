"""Whoever asks sees what their roles say and nothing else: random worlds against rules written out in plain Python."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from metadata.model import ACTIONS, Grant, Scope
from runtime.database.postgres import PostgresServer
from runtime.database.sqlite import SqliteServer
from runtime.queries import Query, aggregate, as_json, check_record, find
from tests.accessing import (
    Rules,
    differences,
    knowing,
    random_actor,
    random_role,
    random_rows,
    random_shares,
    write_shares,
)
from tests.worlds import World, actor, business, complete, make_model, place, role, uuid

WORLDS = 30
SEED = 42


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


def test_random_worlds_agree_with_the_rules(server: Any) -> None:
    random = Random(SEED)
    entities = business()
    found: list[str] = []
    actors = 0
    for number in range(WORLDS):
        roles = [random_role(random, f"r{n}", entities) for n in range(3)]
        made = World(server, make_model(entities, roles), server.create_place(f"w{number}"))
        rows, shares = random_rows(random), random_shares(random)
        made.build(rows)
        with made.workspace() as ws:
            write_shares(ws, shares)
        for _ in range(2):
            who = knowing(random_actor(random, roles), shares)
            actors += 1
            with made.workspace(who) as ws:
                rules = Rules(made.model, rows, who, shares)
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
