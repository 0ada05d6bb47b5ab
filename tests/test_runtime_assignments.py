"""Who gives which roles to whom, units with many below them, and what conditions know of the one who asks."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from metadata.ids import uuid7
from metadata.problems import Forbidden
from runtime import assignments, queries, records
from runtime.actors import load_actor
from runtime.host import Host
from runtime.queries import Query
from runtime.tables import table_of
from runtime.workspace import AsUser, open_workspace
from tests import kit
from tests.doors import Site, site

ROLES = """
package: {code: branches, kind: module}
entities: {user: {fields: {level: {type: integer}}}}
roles:
  branch:
    capabilities: {users_below: true}
    entities:
      deal: {read: subtree, create: subtree, update: subtree, fields: {amount: read}}
      user: {read: all}
  clerk: {entities: {deal: {read: own, update: own, fields: {amount: read}}}}
  buyer: {entities: {deal: {read: own, update: own}}}
  peer: {entities: {deal: {read: {where: "chance <= $user.level or has_role('clerk') and in_unit(unit)"}}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, ROLES)


def unit(here: Site, name: str, parent: str | None = None) -> str:
    with kit.workspace(here.host, here.tenant) as ws:
        return records.create(ws, "unit", {"name": name, **({"parent": parent} if parent else {})}).id


def give(here: Site, giver: str, taker: str, *roles: str) -> None:
    with open_workspace(here.host, here.tenant, AsUser(giver), write=True) as ws:
        assignments.set_roles(ws, taker, roles)


def test_a_branch_manages_its_own_people_and_gives_no_more_than_it_has(here: Site) -> None:
    top = unit(here, "Branch")
    boss = here.person("branch", unit=top).id
    own = here.person(unit=unit(here, "Desk", top)).id
    other, nowhere = here.person(unit=unit(here, "Other")).id, here.person().id
    give(here, boss, own, "clerk")
    with open_workspace(here.host, here.tenant, AsUser(boss)) as ws:
        assert assignments.roles_of(ws, own) == ("clerk",)
    for taker, roles in ((other, ["clerk"]), (nowhere, ["clerk"]), (own, ["clerk", "buyer"]), (own, ["admin"])):
        with pytest.raises(Forbidden):
            give(here, boss, taker, *roles)
    with pytest.raises(Forbidden):
        give(here, own, boss, "clerk")


def test_conditions_know_who_asks(here: Site) -> None:
    top = unit(here, "Branch")
    below = unit(here, "Desk", top)
    low, high, clerk = here.person("peer").id, here.person("peer").id, here.person("peer", "clerk", unit=top).id
    with kit.workspace(here.host, here.tenant) as ws:
        records.update(ws, "user", low, {"level": 10})
        records.update(ws, "user", high, {"level": 90})
        for name, chance, of in (("a", "5", None), ("b", "50", below), ("c", "95", None)):
            records.create(ws, "deal", {"name": name, "chance": chance, "unit": of})
    for who, names in ((low, ["a"]), (high, ["a", "b"]), (clerk, ["b"])):
        with open_workspace(here.host, here.tenant, AsUser(who)) as ws:
            page = queries.find(ws, Query("deal", fields=("name",), sort=("name",)))
            assert [row[0] for row in page.rows] == names


def test_who_leads_five_thousand_units_of_eight_levels_is_known_at_once(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        entity = ws.model.entity("unit")
        assert entity is not None
        held = table_of(ws.model, entity, ws.dialect)
        root = records.create(ws, "unit", {"name": "Root"}).id
        values = ws.db.execute(sa.select(held.table).where(held.column("id") == root)).mappings().one()
        levels, rows = [[root]], []
        for _ in range(7):
            made = [uuid7() for _ in range(714)]
            above = levels[-1]
            names = {held.column("id").name, held.column("parent").name}
            kept = {name: value for name, value in values.items() if name not in names}
            rows += [
                {**kept, held.column("id").name: id, held.column("parent").name: above[at % len(above)]}
                for at, id in enumerate(made)
            ]
            levels.append(made)
        ws.db.execute(sa.insert(held.table), rows)
    boss, took = here.person("branch", unit=root).id, []
    with kit.workspace(here.host, here.tenant) as ws:
        for _ in range(5):
            begun = time.perf_counter()
            who = load_actor(ws.model, ws.db, boss, "api")
            took.append(time.perf_counter() - begun)
        assert len(who.subtree) == 1 + 7 * 714
        assert who.above == {root}
        assert who.main_unit == root
    assert min(took) < 2, took
    print(f"subtree units={1 + 7 * 714} levels=8 seconds={min(took):.3f}")
