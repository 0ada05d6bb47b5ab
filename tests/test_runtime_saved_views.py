"""Saved views: whose they are, who may change them, and that no rename breaks them."""

from __future__ import annotations

import pytest

from metadata.model import Entity
from metadata.problems import BadRequest, Conflict, Forbidden, Invalid, NotFound
from runtime import queries, saved_views, schema
from runtime.host import Host
from runtime.queries import Query
from runtime.saved_views import Shape
from runtime.workspace import Workspace
from tests import kit

OPEN = Shape(
    where="stage == 'open' and amount > 5",
    sort=("-amount", "company.name"),
    columns=("name", "company.industry", "helpers"),
    widths={"name": 300},
    totals={"amount": "sum"},
    group="closes:month",
    pinned=1,
)


def deals(ws: Workspace) -> Entity:
    found = ws.model.entity("deal")
    assert found is not None
    return found


def test_a_view_is_kept_with_ids_and_outlives_the_rename_of_a_field_and_an_option(host: Host) -> None:
    tenant = kit.tenant(host)
    person = kit.person(host, tenant, roles=["admin"])
    with kit.workspace(host, tenant, user=person) as ws:
        kit.insert(ws, "deal", name="A", stage="open", owner=person)
        kit.insert(ws, "deal", name="B", stage="won", owner=person)
        made = saved_views.create(ws, deals(ws), "Mine", Shape(where="stage == 'open'", sort=("-stage",)))
    renamed = kit.MINI.replace("stage: {type: choice", "phase: {id: stage, type: choice").replace(
        "options: {open: {}", "options: {running: {id: open}"
    ).replace("default: open", "default: running").replace("stage != 'lost'", "phase != 'lost'")  # fmt: skip
    plan = schema.plan(host, tenant, kit.layer(renamed))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    with kit.workspace(host, tenant, user=person) as ws:
        field = deals(ws).fields["stage"]
        assert (field.key, field.options[0].key) == ("phase", "running")
        kept = saved_views.get(ws, deals(ws), made.id)
        found = queries.find(ws, Query("deal", where=kept.shape.where, sort=kept.shape.sort, fields=("name",)))
        assert [row[0] for row in found.rows] == ["A"]
        assert kept.shape == made.shape


def test_everything_of_a_shape_is_kept_by_ids(sqlite_host: Host) -> None:
    text = kit.MINI.replace("amount: {type: money", "value: {id: amount, type: money")
    tenant = kit.tenant(sqlite_host, text)
    with kit.workspace(sqlite_host, tenant, roles=["admin"]) as ws:
        given = Shape(
            where="stage == 'open' and value > 5",
            sort=("-value", "company.name"),
            columns=("name", "company.industry", "helpers"),
            widths={"name": 9_000, "value": 80},
            totals={"value": "sum", "closes": "median"},
            group="closes:month",
            pinned=99,
        )
        kept = saved_views.create(ws, deals(ws), "  A   view ", given, shared=True)
        assert kept.name == "A view" and kept.shared and kept.version == 1
        assert kept.shape == Shape(
            where="stage == 'open' and amount > 5",
            sort=("-amount", "company.name"),
            columns=("name", "company.industry", "helpers"),
            widths={"name": 1_200, "amount": 80},
            totals={"amount": "sum"},
            group="closes:month",
            pinned=5,
        )
        assert saved_views.listing(ws, deals(ws)) == (kept,)


def test_others_see_a_view_once_it_is_shared_and_never_change_it(host: Host) -> None:
    tenant = kit.tenant(host)
    owner, other, admin = (kit.person(host, tenant, roles=[role]) for role in ("seller", "seller", "admin"))
    with kit.workspace(host, tenant, user=owner) as ws:
        made = saved_views.create(ws, deals(ws), "Mine", OPEN)
    for who in (other, admin):
        with kit.workspace(host, tenant, user=who) as ws:
            assert saved_views.listing(ws, deals(ws)) == ()
            with pytest.raises(NotFound):
                saved_views.get(ws, deals(ws), made.id)
            with pytest.raises(NotFound):
                saved_views.update(ws, deals(ws), made.id, name="Taken")
    with kit.workspace(host, tenant, user=owner) as ws:
        saved_views.update(ws, deals(ws), made.id, shared=True, version=1)
        with pytest.raises(Conflict):
            saved_views.update(ws, deals(ws), made.id, name="Late", version=1)
    with kit.workspace(host, tenant, user=other) as ws:
        assert [each.name for each in saved_views.listing(ws, deals(ws))] == ["Mine"]
        with pytest.raises(Forbidden):
            saved_views.update(ws, deals(ws), made.id, name="Taken")
        with pytest.raises(Forbidden):
            saved_views.delete(ws, deals(ws), made.id)
    with kit.workspace(host, tenant, user=admin) as ws:
        assert saved_views.update(ws, deals(ws), made.id, name="Ours").version == 3
        saved_views.delete(ws, deals(ws), made.id)
    with kit.workspace(host, tenant, user=owner) as ws:
        assert saved_views.listing(ws, deals(ws)) == ()


def test_a_view_of_one_entity_is_none_of_another(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host)
    with kit.workspace(sqlite_host, tenant, roles=["admin"]) as ws:
        made = saved_views.create(ws, deals(ws), "Mine", OPEN)
        company = ws.model.entity("company")
        assert company is not None
        assert saved_views.listing(ws, company) == ()
        with pytest.raises(NotFound):
            saved_views.get(ws, company, made.id)


def test_what_is_wrong_is_said_and_nothing_is_kept(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host)
    with kit.workspace(sqlite_host, tenant, roles=["admin"]) as ws:
        for name in ("", "   ", "x" * 81, "a\x07b"):
            with pytest.raises(Invalid):
                saved_views.create(ws, deals(ws), name, Shape())
        with pytest.raises(BadRequest) as refused:
            saved_views.create(ws, deals(ws), "X", Shape(where="size > 1", columns=("nothing",), sort=("-none",)))
        assert {each.path.split(".")[0] for each in refused.value.problems} == {"where", "columns", "sort"}
        assert saved_views.listing(ws, deals(ws)) == ()


def test_a_field_that_is_hidden_from_its_maker_does_not_exist(sqlite_host: Host) -> None:
    text = kit.MINI.replace(
        "deal: {read: own, create: own, update: own, delete: own}",
        "deal: {read: own, create: own, update: own, delete: own, fields: {'*': write, amount: hidden}}",
    )
    tenant = kit.tenant(sqlite_host, text)
    with kit.workspace(sqlite_host, tenant, roles=["seller"]) as ws:
        with pytest.raises(BadRequest) as hidden:
            saved_views.create(ws, deals(ws), "X", Shape(where="amount > 1"))
        with pytest.raises(BadRequest) as missing:
            saved_views.create(ws, deals(ws), "X", Shape(where="amounx > 1"))
        assert [each.code for each in hidden.value.problems] == [each.code for each in missing.value.problems]
        kept = saved_views.create(ws, deals(ws), "X", Shape(totals={"amount": "sum"}, widths={"amount": 90}))
        assert kept.shape == Shape()
