"""Records go back to their pools: B2.2, on both databases. Days, reminders, one failure alone, a dry run."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from metadata.problems import Forbidden, MetadataInvalid, NotFound
from runtime import pools, records
from runtime.directory import Tenant
from runtime.host import Host
from runtime.jobs.table import JOB
from runtime.records.writing import stays
from runtime.recycling import daily
from runtime.recycling.due import Due, scan, today_of
from runtime.recycling.showing import foresee
from tests import kit
from tests.doors import site
from tests.processing import changed, found, got, jobs, sooner, work, world

NOON = dt.datetime(2026, 1, 5, 4, tzinfo=dt.UTC)
"""The fifth of January in Shanghai."""
IDLE = {
    "idle": {"label": {"en": "Nothing happened", "zh": "长期未跟进"}, "since": {"meets": {}, "closes": {}}, "days": 7}
}


def description(recycle: dict[str, Any], before: dict[str, Any] | None = None, **pool: Any) -> str:
    """`before`: pools that stand before this one."""
    held = {"entity": "deal", "members": {"seller": {}}, "admins": {"boss": {}}, "recycle": recycle, **pool}
    text = world(pools={**(before or {}), "open": held})
    return text.replace("  deal:\n    title: name\n", "  deal:\n    pooled: true\n    title: name\n")


def left(host: Host, tenant: Tenant, owner: str, at: dt.datetime = NOON, **values: Any) -> str:
    """A deal that somebody got at a moment."""
    with kit.workspace(host, tenant, now=at) as ws:
        return records.create(ws, "deal", {"name": "D", "owner": owner, **values}).id


def ago(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=days)


def due(host: Host, tenant: Tenant, now: dt.datetime, ahead: int = 0) -> dict[str, dt.date]:
    """Which records are due at a moment -> the day on which they go."""
    with kit.workspace(host, tenant, now=now, write=False) as ws:
        pool = ws.model.get("pools", "open")
        assert pool is not None
        until = today_of(ws) + dt.timedelta(days=ahead)
        return {each.record: each.on for rule in pool.recycle for each in scan(ws, pool, rule, until).due}


def the_day(host: Host, tenant: Tenant) -> dict[str, Any]:
    """The job of a day, as it comes at midnight; what it says it did."""
    with kit.workspace(host, tenant) as ws:
        ws.db.execute(sa.delete(JOB).where(JOB.c.kind == daily.JOB))
        daily.plan(ws)
    assert sooner(host, tenant, daily.JOB) == 1
    work(host, tenant)
    (done,) = [each for each in jobs(host, tenant, daily.JOB) if each.state == "done"]
    assert done.result is not None
    return {name: count for name, count in done.result.items() if count}


def test_b2_2_whole_days_are_over_at_midnight_of_the_tenant(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    rep = kit.person(host, tenant, roles=["seller"])
    deal = left(host, tenant, rep)
    last = dt.datetime(2026, 1, 12, 15, 59, 59, tzinfo=dt.UTC)  # the last second of the twelfth in Shanghai
    assert due(host, tenant, last) == {}
    assert due(host, tenant, last + dt.timedelta(seconds=1)) == {deal: dt.date(2026, 1, 13)}
    assert due(host, tenant, last, ahead=1) == {deal: dt.date(2026, 1, 13)}


def test_b2_2_days_count_from_the_latest_of_what_happened_and_of_when_its_owner_got_it(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    rep, other = (kit.person(host, tenant, roles=["seller"]) for _ in range(2))
    met = left(host, tenant, rep, meets="2026-01-08T04:00:00Z")
    closing = left(host, tenant, rep, closes="2026-01-10", meets="2026-01-02T04:00:00Z")
    handed = left(host, tenant, rep)
    touched = left(host, tenant, rep)
    with kit.workspace(host, tenant, now=NOON + dt.timedelta(days=4)) as ws:
        records.update(ws, "deal", handed, {"owner": other})
        records.update(ws, "deal", touched, {"note": "no follow-up"})
    on = due(host, tenant, NOON + dt.timedelta(days=60))
    assert on == {
        met: dt.date(2026, 1, 16),
        closing: dt.date(2026, 1, 18),
        handed: dt.date(2026, 1, 17),
        touched: dt.date(2026, 1, 13),
    }


def test_b2_2_each_rule_alone_is_enough_and_some_records_stay(host: Host) -> None:
    rules = {
        "small": {"when": "amount < 100", "days": 3},
        "any": {"days": 20, "keep": "stage == 'won' or any(lines, price > 5)"},
    }
    tenant = kit.tenant(host, description(rules))
    rep = kit.person(host, tenant, roles=["seller"])
    small, large = left(host, tenant, rep, amount="5"), left(host, tenant, rep, amount="500")
    won, held = left(host, tenant, rep, amount="500", stage="won"), left(host, tenant, rep, amount="500")
    with kit.workspace(host, tenant) as ws:
        records.create(ws, "line", {"what": "L", "deal": held, "price": "9"})
    assert set(due(host, tenant, NOON + dt.timedelta(days=5))) == {small}
    assert set(due(host, tenant, NOON + dt.timedelta(days=50))) == {small, large}
    assert won not in due(host, tenant, NOON + dt.timedelta(days=500))


def test_b2_2_a_pool_takes_back_only_what_would_lie_in_it(host: Host) -> None:
    won = {"won": {"entity": "deal", "where": "stage == 'won'", "members": {"boss": {}}}}
    tenant = kit.tenant(host, description({"all": {"days": 1}}, won, where="amount > 10"))
    rep = kit.person(host, tenant, roles=["seller"])
    mine = left(host, tenant, rep, amount="50")
    left(host, tenant, rep, amount="50", stage="won")
    left(host, tenant, rep, amount="5")
    assert set(due(host, tenant, NOON + dt.timedelta(days=50))) == {mine}


def test_b2_2_the_day_takes_back_what_is_due_and_remembers_why(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    rep = kit.person(host, tenant, roles=["seller"])
    old, new = left(host, tenant, rep, ago(30)), left(host, tenant, rep, ago(1))
    assert the_day(host, tenant) == {"recycled": 1}
    assert (got(host, tenant, "deal", old)["owner"], got(host, tenant, "deal", old)["pool"]) == (None, "open")
    assert got(host, tenant, "deal", new)["owner"] == rep
    with kit.workspace(host, tenant) as ws:
        stay = stays.latest(ws, old)
    assert stay is not None and (stay.previous_owner, stay.reason) == (rep, "Nothing happened")
    assert the_day(host, tenant) == {}


def test_the_next_day_has_its_job_once(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    with kit.workspace(host, tenant) as ws:
        daily.plan(ws)
    (waiting,) = jobs(host, tenant, daily.JOB)
    assert waiting.key is not None and waiting.key.startswith("recycle:open:")
    assert waiting.run_at.astimezone(dt.timezone(dt.timedelta(hours=8))).time() == dt.time()
    assert dt.timedelta() < waiting.run_at - dt.datetime.now(dt.UTC) <= dt.timedelta(days=1)


def test_b2_2_one_that_cannot_go_does_not_keep_the_others(host: Host) -> None:
    refuse = {
        "stays": {"when": "owner == null and name == 'Stubborn'", "reject": {"message": "It must have an owner."}}
    }
    body = yaml.safe_load(description(IDLE))
    body["entities"]["deal"]["rules"] = refuse
    tenant = kit.tenant(host, yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
    rep = kit.person(host, tenant, roles=["seller"])
    first, bad, last = (left(host, tenant, rep, ago(30), name=name) for name in ("A", "Stubborn", "Z"))
    assert the_day(host, tenant) == {"recycled": 2, "failed": 1}
    assert [got(host, tenant, "deal", each)["owner"] for each in (first, bad, last)] == [None, rep, None]


def test_b2_2_its_owner_is_told_once_before_and_again_when_he_let_it_lie_again(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE, remind_before_days=3))
    rep = kit.person(host, tenant, roles=["seller"])
    deal = left(host, tenant, rep, ago(6))
    assert the_day(host, tenant) == {"reminded": 1}
    assert the_day(host, tenant) == {}
    (told,) = [each for each in found(host, tenant, "notification") if each["kind"] == "message"]
    assert told["owner"] == rep and told["page"] == f"/app/deal/{deal}"
    assert told["subject"].startswith("Deal goes back to Open on ")
    changed(host, tenant, "deal", deal, meets=(ago(5)).isoformat())
    assert the_day(host, tenant) == {"reminded": 1}


def test_what_happened_meanwhile_keeps_the_record_with_its_owner(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    rep = kit.person(host, tenant, roles=["seller"])
    deal = left(host, tenant, rep, ago(30))
    with kit.workspace(host, tenant) as ws:
        pool = ws.model.get("pools", "open")
        assert pool is not None
        (seen,) = scan(ws, pool, pool.recycle[0], today_of(ws)).due
        assert seen == Due(deal, rep, pool.recycle[0], seen.since)
    changed(host, tenant, "deal", deal, meets=ago(1).isoformat())
    with kit.workspace(host, tenant) as ws:
        assert not daily.take_back(ws, pool, seen)
    assert got(host, tenant, "deal", deal)["owner"] == rep


def test_b2_2_a_dry_run_tells_administrators_of_the_pool_what_would_go_and_why(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE))
    rep, boss = kit.person(host, tenant, "Rep", roles=["seller"]), kit.person(host, tenant, roles=["boss"])
    deal = left(host, tenant, rep, ago(30))
    soon = left(host, tenant, rep, ago(5))
    with kit.workspace(host, tenant, user=boss, write=False) as ws:
        told, later = foresee(ws, "deal", "open"), foresee(ws, "deal", "open", 10)
    ((one, title, owner, telling),) = told.due
    assert (one.record, one.rule.id, title, telling) == (deal, "idle", "D", True)
    assert owner == {"id": rep, "name": "Rep"}
    assert [each[0].record for each in later.due] == [deal, soon] and not later.more
    assert got(host, tenant, "deal", deal)["owner"] == rep
    with kit.workspace(host, tenant, user=rep) as ws, pytest.raises(Forbidden):
        foresee(ws, "deal", "open")
    with kit.workspace(host, tenant, user=boss) as ws, pytest.raises(NotFound):
        foresee(ws, "deal", "nothing")


def test_b2_2_who_has_lost_a_record_waits_before_he_claims_it_again(host: Host) -> None:
    tenant = kit.tenant(host, description(IDLE, claim={"cooldown_days": 3}))
    rep, other = (kit.person(host, tenant, roles=["seller"]) for _ in range(2))
    deal = left(host, tenant, rep, ago(30))
    the_day(host, tenant)
    with kit.workspace(host, tenant, user=rep) as ws:
        assert [each.action for each in pools.claim(ws, "deal", [deal])] == ["refused"]
    with kit.workspace(host, tenant, user=other) as ws:
        assert [each.action for each in pools.claim(ws, "deal", [deal])] == ["updated"]
    assert due(host, tenant, dt.datetime.now(dt.UTC)) == {}, "the days begin anew with a new owner"


@pytest.mark.parametrize(
    ("recycle", "more", "code"),
    [
        ({"a": {"days": 1, "since": {"name": {}}}}, {}, "pool_since_not_a_date"),
        ({"a": {"days": 1, "since": {"nothing": {}}}}, {}, "reference_unknown"),
        ({"a": {"days": 1, "keep": "owner == $user"}}, {}, "pool_recycle_user"),
        ({"a": {"days": 0}}, {}, "grammar_range"),
        ({}, {"remind_before_days": 3}, "pool_nothing_to_remind"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(recycle: dict[str, Any], more: dict[str, Any], code: str) -> None:
    with pytest.raises(MetadataInvalid) as refused:
        kit.compile_yaml(description(recycle, **more))
    assert code in {each.code for each in refused.value.problems}


def test_the_interface_has_the_dry_run(host: Host) -> None:
    here = site(host, description(IDLE))
    boss, rep = here.person("boss"), here.person("seller", name="Rep")
    deal = left(host, here.tenant, rep.id, ago(30))
    answer = here.api(person=boss).get("/deal/pool/recycle?pool=open&days=1")
    assert answer.status_code == 200
    told = answer.get_json()
    ((one,), hidden, more) = told["data"], told["hidden"], told["more"]
    assert (one["id"], one["owner"], one["rule"]["label"]) == (deal, {"id": rep.id, "name": "Rep"}, "Nothing happened")
    assert one["since"] < one["on"] and (hidden, more) == (0, False)
    assert here.api(person=boss).get("/deal/pool/recycle?pool=open&days=0").status_code == 400
    assert here.api(person=rep).get("/deal/pool/recycle?pool=open").status_code == 403
