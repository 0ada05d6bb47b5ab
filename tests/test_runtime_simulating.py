"""Changed rules, workflows and approvals asked of the past, on both databases; and that it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.problems import BadRequest, Forbidden, Invalid, MetadataInvalid
from runtime import records
from runtime.host import Host
from runtime.simulating.doors import closed
from runtime.workspace import PlatformActor
from tests import kit
from tests.processing import changed as change
from tests.processing import made
from tests.replaying import WORLD, changed, checksums, definition, lived, replayed, sequences


def rules(**given: Any) -> str:
    return changed(entities={"deal": {"rules": given}})


REFUSING = {"when": "amount > 500", "reject": {"field": "amount", "message": {"en": "Too much.", "zh": "过多。"}}}


def test_a_new_rule_newly_refuses_and_says_which_saves_and_why(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    seller = kit.person(host, tenant, "Sally", roles=["seller"])
    small = made(host, tenant, "deal", seller, name="small", amount=5)
    made(host, tenant, "deal", seller, name="large", amount=800)
    change(host, tenant, "deal", small, seller, amount=900)
    change(host, tenant, "deal", small, seller, amount=20)
    report = replayed(host, tenant, rules(too_much=REFUSING))
    found = definition(report, "too_much")
    assert [each["name"] for each in report["definitions"]] == ["too_much"]
    assert (found["change"], found["seen"], found["same"], found["counts"]) == ("added", 4, 2, {"newly_refuses": 2})
    assert "2 would newly be refused" in found["message"]
    newest, oldest = found["samples"]
    assert (newest["title"], newest["record"], newest["who"], newest["what"]) == ("small", small, "Sally", "updated")
    assert (oldest["title"], oldest["what"], oldest["after"]["refuses"]) == ("large", "created", True)
    why = newest["after"]["why"][0]["root"]
    assert why["holds"] is True and any(each["result"] == "900" for each in why["parts"])
    assert newest["before"]["refuses"] is False


def test_what_is_the_same_is_not_asked_unless_somebody_wants_it(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, WORLD)
    made(sqlite_host, tenant, "deal", name="a", amount=5)
    report = replayed(sqlite_host, tenant, WORLD)
    assert report["definitions"] == [] and report["differs"] is False
    assert "decides otherwise" in report["summary"]
    renamed = changed(entities={"deal": {"rules": {"not_negative": {"label": {"en": "Other", "zh": "另"}}}}})
    assert replayed(sqlite_host, tenant, renamed)["definitions"] == []
    every = replayed(sqlite_host, tenant, WORLD, everything=True, entity="deal")
    assert {"not_negative", "chance_of_stage", "big", "gone"} <= {each["name"] for each in every["definitions"]}
    assert every["differs"] is False and definition(every, "not_negative")["same"] == 1
    one = replayed(sqlite_host, tenant, WORLD, only="rule:deal.not_negative")
    assert [each["name"] for each in one["definitions"]] == ["not_negative"]


def test_a_formula_that_changes_has_the_rules_that_read_it_asked(sqlite_host: Host) -> None:
    text = changed(
        entities={
            "deal": {"rules": {"thin": {"when": "profit < 10", "reject": {"message": {"en": "Thin.", "zh": "薄。"}}}}}
        }
    )
    tenant = kit.tenant(sqlite_host, text)
    with kit.workspace(sqlite_host, tenant) as ws:
        records.create(ws, "deal", {"name": "a", "amount": 100, "margin": "15"})
        records.create(ws, "deal", {"name": "b", "amount": 1000, "margin": "15"})
    half = text.replace("amount * margin / 100", "amount * margin / 200")
    found = definition(report := replayed(sqlite_host, tenant, half), "thin")
    assert [each["name"] for each in report["definitions"]] == ["thin"]
    assert found["counts"] == {"newly_refuses": 1} and found["samples"][0]["title"] == "a"


def test_other_values_are_told_field_by_field(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, WORLD)
    deal = made(sqlite_host, tenant, "deal", name="a", amount=5)
    change(sqlite_host, tenant, "deal", deal, stage="won")
    change(sqlite_host, tenant, "deal", deal, amount=6)
    text = rules(chance_of_stage={"set": {"chance": "stage == 'won' ? 90 : 10"}})
    found = definition(replayed(sqlite_host, tenant, text), "chance_of_stage")
    assert (found["seen"], found["counts"]) == (3, {"sets_differently": 1})
    (sample,) = found["samples"]
    assert (sample["before"]["sets"], sample["after"]["sets"]) == ({"chance": 100}, {"chance": 90})


def test_a_removed_rule_no_longer_refuses_what_a_warning_let_pass(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, WORLD)
    account = made(sqlite_host, tenant, "account", name="q", limit=10)
    with kit.workspace(sqlite_host, tenant) as ws:
        records.create(ws, "deal", {"name": "a", "amount": 50, "account": account}, confirm=("*",))
        records.create(ws, "deal", {"name": "b", "amount": 5, "account": account})
    text = changed(entities={"deal": {"rules": {"within_limit": None}}})
    found = definition(replayed(sqlite_host, tenant, text), "within_limit")
    assert (found["change"], found["counts"], found["same"]) == ("removed", {"no_longer_warns": 1}, 1)
    assert found["samples"][0]["after"]["warns"] is False


def test_required_closed_and_narrowed_fields_count_as_refusals(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, WORLD)
    deal = made(sqlite_host, tenant, "deal", name="a", amount=5)
    change(sqlite_host, tenant, "deal", deal, stage="won")
    change(sqlite_host, tenant, "deal", deal, amount=7)
    text = rules(
        reason_when_won={"when": "stage == 'won'", "require": {"reason": {}}},
        amount_is_final={"on": "update", "when": "old.stage == 'won'", "read_only": {"amount": {}}},
        not_won={"when": "amount < 6", "options": {"stage": {"open": {}, "lost": {}}}},
    )
    report = replayed(sqlite_host, tenant, text)
    asked = {each["name"]: each for each in report["definitions"]}
    assert asked["reason_when_won"]["counts"] == {"newly_refuses": 1}
    assert asked["reason_when_won"]["samples"][0]["after"]["demands"] == ["reason"]
    assert asked["amount_is_final"]["counts"] == {"newly_refuses": 1}
    assert asked["amount_is_final"]["samples"][0]["after"]["closed"] == ["amount"]
    assert asked["not_won"]["counts"] == {"newly_refuses": 1}
    assert asked["not_won"]["samples"][0]["after"]["not_offered"] == ["stage"]


def test_a_workflow_with_another_condition_starts_for_others(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    small = made(host, tenant, "deal", name="small", amount=50)
    made(host, tenant, "deal", name="large", amount=300)
    change(host, tenant, "deal", small, stage="won")
    text = changed(workflows={"big": {"triggers": {"made": {"when": "amount < 100"}}}})
    found = definition(replayed(host, tenant, text), "big")
    assert (found["seen"], found["same"]) == (3, 1)
    assert found["counts"] == {"newly_starts": 1, "no_longer_starts": 1}
    newly, no_longer = found["samples"]
    assert (newly["title"], newly["after"]["by"], newly["before"]["does"]) == ("small", "made", False)
    assert no_longer["title"] == "large"
    assert no_longer["after"]["why"][0]["failed"]["holds"] is False


def test_a_run_that_would_go_another_way_is_followed_to_what_nobody_can_know(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    made(host, tenant, "deal", name="middle", amount=800)
    made(host, tenant, "deal", name="large", amount=2000)
    text = changed(workflows={"big": {"steps": {"size": {"if": "amount > 500"}}}})
    report = replayed(host, tenant, text)
    found = definition(report, "big")
    assert (found["seen"], found["counts"]) == (2, {"takes_another_path": 1})
    (sample,) = found["samples"]
    assert [(each["step"], each["what"]) for each in sample["before"]["way"]] == [
        ("size", "way"),
        ("tell", "send"),
        ("", "ended"),
    ]
    after = sample["after"]["way"]
    assert [(each["step"], each["what"]) for each in after] == [("size", "way"), ("note", "update"), ("boss", "task")]
    assert after[1]["values"] == {"reason": "large"}
    assert any(each["code"] == "cut" for each in report["limits"])


def test_deletions_start_what_they_would_and_restored_records_have_their_past(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    deals = [made(host, tenant, "deal", name=name, amount=600) for name in ("a", "b", "c")]
    change(host, tenant, "deal", deals[0], stage="won")
    for deal in deals:
        with kit.workspace(host, tenant) as ws:
            records.delete(ws, "deal", deal)
    with kit.workspace(host, tenant) as ws:
        records.restore(ws, "deal", deals[1])
    text = changed(
        workflows={"gone": {"triggers": {"left": {"when": "stage == 'open'"}}}},
        entities={"deal": {"rules": {"too_much": REFUSING}}},
    )
    report = replayed(host, tenant, text)
    found = definition(report, "gone")
    assert (found["seen"], found["counts"]) == (3, {"newly_starts": 2, "no_longer_starts": 1})
    assert {each["title"] for each in found["samples"]} == {"a", "b", "c"}
    assert definition(report, "too_much")["counts"] == {"newly_refuses": 3}


def test_renamed_new_and_retyped_fields(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    deal = made(host, tenant, "deal", name="a", amount=800)
    change(host, tenant, "deal", deal, amount=100)
    fields = {
        "amount": None,
        "sum": {"id": "amount", "type": "decimal", "scale": 2},
        "profit": {"value": "sum * margin / 100"},
        "region": {"type": "text", "max": 40},
    }
    said = {"reject": {"message": {"en": "No.", "zh": "否。"}}}
    text = changed(
        entities={
            "deal": {
                "fields": fields,
                "rules": {
                    "not_negative": {"when": "sum < 0", "reject": {"field": "sum"}},
                    "within_limit": None,
                    "too_much": {"when": "sum > 500.5", **said},
                    "where": {"when": "region == null", **said},
                },
            }
        },
        workflows=None,
    )
    report = replayed(host, tenant, text)
    assert definition(report, "too_much")["counts"] == {"newly_refuses": 1}
    assert definition(report, "where")["counts"] == {"newly_refuses": 1}  # the change touches nothing that it reads
    new = next(each for each in report["limits"] if each["code"] == "new_fields")
    assert "Region" in new["message"]


def test_what_is_from_before_a_field_counts_as_empty_and_is_told(host: Host) -> None:
    from runtime import schema

    tenant = kit.tenant(host, WORLD)
    deal = made(host, tenant, "deal", name="a", amount=800)
    later = changed(entities={"deal": {"fields": {"region": {"type": "text", "max": 40}}}})
    plan = schema.plan(host, tenant, kit.layer(later))
    assert plan.id is not None
    schema.apply(host, tenant, plan.id)
    change(host, tenant, "deal", deal, region="north")
    said = {"reject": {"message": {"en": "No.", "zh": "否。"}}}
    deals = {
        "fields": {"region": {"type": "text", "max": 40}},
        "rules": {"north": {"when": "region == 'north'", **said}},
    }
    text = changed(entities={"deal": deals})
    report = replayed(host, tenant, text)
    assert definition(report, "north")["counts"] == {"newly_refuses": 1}
    assert definition(report, "north")["samples"][0]["what"] == "updated"
    assert any(each["code"] == "early" and each["message"].startswith("1 ") for each in report["limits"])


def test_the_period_the_number_and_the_filter_bound_what_is_asked(sqlite_host: Host) -> None:
    import datetime as dt

    tenant = kit.tenant(sqlite_host, WORLD)
    now = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
    for days in range(6):
        with kit.workspace(sqlite_host, tenant, now=now + dt.timedelta(days=days)) as ws:
            records.create(ws, "deal", {"name": f"d{days}", "amount": 900})
    text = rules(too_much=REFUSING)
    assert definition(replayed(sqlite_host, tenant, text, since=now + dt.timedelta(days=4)), "too_much")["seen"] == 2
    assert definition(replayed(sqlite_host, tenant, text, events=3), "too_much")["seen"] == 3
    assert replayed(sqlite_host, tenant, text, entity="account")["definitions"] == []
    with pytest.raises(Invalid):
        replayed(sqlite_host, tenant, text, only="rule:deal.nothing")
    with pytest.raises(Invalid):
        replayed(sqlite_host, tenant, text, entity="nothing")
    with pytest.raises(MetadataInvalid):
        replayed(
            sqlite_host, tenant, rules(broken={"when": "nothing > 1", "reject": {"message": {"en": "x", "zh": "x"}}})
        )


def test_only_who_configures_asks_and_sees_no_more_than_he_may(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    boss = kit.person(host, tenant, roles=["boss"])
    seller = kit.person(host, tenant, roles=["seller"])
    made(host, tenant, "deal", seller, name="hers", secret="quince", amount=1)
    with kit.workspace(host, tenant) as ws:
        mine = records.create(ws, "deal", {"name": "told", "secret": "quince", "owner": boss}).id
    text = rules(
        hush={"when": "starts_with(secret, 'qu')", "reject": {"message": {"en": "Hush.", "zh": "嘘。"}}},
        keep={"when": "changed('secret')", "set": {"reason": "concat('it is ', secret)"}},
    )
    with pytest.raises(Forbidden):
        replayed(host, tenant, text, seller)
    report = replayed(host, tenant, text, boss)
    found = definition(report, "hush")
    assert found["counts"] == {"newly_refuses": 2}
    assert [each["record"] for each in found["samples"]] == [mine]
    assert "quince" not in str(found["samples"]) and found["samples"][0]["after"]["why"][0]["root"]["holds"] is True
    assert any(each["code"] == "hidden" for each in report["limits"])


def test_a_simulation_changes_no_table_and_wakes_nobody(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = kit.tenant(host, WORLD)
    lived(host, tenant, 600, seed=7)
    before, stood = checksums(host, tenant), sequences(host, tenant)
    rung: list[str] = []
    monkeypatch.setattr(host, "bell", rung.append)
    text = changed(
        entities={"deal": {"rules": {"too_much": REFUSING, "chance_of_stage": {"set": {"chance": "50"}}}}},
        workflows={
            "big": {"triggers": {"made": {"when": "amount > 10"}}, "steps": {"size": {"if": "amount > 500"}}},
            "gone": {"triggers": {"left": {"when": "amount > 1"}}},
        },
    )
    report = replayed(host, tenant, text)
    assert report["events"] >= 600
    assert {each["name"]: bool(each["counts"]) for each in report["definitions"]}["big"]
    itself = replayed(host, tenant, WORLD, everything=True)
    assert itself["differs"] is False and len(itself["definitions"]) > 5
    assert checksums(host, tenant) == before and sequences(host, tenant) == stood
    assert rung == []


def test_whoever_writes_behind_closed_doors_is_refused_by_the_database(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    before = checksums(host, tenant)
    with pytest.raises(Exception, match=r"(?i)read.?only"), closed(host, tenant, PlatformActor()) as ws:
        records.create(ws, "account", {"name": "a"})
    assert checksums(host, tenant) == before


def test_it_stops_when_it_is_told_to(sqlite_host: Host) -> None:
    from runtime.simulating.asking import Asked
    from runtime.simulating.run import simulate

    tenant = kit.tenant(sqlite_host, WORLD)
    lived(sqlite_host, tenant, 30, seed=3)
    seen: list[tuple[int, int]] = []

    def tell(done: int, total: int) -> bool:
        seen.append((done, total))
        return False

    report = simulate(sqlite_host, tenant, [kit.layer(rules(too_much=REFUSING))], Asked(), tell=tell)
    assert len(seen) == 1 and seen[0][0] <= seen[0][1]
    assert any(name == "cancelled" for name, _ in report.limits)


def test_lengths_of_time_are_read_and_nonsense_is_refused() -> None:
    import datetime as dt

    from runtime.simulating.asking import moment, read

    now = dt.datetime(2027, 3, 31, 12, tzinfo=dt.UTC)
    assert moment("30d", now) == dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)
    assert moment("12h", now) == dt.datetime(2027, 3, 31, 0, tzinfo=dt.UTC)
    assert moment("P1M", now) == dt.datetime(2027, 2, 28, 12, tzinfo=dt.UTC)
    assert moment("2027-03-05", now) == dt.datetime(2027, 3, 5, tzinfo=dt.UTC)
    for wrong in ("soon", "-3d", "d", "99999999d", "0000-00-00"):
        with pytest.raises(BadRequest):
            moment(wrong, now)
    for bad in ({"events": 0}, {"events": "x"}, {"samples": 51}, {"samples": True}):
        with pytest.raises(BadRequest):
            read(bad, now)
    assert read({"events": "10", "samples": 0}, now).events == 10


def test_what_is_new_beyond_the_record_lies_nowhere_yet_and_counts_as_empty(host: Host) -> None:
    tenant = kit.tenant(host, WORLD)
    account = made(host, tenant, "account", name="q", limit=10)
    made(host, tenant, "deal", name="a", amount=5, account=account)
    said = {"reject": {"message": {"en": "No.", "zh": "否。"}}}
    visit = {
        "title": "what",
        "fields": {
            "what": {"type": "text", "max": 40},
            "deal": {"type": "link", "to": "deal", "on_delete": "cascade", "inverse": {"key": "visits"}},
        },
        "rules": {"never": {"when": "what == null", **said}},
    }
    checks = {
        "visited": {"when": "any(visits, what != null)", **said},
        "northern": {"when": "account.region == null and account.limit == 10", **said},
        "crowded": {"when": "count(account.deals) == 1", **said},
    }
    text = changed(
        entities={
            "account": {"fields": {"region": {"type": "text", "max": 40}}},
            "visit": visit,
            "deal": {"rules": checks},
        }
    )
    report = replayed(host, tenant, text)
    counts = {each["name"]: each["counts"] for each in report["definitions"]}
    assert counts == {"visited": {}, "northern": {"newly_refuses": 1}, "crowded": {"newly_refuses": 1}, "never": {}}
    assert any(each["code"] == "new_entity" and "Visit" in each["message"] for each in report["limits"])


def test_amounts_and_lists_of_the_past_are_what_they_were(sqlite_host: Host) -> None:
    tenant = kit.tenant(sqlite_host, kit.MINI)
    with kit.workspace(sqlite_host, tenant) as ws:
        deal = records.create(ws, "deal", {"name": "a", "amount": {"amount": "900", "currency": "CNY"}}).id
    for amount in ("20", "700.50"):
        change(sqlite_host, tenant, "deal", deal, amount={"amount": amount, "currency": "CNY"})
    helper = kit.person(sqlite_host, tenant)
    change(sqlite_host, tenant, "deal", deal, helpers=[helper])
    said = {"reject": {"message": {"en": "No.", "zh": "否。"}}}
    checks = {"large": {"when": "amount > 500", **said}, "fell": {"when": "amount < old.amount", **said}}
    report = replayed(sqlite_host, tenant, changed(kit.MINI, entities={"deal": {"rules": checks}}))
    large, fell = definition(report, "large"), definition(report, "fell")
    assert (large["seen"], large["counts"], fell["counts"]) == (4, {"newly_refuses": 2}, {"newly_refuses": 1})
    assert fell["samples"][0]["what"] == "updated"
