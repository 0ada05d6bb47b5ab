"""Records given to people and units beyond their roles: what they open, for how long, and who may give them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from metadata.problems import Forbidden, Invalid, NotFound
from runtime import queries, records, sharing
from runtime.host import Host
from runtime.queries import Query
from runtime.workspace import AsUser, Workspace, open_workspace
from tests import kit
from tests.doors import Site, site

LATER = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)

ROLES = """
package: {code: sharing, kind: module}
roles:
  seller:
    entities:
      company: {read: own, create: own, update: own}
      deal: {read: own, create: own, update: own, delete: own}
      user: {read: all}
      unit: {read: all}
  guest: {entities: {deal: {read: team}, user: {read: all}}}
  stranger: {entities: {user: {read: all}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, kit.MINI, ROLES)


def as_person(here: Site, id: str, now: dt.datetime | None = None, write: bool = True) -> Any:
    return open_workspace(here.host, here.tenant, AsUser(id), write=write, now=now)


def deal_of(here: Site, owner: str) -> str:
    with as_person(here, owner) as ws:
        return records.create(ws, "deal", {"name": "Big one", "amount": "10"}).id


def names(here: Site, id: str, now: dt.datetime | None = None) -> list[str]:
    with as_person(here, id, now, write=False) as ws:
        return [row[0] for row in queries.find(ws, Query("deal", fields=("name",))).rows]


def give(here: Site, owner: str, deal: str, **asked: Any) -> sharing.Share:
    with as_person(here, owner) as ws:
        return sharing.share(ws, entity(ws), deal, asked)


def entity(ws: Workspace) -> Any:
    return ws.model.entity("deal")


def test_a_share_opens_a_record_for_reading_and_its_end_closes_it(here: Site) -> None:
    ada, bob, eve = (here.person("seller").id for _ in range(3))
    deal = deal_of(here, ada)
    assert names(here, bob) == []
    made = give(here, ada, deal, **{"with": {"user": bob}})
    assert (names(here, bob), names(here, eve)) == (["Big one"], [])
    with pytest.raises(Forbidden), as_person(here, bob) as ws:
        records.update(ws, "deal", deal, {"name": "Mine"})
    with as_person(here, ada) as ws:
        sharing.end(ws, entity(ws), deal, made.id)
    assert names(here, bob) == []


def test_a_share_may_let_somebody_change_a_record_but_never_delete_it(here: Site) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    deal = deal_of(here, ada)
    give(here, ada, deal, **{"with": {"user": bob}, "write": True})
    with as_person(here, bob) as ws:
        assert records.update(ws, "deal", deal, {"name": "Bigger"}).version == 2
    with pytest.raises(Forbidden), as_person(here, bob) as ws:
        records.delete(ws, "deal", deal)
    give(here, ada, deal, **{"with": {"user": bob}, "write": False})
    with pytest.raises(Forbidden), as_person(here, bob) as ws:
        records.update(ws, "deal", deal, {"name": "Biggest"})


def test_a_share_ends_by_itself_when_its_time_is_over(here: Site) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    deal = deal_of(here, ada)
    give(here, ada, deal, **{"with": {"user": bob}, "until": "2030-01-01T00:00:00Z"})
    assert names(here, bob, LATER - dt.timedelta(microseconds=1)) == ["Big one"]
    assert names(here, bob, LATER) == []
    with as_person(here, ada, LATER) as ws:
        assert sharing.shares_of(ws, entity(ws), deal) == []


def test_what_is_shared_with_a_unit_is_shared_with_everybody_in_it_and_below(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        top = records.create(ws, "unit", {"name": "Top"}).id
        below = records.create(ws, "unit", {"name": "Below", "parent": top}).id
    ada, bob = here.person("seller").id, here.person("seller", unit=below).id
    beside = here.person("seller").id
    deal = deal_of(here, ada)
    give(here, ada, deal, **{"with": {"unit": top}})
    assert (names(here, bob), names(here, beside)) == (["Big one"], [])


def test_the_scope_team_opens_what_is_shared_and_nothing_else(here: Site) -> None:
    ada, guest, stranger = here.person("seller").id, here.person("guest").id, here.person("stranger").id
    deal = deal_of(here, ada)
    assert names(here, guest) == []
    for each in (guest, stranger):
        give(here, ada, deal, **{"with": {"user": each}, "role": "Lawyer", "write": True})
    assert names(here, guest) == ["Big one"]
    with pytest.raises(Forbidden), as_person(here, guest) as ws:  # no role lets him change any deal
        records.update(ws, "deal", deal, {"name": "Mine"})
    with pytest.raises(Forbidden):  # no role lets him see any deal
        names(here, stranger)


def test_nobody_shares_what_he_lacks(here: Site) -> None:
    ada, bob, eve = (here.person("seller").id for _ in range(3))
    deal = deal_of(here, ada)
    with pytest.raises(NotFound):
        give(here, bob, deal, **{"with": {"user": eve}})
    give(here, ada, deal, **{"with": {"user": bob}, "write": True})
    # By a share alone nobody passes a record on: his own may end sooner.
    with pytest.raises(Forbidden):
        give(here, bob, deal, **{"with": {"user": eve}})
    other = give(here, ada, deal, **{"with": {"user": eve}})
    with pytest.raises(Forbidden), as_person(here, bob) as ws:
        sharing.end(ws, entity(ws), deal, other.id)


def test_who_was_given_a_record_may_give_it_back(here: Site) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    deal = deal_of(here, ada)
    made = give(here, ada, deal, **{"with": {"user": bob}})
    with as_person(here, bob) as ws:
        sharing.end(ws, entity(ws), deal, made.id)
    assert names(here, bob) == []


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"with": {"user": "nobody"}},
        {"with": {"user": "018f2c3e-0000-7000-8000-000000000000"}},
        {"with": {"company": "018f2c3e-0000-7000-8000-000000000000"}},
        {"write": "yes"},
        {"role": ""},
        {"until": "yesterday"},
        {"until": "2001-01-01T00:00:00Z"},
        {"forever": True},
    ],
)
def test_what_is_no_share_is_refused(here: Site, asked: dict[str, Any]) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    deal = deal_of(here, ada)
    if asked and "with" not in asked:
        asked = {"with": {"user": bob}, **asked}
    with pytest.raises(Invalid):
        give(here, ada, deal, **asked)
    assert names(here, bob) == []


def test_sharing_is_told_in_the_history_of_the_record(host: Host) -> None:
    here = site(host, kit.MINI, ROLES)
    ada, bob = here.person("seller"), here.person("seller").id
    deal = deal_of(here, ada.id)
    api = here.api(person=ada)
    given = api.post(f"/deal/{deal}/shares", {"with": {"user": bob}, "role": "Lawyer"})
    assert given.status_code == 201
    made = given.get_json()
    assert api.get(f"/deal/{deal}/shares").get_json() == {"data": [made]}
    assert api.delete(f"/deal/{deal}/shares/{made['id']}").get_json() == {"ended": made["id"]}
    ended, shared = api.get(f"/deal/{deal}/history").get_json()["data"][:2]
    assert (shared["kind"], ended["kind"]) == ("shared", "unshared")
    assert shared["changes"] == {"$share": {"before": None, "after": made}}
    assert ended["changes"] == {"$share": {"before": made, "after": None}}
    assert api.delete(f"/deal/{deal}/shares/{made['id']}").status_code == 404


def test_people_with_shares_share_statements_and_nothing_else(host: Host) -> None:
    here = site(host, kit.MINI, ROLES)
    ada, bob, eve = (here.person("seller").id for _ in range(3))
    deal, other = deal_of(here, ada), deal_of(here, ada)
    give(here, ada, deal, **{"with": {"user": bob}, "write": True})
    give(here, ada, other, **{"with": {"user": eve}, "write": True})
    for who, own, foreign in ((bob, deal, other), (eve, other, deal)):
        with as_person(here, who) as ws:
            assert records.update(ws, "deal", own, {"stage": "won"}).id == own
        with pytest.raises(NotFound), as_person(here, who) as ws:
            records.update(ws, "deal", foreign, {"stage": "won"})


def boss(here: Site) -> Any:
    return kit.workspace(here.host, here.tenant)


def test_shares_follow_a_merge_and_the_wider_right_wins(here: Site) -> None:
    ada, bob, eve, kim, lee = (here.person("seller").id for _ in range(5))
    stays, goes = deal_of(here, ada), deal_of(here, ada)
    give(here, ada, goes, **{"with": {"user": bob}, "role": "Lawyer"})
    give(here, ada, stays, **{"with": {"user": eve}, "role": "Helper"})
    give(here, ada, goes, **{"with": {"user": eve}, "write": True})
    give(here, ada, stays, **{"with": {"user": kim}, "write": True})
    give(here, ada, goes, **{"with": {"user": kim}})
    give(here, ada, goes, **{"with": {"user": lee}, "until": "2030-01-01T00:00:00Z"})
    with boss(here) as ws:
        records.merge(ws, "deal", stays, [goes])
        found = {each.principal: each for each in sharing.shares_of(ws, entity(ws), stays)}
        told = queries.history(ws, "deal", stays)["data"]
    assert {id: (each.write, each.role) for id, each in found.items()} == {
        bob: (False, "Lawyer"),
        eve: (True, "Helper"),
        kim: (True, None),
        lee: (False, None),
    }
    assert names(here, bob) == ["Big one"] and names(here, lee, LATER) == []
    # Those whose right has changed are told of, after the merge that did it.
    assert sum("$share" in each["changes"] and "merged" in {e["kind"] for e in told} for each in told) == 2 + 3


def test_a_share_that_is_over_does_not_come_back_by_a_merge(here: Site) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    stays, goes = deal_of(here, ada), deal_of(here, ada)
    give(here, ada, stays, **{"with": {"user": bob}})
    give(here, ada, goes, **{"with": {"user": bob}, "write": True, "until": "2030-01-01T00:00:00Z"})
    with kit.workspace(here.host, here.tenant, now=LATER) as ws:
        sharing.follow_merge(ws, entity(ws), stays, [goes], stays)
    with pytest.raises(Forbidden), as_person(here, bob, LATER) as ws:
        records.update(ws, "deal", stays, {"name": "Mine"})


def test_what_was_shared_with_somebody_is_shared_with_whom_he_is_merged_into(here: Site) -> None:
    ada, one, two = (here.person("seller").id for _ in range(3))
    deal = deal_of(here, ada)
    give(here, ada, deal, **{"with": {"user": two}, "write": True})
    assert names(here, one) == []
    with boss(here) as ws:
        records.merge(ws, "user", one, [two])
    assert names(here, one) == ["Big one"]


def test_a_restored_record_is_shared_as_before(here: Site) -> None:
    ada, bob = here.person("seller").id, here.person("seller").id
    deal = deal_of(here, ada)
    give(here, ada, deal, **{"with": {"user": bob}})
    with as_person(here, ada) as ws:
        records.delete(ws, "deal", deal)
    assert names(here, bob) == []
    with as_person(here, ada) as ws:
        records.restore(ws, "deal", deal)
    assert names(here, bob) == ["Big one"]
