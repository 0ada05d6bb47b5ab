"""Who is here: only people who may read the record learn of others, a row soon counts for nothing, and none stays."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa

from metadata.model import Entity
from metadata.problems import NotFound
from runtime import presence
from runtime.host import Host
from runtime.presence import Here
from runtime.system.tables import table
from runtime.workspace import Workspace
from tests import kit

NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


class Place:
    """A tenant with one deal of a seller, and people around it."""

    def __init__(self, host: Host) -> None:
        self.host, self.tenant = host, kit.tenant(host, kit.MINI)
        self.seller = kit.person(host, self.tenant, "Li Wei", roles=["seller"])
        self.other = kit.person(host, self.tenant, "Zhou Bo", roles=["seller"])
        self.admin = kit.person(host, self.tenant, "Ann", roles=["admin"])
        with kit.workspace(host, self.tenant) as ws:
            self.deal = kit.insert(ws, "deal", name="D", owner=self.seller)

    def arrive(self, user: str, after: int = 0, editing: bool = False) -> tuple[Here, ...]:
        with self.open(user, after) as ws:
            return presence.arrive(ws, deal(ws), self.deal, editing)

    def others(self, user: str, after: int = 0) -> tuple[Here, ...]:
        with self.open(user, after) as ws:
            return presence.others(ws, deal(ws), self.deal)

    def open(self, user: str, after: int) -> AbstractContextManager[Workspace]:
        return kit.workspace(self.host, self.tenant, user=user, now=NOON + dt.timedelta(seconds=after))

    def rows(self) -> int:
        with kit.workspace(self.host, self.tenant) as ws:
            count = sa.select(sa.func.count()).select_from(table("_presence", ws.dialect))
            return int(ws.db.execute(count).scalar_one())


def deal(ws: Workspace) -> Entity:
    found = ws.model.entity("deal")
    assert found is not None
    return found


@pytest.fixture
def here(host: Host) -> Place:
    return Place(host)


def test_people_on_one_record_see_each_other_and_not_themselves(here: Place) -> None:
    assert here.arrive(here.seller) == ()
    assert here.arrive(here.admin, editing=True) == (Here(here.seller, "Li Wei", False),)
    assert here.arrive(here.seller, 5) == (Here(here.admin, "Ann", True),)
    assert here.arrive(here.admin, 6) == (Here(here.seller, "Li Wei", False),)
    assert here.others(here.seller, 7) == (Here(here.admin, "Ann", False),)
    assert here.rows() == 2


def test_whoever_leaves_is_gone_at_once(here: Place) -> None:
    here.arrive(here.seller)
    here.arrive(here.admin)
    with here.open(here.admin, 1) as ws:
        presence.leave(ws, deal(ws), here.deal)
    assert here.others(here.seller, 2) == ()
    assert here.rows() == 1


def test_after_a_minute_a_row_counts_for_nothing_and_the_next_who_comes_sweeps_it(here: Place) -> None:
    here.arrive(here.seller)
    assert len(here.others(here.admin, 60)) == 1
    assert here.others(here.admin, 61) == ()
    assert here.rows() == 1
    here.arrive(here.admin, 61)
    assert here.rows() == 1
    assert here.others(here.seller, 62) == (Here(here.admin, "Ann", False),)


def test_nobody_learns_of_people_on_a_record_that_he_may_not_read(here: Place) -> None:
    here.arrive(here.seller)
    for ask in (here.arrive, here.others):
        with pytest.raises(NotFound):
            ask(here.other)
    assert here.others(here.seller) == ()
    assert here.rows() == 1


def test_a_record_in_the_recycle_bin_has_nobody_before_it(here: Place, host: Host) -> None:
    from runtime import records

    with here.open(here.admin, 0) as ws:
        records.delete(ws, deal(ws), here.deal)
    with pytest.raises(NotFound):
        here.arrive(here.seller)


def test_a_record_of_another_kind_with_the_same_id_is_another_place(here: Place) -> None:
    here.arrive(here.seller)
    with kit.workspace(here.host, here.tenant) as ws:
        kit.insert(ws, "company", id=here.deal, name="C")
    with here.open(here.admin, 1) as ws:
        company = ws.model.entity("company")
        assert company is not None
        assert presence.others(ws, company, here.deal) == ()
