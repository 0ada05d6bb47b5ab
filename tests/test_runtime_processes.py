"""What saves start, on both databases: triggers, effects, exactly once, rights and loops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metadata.problems import PlatformError
from runtime import assignments, records
from runtime.host import Host
from runtime.jobs import retry
from runtime.processes import running, starting
from runtime.records import Operation
from runtime.workspace import Session
from tests import kit
from tests.processing import changed, events, found, got, jobs, lines, made, runs, work, world

BIG = """
big:
  entity: deal
  triggers:
    made: {created: {}, when: "amount > 100"}
    moved: {updated: {}, when: "changed('stage') and stage == 'won'"}
  steps:
    mark: {create: {entity: mark, values: {name: "concat('big ', name)", deal: {record: record}, value: amount}}}
"""


def test_a_save_starts_what_it_meets_and_the_run_does_it(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="small", amount="5")
    deal = made(host, tenant, "deal", seller, name="large", amount="500.50")
    assert found(host, tenant, "mark") == []
    work(host, tenant)
    marks = found(host, tenant, "mark")
    assert [(each["name"], each["deal"], each["value"]) for each in marks] == [("big large", deal, "500.50")]
    (run,) = runs(host, tenant)
    assert (run.workflow, run.trigger, run.record, run.state, run.initiator) == ("big", "made", deal, "done", seller)
    assert lines(host, tenant, run.id) == [
        ("", "begun"),
        ("mark", "entered"),
        ("mark", "performed"),
        ("mark", "left"),
        ("", "ended"),
    ]
    with kit.workspace(host, tenant) as ws:
        started = next(each for each in events(ws, "deal") if str(each.record) == deal)
        (effect,) = events(ws, "mark")
    assert (effect.channel, str(effect.cause), effect.depth) == ("workflow", str(started.id), 1)
    assert (str(effect.actor), str(run.cause)) == (seller, str(started.id))


def test_a_change_starts_what_it_meets_before_and_after(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    deal = made(host, tenant, "deal", name="a", amount="1")
    changed(host, tenant, "deal", deal, amount="1000")
    changed(host, tenant, "deal", deal, stage="won")
    changed(host, tenant, "deal", deal, note="still won")
    work(host, tenant)
    assert [(each.trigger, each.record) for each in runs(host, tenant)] == [("moved", deal)]


def test_a_deletion_starts_a_run_over_what_the_record_was(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
gone:
  entity: deal
  run_as: {role: boss}
  triggers: {gone: {deleted: {}, when: "stage == 'lost' and account.size > 3"}}
  steps: {mark: {create: {entity: mark, values: {name: "concat(name, ' of ', account.name)"}}}}
lines:
  entity: line
  run_as: {role: boss}
  triggers: {gone: {deleted: {}}}
  steps: {mark: {create: {entity: mark, values: {name: "concat('line ', what)"}}}}
"""),
    )
    account = made(host, tenant, "account", name="Ada", size=9)
    deal = made(host, tenant, "deal", name="a", stage="lost", account=account, lines=[{"what": "x"}, {"what": "y"}])
    kept = made(host, tenant, "deal", name="b", stage="open", account=account)
    with kit.workspace(host, tenant) as ws:
        records.delete(ws, "deal", deal)
        records.delete(ws, "deal", kept)
    work(host, tenant)
    assert sorted(each["name"] for each in found(host, tenant, "mark")) == ["a of Ada", "line x", "line y"]


def test_many_at_once_start_as_one_by_one(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    seller = kit.person(host, tenant, roles=["seller"])
    with kit.workspace(host, tenant, user=seller) as ws:
        verdicts = records.bulk(
            ws,
            "deal",
            [
                Operation("create", {"name": f"d{at}", "amount": at * 60, "code": "c" if at < 2 else None})
                for at in range(5)
            ],
        )
        assert [each.action for each in verdicts] == ["created", "refused", "created", "created", "created"]
    work(host, tenant)
    assert sorted(each["name"] for each in found(host, tenant, "mark")) == ["big d2", "big d3", "big d4"]
    with kit.workspace(host, tenant, user=seller) as ws:
        ids = [each.id or "" for each in verdicts if each.id]
        records.bulk(ws, "deal", [Operation("update", {"stage": "won"}, id=id, by=("id",)) for id in ids])
    work(host, tenant)
    assert len(found(host, tenant, "mark")) == 7


def test_an_import_starts_only_what_says_so(host: Host) -> None:
    also = BIG + BIG.replace("big:", "also:").replace("entity: deal", "entity: deal\n  on_import: true").replace(
        "'big '", "'also '"
    )
    tenant = kit.tenant(host, world(also))
    for channel in ("import", "command"):
        with kit.workspace(host, tenant, channel=channel) as ws:
            records.write_many(ws, "deal", "insert", [{"name": channel, "amount": 900}])
    work(host, tenant)
    assert [each.workflow for each in runs(host, tenant)] == ["also", "also"]


def test_merging_starts_what_follows_from_the_change_the_deletion_and_moved_links(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
kept:
  entity: account
  triggers: {moved: {updated: {}, when: "changed('size')"}}
  steps: {end: {stop: {}}}
lost:
  entity: account
  triggers: {gone: {deleted: {}}}
  steps: {end: {stop: {}}}
moved:
  entity: deal
  triggers: {moved: {updated: {}, when: "changed('account') and old.account.name == 'Two'"}}
  steps: {end: {stop: {}}}
"""),
    )
    one = made(host, tenant, "account", name="One")
    two = made(host, tenant, "account", name="Two", size=2)
    deal = made(host, tenant, "deal", name="d", account=two)
    with kit.workspace(host, tenant) as ws:
        records.merge(ws, "account", one, [two])
    work(host, tenant)
    started = {(each.workflow, each.record) for each in runs(host, tenant)}
    assert started == {("kept", one), ("lost", two), ("moved", deal)}


def test_a_link_that_is_emptied_is_a_change(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
left:
  entity: deal
  triggers: {left: {updated: {}, when: "changed('account') and account == null"}}
  steps: {end: {stop: {}}}
"""),
    )
    account = made(host, tenant, "account", name="One")
    deal = made(host, tenant, "deal", name="d", account=account)
    with kit.workspace(host, tenant) as ws:
        records.delete(ws, "account", account)
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.record, run.cause is not None) == (deal, True)


def test_entities_without_workflows_pay_nothing(host: Host) -> None:
    plain, busy = kit.tenant(host, world()), kit.tenant(host, world(BIG))
    counts = []
    for tenant in (plain, busy):
        for _ in range(2):  # what a process has to find out it finds out once
            with kit.workspace(host, tenant) as ws:
                before = ws.db.count
                records.create(ws, "account", {"name": "x"})
                records.create(ws, "deal", {"name": "x", "amount": 1})
                count = ws.db.count - before
        counts.append(count)
    assert counts[0] == counts[1]


def test_every_effect_on_records(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
all:
  entity: deal
  triggers: {made: {created: {}, when: "amount != null"}}
  steps:
    new:
      create:
        entity: mark
        values:
          name: "upper(name)"
          deal: {record: record}
          about: {record: record}
          value: "amount / 3"
          rank: "count + 7"
          day: closes
    again: {create: {entity: mark, values: {name: "'second'", about: {record: start}}}}
    set: {update: {values: {note: "concat(name, '!')", count: "count + 1", stage: "'won'", code: "'made'"}}}
    each:
      for_each:
        entity: line
        by: deal
        where: "price > 1"
        sort: {price: desc}
        limit: 2
        do:
          said: {update: {values: {note: "concat('of ', deal.name)"}}}
          marked: {create: {entity: mark, values: {name: "concat('line ', what)", deal: {record: start}}}}
    look:
      find:
        entity: account
        where: "name == 'Ada'"
        found: {sized: {update: {values: {size: "5"}}}}
        none: {none: {create: {entity: account, values: {name: "'nobody'"}}}}
    lost:
      find:
        entity: account
        where: "name == 'Nobody'"
        none: {made: {create: {entity: account, values: {name: "'Nobody'"}}}}
    look_again:
      find: {entity: mark, where: "name == 'second'", found: {drop: {delete: {}}}}
"""),
    )
    ada = made(host, tenant, "account", name="Ada")
    lines = [
        {"what": "a", "price": "5"},
        {"what": "b", "price": "9"},
        {"what": "c", "price": "1"},
        {"what": "d", "price": 3},
    ]
    seller = kit.person(host, tenant, roles=["seller"])
    deal = made(host, tenant, "deal", seller, name="deal", amount="100", closes="2027-03-01", lines=lines)
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.error) == ("done", None)
    marks = {each["name"]: each for each in found(host, tenant, "mark")}
    assert list(marks) == ["DEAL", "line b", "line a"]
    mark = marks["DEAL"]
    assert (mark["value"], mark["rank"], mark["day"], mark["deal"]) == ("33.33", 7, "2027-03-01", deal)
    assert (mark["about"], mark["owner"]) == ({"entity": "deal", "id": deal}, seller)
    after = got(host, tenant, "deal", deal)
    assert (after["note"], after["count"], after["stage"], after["code"]) == ("deal!", 1, "won", "made")
    assert got(host, tenant, "account", ada)["size"] == 5
    assert len(found(host, tenant, "account", "name == 'Nobody'")) == 1
    assert sorted(each["what"] for each in found(host, tenant, "line", "note != null")) == ["a", "b"]


def test_what_somebody_may_not_do_his_run_may_not_do_either(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    looker, seller = (kit.person(host, tenant, roles=[each]) for each in ("looker", "seller"))
    made(host, tenant, "deal", looker, name="mine", amount="500")
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.finished_at, run.error and run.error["code"]) == ("failed", None, "records.may_not")
    assert found(host, tenant, "mark") == []
    made(host, tenant, "deal", seller, name="other", amount="500")
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["big other"]


def test_a_run_for_a_role_has_its_rights_and_no_more(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
allowed:
  entity: deal
  run_as: {role: seller}
  triggers: {made: {created: {}, when: "name == 'allowed'"}}
  steps: {mark: {create: {entity: mark, values: {name: "name"}}}}
refused:
  entity: deal
  run_as: {role: looker}
  triggers: {made: {created: {}, when: "name == 'refused'"}}
  steps: {mark: {create: {entity: mark, values: {name: "name"}}}}
sealed:
  entity: account
  run_as: {role: seller}
  triggers: {made: {created: {}}}
  steps: {open: {update: {values: {secret: "'x'"}}}}
"""),
    )
    looker = kit.person(host, tenant, roles=["looker"])
    for name in ("allowed", "refused"):
        made(host, tenant, "deal", looker, name=name)
    account = made(host, tenant, "account", name="a")
    work(host, tenant)
    (mark,) = found(host, tenant, "mark")
    assert (mark["name"], mark["owner"]) == ("allowed", None)
    assert {each.workflow: each.state for each in runs(host, tenant)} == {
        "allowed": "done",
        "refused": "failed",
        "sealed": "failed",
    }
    assert got(host, tenant, "account", account)["secret"] is None
    with kit.workspace(host, tenant) as ws:
        assert [(each.channel, each.actor) for each in events(ws, "mark")] == [("workflow", None)]


def test_a_run_has_no_more_than_the_token_that_began_it(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    seller = kit.person(host, tenant, roles=["seller", "looker"])
    with kit.workspace(host, tenant, user=seller) as ws:
        narrow = Session("token", seller, "s", ws.now, None, None, scopes=frozenset({"write:deal"}))
        records.create(replace(ws, session=narrow), "deal", {"name": "a", "amount": 500})
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.error and run.error["code"]) == ("failed", "records.may_not")


def test_what_failed_is_tried_again_from_its_step(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
two:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    first: {create: {entity: mark, values: {name: "'first'"}}}
    second: {create: {entity: account, values: {name: "name"}}}
    third: {create: {entity: mark, values: {name: "'third'"}}}
"""),
    )
    both = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", both, name="x")
    with kit.workspace(host, tenant) as ws:
        assignments.set_roles(ws, both, ["marker"])
    work(host, tenant)
    (run,) = runs(host, tenant)
    assert (run.state, run.error and run.error["step"]) == ("failed", "second")
    assert [each["name"] for each in found(host, tenant, "mark")] == ["first"]
    (job,) = jobs(host, tenant, state="dead")
    with kit.workspace(host, tenant) as ws:
        assignments.set_roles(ws, both, ["seller"])
        retry(ws, job.id)
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["first", "third"]
    assert [each["name"] for each in found(host, tenant, "account")] == ["x"]
    (run,) = runs(host, tenant)
    assert (run.state, run.error) == ("done", None)


def test_a_try_goes_on_and_what_its_step_had_done_is_undone(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
safe:
  entity: deal
  triggers: {made: {created: {}, when: "name == 'a'"}}
  steps:
    before: {create: {entity: mark, values: {name: "'before'"}}}
    safe:
      try:
        do:
          inner: {create: {entity: mark, values: {name: "'inner'"}}}
          double: {create: {entity: deal, values: {name: "'b'", code: "'same'"}}}
          never: {create: {entity: mark, values: {name: "'never'"}}}
        catch: {caught: {create: {entity: mark, values: {name: "'caught'"}}}}
    after: {create: {entity: mark, values: {name: "'after'"}}}
"""),
    )
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="first", code="same")
    made(host, tenant, "deal", seller, name="a")
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["before", "inner", "caught", "after"]
    (run,) = runs(host, tenant)
    assert run.state == "done"
    assert ("double", "failed") in lines(host, tenant, run.id)


def test_loops_end_and_say_through_what(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
ping:
  entity: deal
  triggers: {moved: {updated: {}, when: "changed('count')"}}
  steps: {next: {create: {entity: mark, values: {name: "'x'", deal: {record: record}}}}}
pong:
  entity: mark
  triggers: {made: {created: {}}}
  steps:
    back: {find: {entity: deal, where: "name == 'd'", found: {up: {update: {values: {count: "count + 1"}}}}}}
"""),
    )
    seller = kit.person(host, tenant, roles=["seller"])
    deal = made(host, tenant, "deal", seller, name="d")
    changed(host, tenant, "deal", deal, seller, count=1)
    work(host, tenant)
    all_runs = runs(host, tenant)
    assert [each.depth for each in all_runs] == list(range(10))
    last = all_runs[-1]
    assert (last.state, last.error and last.error["code"]) == ("failed", "workflow_too_deep")
    assert "ping > pong > ping > pong" in (last.error or {})["texts"]["en"]
    assert all(each.state == "done" for each in all_runs[:-1])
    assert got(host, tenant, "deal", deal)["count"] == 5


def test_a_run_may_not_lead_to_too_many(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "MOST_LED", 6)
    tenant = kit.tenant(
        host,
        world("""
spread:
  entity: mark
  triggers: {made: {created: {}}}
  steps:
    one: {create: {entity: mark, values: {name: "'x'"}}}
    two: {create: {entity: mark, values: {name: "'y'"}}}
"""),
    )
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "mark", seller, name="first")
    work(host, tenant)
    assert len(runs(host, tenant)) == 7
    stuck = [each for each in runs(host, tenant) if each.state == "failed"]
    assert stuck and all(each.error and each.error["code"] == "run.too_many_led" for each in stuck)
    assert "spread > spread" in (stuck[0].error or {})["texts"]["en"]


def test_once_allows_one_run_of_a_record_at_a_time(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
calm:
  entity: deal
  once: true
  triggers: {moved: {updated: {}}}
  steps: {end: {stop: {}}}
"""),
    )
    deal = made(host, tenant, "deal", name="d")
    for count in (1, 2):
        changed(host, tenant, "deal", deal, count=count)
    assert len(runs(host, tenant)) == 1
    work(host, tenant)
    changed(host, tenant, "deal", deal, count=3)
    assert [each.state for each in runs(host, tenant)] == ["stopped", "running"]


def test_priority_says_who_begins(host: Host) -> None:
    one = "  triggers: {made: {created: {}}}\n  steps: {a: {create: {entity: mark, values: {name: \"'%s'\"}}}}\n"
    text = "".join(
        f"{name}:\n  entity: deal\n  priority: {at}\n" + one % name for name, at in (("c", 30), ("a", 10), ("b", 20))
    )
    tenant = kit.tenant(host, world(text))
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")
    work(host, tenant)
    assert [each["name"] for each in found(host, tenant, "mark")] == ["a", "b", "c"]


def test_a_save_that_is_refused_starts_nothing(host: Host) -> None:
    tenant = kit.tenant(host, world(BIG))
    with pytest.raises(PlatformError), kit.workspace(host, tenant) as ws:
        records.create(ws, "deal", {"name": "large", "amount": "500"})
        records.create(ws, "deal", {"amount": "500"})
    assert runs(host, tenant) == [] and jobs(host, tenant) == []


def test_a_long_run_goes_on_in_several_transactions(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "AT_ONCE", 2)
    tenant = kit.tenant(
        host,
        world("""
long:
  entity: deal
  triggers: {made: {created: {}}}
  steps:
    both:
      parallel:
        branches:
          x:
            x1: {create: {entity: mark, values: {name: "'x1'"}}}
            x2: {create: {entity: mark, values: {name: "'x2'"}}}
          y:
            y1: {create: {entity: mark, values: {name: "'y1'"}}}
            y2: {create: {entity: mark, values: {name: "'y2'"}}}
    last: {create: {entity: mark, values: {name: "'last'"}}}
"""),
    )
    made(host, tenant, "deal", kit.person(host, tenant, roles=["seller"]), name="d")
    work(host, tenant)
    assert sorted(each["name"] for each in found(host, tenant, "mark")) == ["last", "x1", "x2", "y1", "y2"]
    (job,) = jobs(host, tenant)
    assert (job.progress["effects"], job.state) == (4, "done")


def test_assigning_gives_the_record_to_the_first_who_works_here(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
give:
  entity: deal
  triggers: {made: {created: {}}}
  steps: {give: {assign: {to: {first: {path: helper}, second: {manager_of: owner}, third: {role: boss}}}}}
"""),
    )
    boss, chief, helper, seller = (
        kit.person(host, tenant, roles=[each]) for each in ("boss", "looker", "looker", "seller")
    )
    plain = made(host, tenant, "deal", seller, name="by role")
    work(host, tenant)
    changed(host, tenant, "user", seller, manager=chief)
    second = made(host, tenant, "deal", seller, name="by manager")
    third = made(host, tenant, "deal", seller, name="by path", helper=helper)
    changed(host, tenant, "user", helper, active=False)
    fourth = made(host, tenant, "deal", seller, name="gone")
    changed(host, tenant, "deal", fourth, note="n")
    work(host, tenant)
    assert [got(host, tenant, "deal", each)["owner"] for each in (plain, second, third)] == [boss, chief, chief]


def test_telling_people_says_nothing_that_they_may_not_read(host: Host) -> None:
    tenant = kit.tenant(
        host,
        world("""
tell:
  entity: account
  run_as: {role: boss}
  triggers: {made: {created: {}}}
  steps:
    tell:
      send:
        to: {sellers: {role: seller}, boss: {role: boss}}
        subject: {en: "{name} is {secret}", zh: "{name}：{secret}"}
        body: {en: "Size {size}"}
"""),
    )
    seller, boss = (kit.person(host, tenant, roles=[each]) for each in ("seller", "boss"))
    account = made(host, tenant, "account", name="Ada", secret="canaryword", size=4)
    work(host, tenant)
    told = {each["owner"]: each for each in found(host, tenant, "notification")}
    assert told[seller]["subject"] == "Ada is …"
    assert told[boss]["subject"] == "Ada is canaryword"
    assert (told[boss]["body"], told[boss]["page"]) == ("Size 4", f"/app/account/{account}")
    assert (runs(host, tenant)[0].state, len(told)) == ("done", 2)
