"""Who is asked, found in the rows of a tenant: managers, heads, roles, proxies, leavers; and under which release."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from metadata.problems import Forbidden, Invalid
from runtime import approvals, records, schema
from runtime.host import Host
from runtime.jobs.drain import drain
from tests import kit
from tests.signing import NOW, WORLD, Firm, firm


def _proxy(f: Firm, by: str, proxy: str, **more: Any) -> None:
    values = {
        "reason": "Holidays",
        "proxy": f.people[proxy],
        "from": (NOW - dt.timedelta(days=1)).isoformat(),
        "until": (NOW + dt.timedelta(days=1)).isoformat(),
        **more,
    }
    with f.as_(by) as ws:
        records.create(ws, "proxy", values)


def test_proxy_window_and_cycle(host: Host) -> None:
    f = firm(host)
    _proxy(f, "bob", "dora")
    request = f.submit(f.quote())
    assert f.asked(request) == ["dora"]
    assert [each["behalf"]["name"] for each in f.box("dora")] == ["Bob"]
    assert [each["request"] for each in f.box("bob", "given")] == [request.id]
    f.act("dora", "approve")
    line = next(each for each in f.show("ida")["history"] if each["verb"] == "approve")
    assert (line["actor"]["name"], line["on_behalf_of"]["name"]) == ("Dora", "Bob")
    f.later(days=2)
    assert f.asked(f.submit(f.quote())) == ["bob"]
    f.later(days=-2)
    _proxy(f, "dora", "bob")
    assert f.asked(f.submit(f.quote())) == ["kay"]  # a circle falls to who looks after the approval


def test_a_proxy_may_be_for_some_approvals_only_and_beside_its_principal(host: Host) -> None:
    f = firm(host)
    _proxy(f, "bob", "dora", approvals=["something_else"])
    assert f.asked(f.submit(f.quote())) == ["bob"]
    _proxy(f, "bob", "dan", approvals=["discount"], both=True)
    request = f.submit(f.quote())
    assert f.asked(request) == ["bob"]
    assert [each["request"] for each in f.box("dan")] == [request.id]
    assert f.asked(f.act("dan", "approve")) == ["cleo"]
    assert [each["request"] for each in f.box("dan", "done")] == [request.id]


def test_people_make_proxies_for_themselves_alone(host: Host) -> None:
    f = firm(host)
    with pytest.raises(Forbidden):
        _proxy(f, "zoe", "sid", principal=f.people["bob"])
    _proxy(f, "bob", "bob")  # nobody stands in for himself, and a time that ends before it begins never comes
    _proxy(f, "bob", "dora", until=(NOW - dt.timedelta(days=3)).isoformat())
    assert f.asked(f.submit(f.quote())) == ["bob"]


def test_leaver_task_rerouted(host: Host) -> None:
    f = firm(host)
    with f.as_(None) as ws:
        records.update(ws, "user", f.people["bob"], {"manager": f.people["dora"]})
    world = f.submit(f.quote())
    assert f.asked(world) == ["bob"]
    with f.as_(None) as ws:
        records.update(ws, "user", f.people["bob"], {"active": False})
    drain(f.host, f.tenant)
    shown = f.show("ida")
    [task] = [each for each in shown["route"][0]["tasks"] if each["state"] == "pending"]
    assert task["assignee"]["name"] == "Kay"
    assert task["original_assignee"]["name"] == "Bob"
    assert "reroute" in {each["verb"] for each in shown["history"]}
    assert [each["request"] for each in f.box("kay")] == [world.id]
    with f.as_(None) as ws:
        assert approvals.hand_over(ws, f.people["bob"]) == 0


def test_a_leaver_is_never_asked(host: Host) -> None:
    f = firm(host)
    with f.as_(None) as ws:
        records.update(ws, "user", f.people["bob"], {"active": False})
    assert f.asked(f.submit(f.quote())) == ["kay"]


def _with_boss(who: str, empty: str = "admin") -> str:
    boss = "who: {boss: {by: manager_of}}\n        empty: admin"
    assert boss in WORLD
    return WORLD.replace(boss, f"who: {who}\n        empty: {empty}")


def _tree(f: Firm) -> None:
    """ida < bob < dora < carl; her unit West (head dan) is in All (head carl)."""
    with f.as_(None) as ws:
        top = records.create(ws, "unit", {"name": "All", "manager": f.people["carl"]}).id
        west = records.create(ws, "unit", {"name": "West", "parent": top, "manager": f.people["dan"]}).id
        records.update(ws, "user", f.people["ida"], {"unit": west})
        records.update(ws, "user", f.people["dora"], {"unit": west})
        records.update(ws, "user", f.people["bob"], {"manager": f.people["dora"]})
        records.update(ws, "user", f.people["dora"], {"manager": f.people["carl"]})


@pytest.mark.parametrize(
    ("who", "asked"),
    [
        ("{a: {by: manager_of, level: 2}}", ["dora"]),
        ("{a: {by: manager_of, level: 9}}", ["carl"]),
        ("{a: {by: manager_of, level: 9, climb: empty}}", ["kay"]),
        ("{a: {by: managers_up_to, level: 2}}", ["bob", "dora"]),
        ("{a: {by: managers_up_to}}", ["bob", "dora", "carl"]),
        ("{a: {by: managers_up_to, role: director}}", ["bob", "dora"]),
        ("{a: {by: unit_head}}", ["dan"]),
        ("{a: {by: unit_head, level: 2}}", ["carl"]),
        ("{a: {by: role, role: director, within: initiator_unit}}", ["dora"]),
        ("{a: {by: role, role: director, within: record_unit}}", ["dora"]),
        ("{a: {by: field, path: counsel}}", ["cleo"]),
        ("{a: {by: field, path: account.owner}}", ["ida"]),
        ("{a: {by: field, path: owner.unit}}", ["dan"]),
        ("{a: {by: manager_of, of: account.owner}}", ["bob"]),
        ("{a: {by: expression, expression: 'amount > 10 ? counsel : owner'}}", ["cleo"]),
        ("{a: {by: initiator}}", ["ida"]),
        ("{a: {by: role, role: clerk}, b: {by: manager_of}}", ["cleo", "bob"]),
    ],
)
def test_sources_of_approvers(host: Host, who: str, asked: list[str]) -> None:
    f = firm(host, _with_boss(who))
    _tree(f)
    request = f.submit(f.quote(counsel=f.people["cleo"]))
    assert f.asked(request) == asked


def test_the_initiator_picks_who_decides(host: Host) -> None:
    f = firm(host, _with_boss("{a: {by: initiator_picks, most: 2, among: {director: {}}}}"))
    quote = f.quote()
    with f.as_("ida", write=False) as ws:
        seen = approvals.preview(ws, "quote", quote)
    assert [each["node"] for each in seen["pick"]] == ["boss"]
    assert not seen["complete"]
    assert [each["picks"] for each in seen["route"] if each["node"] == "boss"] == ["initiator_picks"]
    with pytest.raises(Invalid):
        f.submit(quote)
    with pytest.raises(Invalid):
        f.submit(quote, picks={"boss": [f.people["zoe"]]})
    assert f.asked(f.submit(quote, picks={"boss": [f.people["dan"]]})) == ["dan"]


def test_who_is_asked_takes_few_statements(host: Host) -> None:
    f = firm(host, _with_boss("{a: {by: managers_up_to}}"))
    with f.as_(None) as ws:
        chain = [records.create(ws, "user", {"name": f"M{at}"}).id for at in range(12)]
        for below, above in zip([f.people["bob"], *chain], chain, strict=False):
            records.update(ws, "user", below, {"manager": above})
    quote, other = f.quote(), f.quote()
    f.submit(other, by="ida")
    with f.as_("ida") as ws:
        before = ws.db.count
        request = approvals.submit(ws, "quote", quote)
        taken = ws.db.count - before
    assert len(request.pending()) == 13
    assert taken < 60, taken


def test_version_pinning(host: Host) -> None:
    f = firm(host)
    old = f.submit(f.quote(amount="600000"))
    second = "second: {type: approve, empty: admin, who: {c: {by: role, role: cfo}}}"
    changed = WORLD.replace("              director:\n", f"              {second}\n              director:\n")
    changed = changed.replace("label: {en: Manager, zh: 主管}", "label: {en: Boss, zh: 上级}")
    _publish(f, changed)
    new = f.submit(f.quote(amount="600000"))
    assert (old.release, new.release) == (new.release - 1, new.release)
    assert f.asked(f.act("bob", "approve", new.id)) == ["carl"]
    assert sorted(f.asked(f.act("bob", "approve", old.id))) == ["dan", "dora"]
    assert f.show("ida", old.id)["route"][0]["label"] == "Manager"
    assert f.show("ida", new.id)["route"][0]["label"] == "Boss"


def _publish(f: Firm, source: str) -> None:
    plan = schema.plan(f.host, f.tenant, kit.layer(source))
    assert plan.id is not None
    schema.apply(f.host, f.tenant, plan.id)


def test_timer_once_after_restart(host: Host) -> None:
    """Nobody was at work while the times passed: each reminder and the escalation come once."""
    timeout = "timeout: {after: PT8H, remind: PT2H, reminders: 2, then: escalate, to: {d: {by: role, role: clerk}}}"
    f = firm(host, WORLD.replace("bulk: true", f"bulk: true\n        {timeout}"))
    f.now = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    f.submit(f.quote())
    assert f.box("bob")[0]["overdue"] is False
    f.later(days=1)
    assert f.box("bob")[0]["overdue"] is True
    assert len(f.box("bob", overdue=True)) == 1
    for _ in range(5):
        drain(f.host, f.tenant)
    shown = f.show("ida")
    verbs = [each["verb"] for each in shown["history"]]
    assert verbs.count("remind") <= 2
    assert verbs.count("expire") == 1
    [task] = [each for each in shown["route"][0]["tasks"] if each["state"] == "pending"]
    assert task["assignee"]["name"] == "Cleo"
    assert f.box("bob") == []


def test_timeouts_run_in_business_time(host: Host) -> None:
    timeout = "timeout: {after: PT8H, calendar: weekdays, then: remind}"
    f = firm(host, WORLD.replace("bulk: true", f"bulk: true\n        {timeout}"))
    f.now = dt.datetime(2027, 3, 5, 9, tzinfo=dt.UTC)  # a Friday, after five in Shanghai
    f.submit(f.quote())
    due = dt.datetime.fromisoformat(f.box("bob")[0]["due"])
    assert due.astimezone(dt.timezone(dt.timedelta(hours=8))).weekday() == 0
