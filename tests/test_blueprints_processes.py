"""Workflows on the pages: buttons of a record, its runs, one run, why not, looking after them, deliveries."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from runtime import deliveries
from runtime.host import Host
from runtime.processes.instances import INSTANCE
from tests import kit
from tests.doors import Browser, Site, site
from tests.pages import Page
from tests.processing import changed, events, made, runs, work, world

FLOWS = """
handing:
  label: {en: Handing over, zh: 移交流程}
  entity: deal
  triggers:
    push: {button: {label: {en: Hand over, zh: 移交}, roles: {seller: {}}}, when: "stage == 'won'"}
  steps:
    check:
      label: {en: How large, zh: 金额判断}
      if: "amount > 100"
      then:
        mark:
          label: {en: Make a mark, zh: 新建标记}
          create: {entity: mark, values: {name: "concat('big ', name)", deal: {record: record}}}
      else: {small: {label: {en: Too small, zh: 金额过小}, stop: {}}}
    call:
      label: {en: Call them, zh: 致电}
      task:
        title: "Call {name}"
        to: {who: {initiator: true}}
        done: {noted: {update: {values: {note: "'called'"}}}}
    rest: {label: {en: Rest a little, zh: 稍候}, wait: {span: P2D}}
secretly:
  label: {en: Quietly, zh: 静默流程}
  entity: deal
  run_as: {role: boss}
  triggers: {moved: {updated: {}, when: "changed('note') and account.secret == 'OPENSESAME'"}}
  steps:
    ask: {if: "account.secret == 'OPENSESAME'", then: {tell: {update: {values: {count: "count + 1"}}}}}
breaking:
  label: {en: Breaking, zh: 出错流程}
  entity: deal
  triggers: {moved: {updated: {}, when: "changed('code')"}}
  steps:
    twin: {label: {en: Make a twin, zh: 复制}, create: {entity: deal, values: {name: "name", code: "'TAKEN'"}}}
"""


@pytest.fixture
def here(host: Host) -> Site:
    return site(host, world(FLOWS))


def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[-800:])
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


def chinese(browser: Browser) -> Browser:
    browser.headers["Accept-Language"] = "zh-CN"
    return browser


def deal(here: Site, **values: Any) -> str:
    return made(here.host, here.tenant, "deal", **{"name": "Acme", "stage": "won", "amount": "500", **values})


def pressed(here: Site, browser: Browser, id: str) -> str:
    """Press the button and work; the run's page."""
    answer = browser.post(f"/app/deal/{id}/actions/handing")
    assert answer.status_code == 303, answer.get_data(as_text=True)[-800:]
    work(here.host, here.tenant)
    return f"/app/-/runs/{runs(here.host, here.tenant, 'handing')[-1].id}"


def test_a_button_asks_starts_and_leads_to_its_run(here: Site) -> None:
    browser, id = here.browser("seller"), deal(here)
    page = page_of(browser, f"/app/deal/{id}")
    assert "Hand over" in page.said and "No workflow has run here yet" in page.said
    assert any(each.endswith(f"/app/deal/{id}/actions/handing") for each in page.links)
    question = page_of(browser, f"/app/deal/{id}/actions/handing")
    assert "starts the workflow Handing over for Acme" in question.said and runs(here.host, here.tenant) == []
    answer = browser.post(f"/app/deal/{id}/actions/handing")
    assert answer.status_code == 303
    (run,) = runs(here.host, here.tenant)
    after = page_of(browser, answer.headers["Location"].removeprefix(here.prefix))
    assert "Started." in after.said and any(each.endswith(f"/app/-/runs/{run.id}") for each in after.links)
    assert "Handing over" in after.said
    assert "Started." not in page_of(browser, f"/app/deal/{id}?done=process_started&run={id}").said


def test_a_button_is_there_only_for_whom_and_when_it_may_be_pressed(here: Site) -> None:
    id, early = deal(here), deal(here, stage="open")
    looker, seller = here.browser("looker"), here.browser("seller")
    assert "Hand over" not in page_of(looker, f"/app/deal/{id}").said
    page_of(looker, f"/app/deal/{id}/actions/handing", 404)
    assert looker.post(f"/app/deal/{id}/actions/handing").status_code in (403, 404)
    assert "Hand over" not in page_of(seller, f"/app/deal/{early}").said
    refused = page_of(seller, f"/app/deal/{early}/actions/handing")
    assert "not possible while" in refused.said and "Why not?" in refused.said
    assert seller.post(f"/app/deal/{early}/actions/handing").status_code == 409
    assert seller.post(f"/app/deal/{id}/actions/handing", {"csrf": "wrong"}).status_code == 403
    assert runs(here.host, here.tenant) == []


def test_the_page_of_a_run_shows_each_step_and_what_was_decided(here: Site) -> None:
    browser, id = here.browser("seller"), deal(here)
    run = pressed(here, browser, id)
    page = page_of(browser, run)
    for each in ("Waiting", "Make a mark", "Call them", "Not yet", "Skipped", "Acme", "big Acme", "amount > 100"):
        assert each in page.said, each
    assert "Waits for a task: Call Acme" in page.said and "Explain with the values of now" in page.said
    assert any(each.endswith(f"/app/deal/{id}") for each in page.links)
    said = page_of(chinese(here.browser("seller")), run).said
    for each in ("移交流程", "等待任务", "新建标记", "已跳过", "按当前值解释"):
        assert each in said, each
    assert "at Call them" in page_of(browser, f"/app/deal/{id}").said


def test_a_run_is_for_whoever_sees_its_record_and_tells_him_what_he_may_read(here: Site) -> None:
    account = made(here.host, here.tenant, "account", name="Ada", secret="OPENSESAME")
    id = deal(here, account=account)
    changed(here.host, here.tenant, "deal", id, note="x")
    work(here.host, here.tenant)
    (run,) = runs(here.host, here.tenant, "secretly")
    boss, seller = here.browser("boss"), here.browser("seller")
    assert "account.secret == 'OPENSESAME'" in page_of(boss, f"/app/-/runs/{run.id}").said
    page = page_of(seller, f"/app/-/runs/{run.id}")
    assert "OPENSESAME" not in page.said and "account.secret" not in page.said
    assert "a condition that you may not read" in page.said
    text = seller.get(f"/app/deal/{id}/runs?why=secretly").get_data(as_text=True)
    assert "OPENSESAME" not in text and "Why did it not start" in text
    told = here.api("seller").get(f"/deal/{id}/why/secretly").get_data(as_text=True)
    assert "moved" in told and "OPENSESAME" not in told
    stranger = here.browser(person=here.person())
    missing = stranger.get(f"/app/-/runs/{run.id}")
    assert missing.status_code == 404 and "Quietly" not in missing.get_data(as_text=True)
    page_of(seller, "/app/-/runs/nonsense", 404)
    page_of(seller, f"/app/-/runs/{id}", 404)


def test_why_a_workflow_did_not_start(here: Site) -> None:
    browser, id = here.browser("seller"), deal(here, stage="open")
    page = page_of(browser, f"/app/deal/{id}/runs")
    assert "Choose a workflow" in page.said and page.form("why").names == {"why"}
    told = page_of(browser, f"/app/deal/{id}/runs?why=handing")
    assert "condition does not hold" in told.said and "The first condition that failed" in told.said
    assert "条件不满足" in page_of(chinese(here.browser("seller")), f"/app/deal/{id}/runs?why=handing").said
    here.browser("boss").post("/app/-/workflows/off", {"name": "handing", "reason": "Too loud"})
    assert "switched off" in page_of(browser, f"/app/deal/{id}/runs?why=handing").said
    assert page_of(here.browser("marker"), f"/app/deal/{id}/runs").said
    page_of(here.browser(person=here.person()), f"/app/deal/{id}/runs", 404)


def stuck(here: Site) -> str:
    deal(here, code="TAKEN")
    id = deal(here, name="Second")
    seller = here.person("seller")
    changed(here.host, here.tenant, "deal", id, seller.id, code="mine")
    work(here.host, here.tenant)
    (run,) = runs(here.host, here.tenant, "breaking")
    assert run.state == "failed"
    return run.id


def test_who_looks_after_runs_ends_one_or_has_it_tried_again(here: Site) -> None:
    run = stuck(here)
    boss, seller = here.browser("boss"), here.browser("seller")
    page = page_of(boss, f"/app/-/runs/{run}")
    assert "Try the failed step again" in page.said and "End this run" in page.said
    plain = page_of(seller, f"/app/-/runs/{run}")
    assert "Try the failed step again" not in plain.said and "End this run" not in plain.said
    assert "TAKEN" not in plain.said
    for act in ("resume", "cancel"):
        assert seller.post(f"/app/-/runs/{run}/{act}").status_code == 403
        assert boss.post(f"/app/-/runs/{run}/{act}", {"csrf": "wrong"}).status_code == 403
    assert boss.post(f"/app/-/runs/{run}/resume").status_code == 303
    work(here.host, here.tenant)
    assert runs(here.host, here.tenant, "breaking")[0].state == "failed"
    ended = boss.post(f"/app/-/runs/{run}/cancel")
    assert (
        ended.status_code == 303
        and "being ended" in page_of(boss, ended.headers["Location"].removeprefix(here.prefix)).said
    )
    work(here.host, here.tenant)
    assert runs(here.host, here.tenant, "breaking")[0].state == "cancelled"
    over = page_of(boss, f"/app/-/runs/{run}")
    assert "End this run" not in over.said and "Ended" in over.said
    assert boss.post(f"/app/-/runs/{run}/cancel").status_code == 409


def test_the_list_of_workflows_counts_runs_and_names_failed_ones(here: Site) -> None:
    run = stuck(here)
    boss = here.browser("boss")
    page = page_of(boss, "/app/-/workflows")
    assert all(
        each in page.said for each in ("Handing over", "Quietly", "Breaking", "Failed 1", "Failed lately", "Second")
    )
    assert any(each.endswith(f"/app/-/runs/{run}") for each in page.links)
    assert any("state=failed" in each and "workflow=breaking" in each for each in page.links)
    assert "Second" in page_of(boss, "/app/-/runs?workflow=breaking&state=failed").said
    assert "No runs" in page_of(boss, "/app/-/runs?workflow=breaking&state=done").said
    drawn = page_of(boss, "/app/-/workflows/handing").said
    assert "Starts when" in drawn and "amount > 100" in drawn and "Rest a little" in drawn
    assert "触发条件" in page_of(chinese(here.browser("boss")), "/app/-/workflows/handing").said
    page_of(boss, "/app/-/workflows/nonsense", 404)
    seller = here.browser("seller")
    for path in ("/app/-/workflows", "/app/-/workflows/handing", "/app/-/runs", "/app/-/deliveries"):
        assert seller.get(path).status_code == 403, path
    menu = "/app/-/workflows"
    assert any(each.endswith(menu) for each in page.links)
    assert not any(each.endswith(menu) for each in page_of(seller, "/app/deal").links)


def test_runs_that_ended_long_ago_are_not_counted(here: Site) -> None:
    id = deal(here)
    pressed(here, here.browser("seller"), id)
    with kit.workspace(here.host, here.tenant) as ws:
        ws.db.execute(sa.update(INSTANCE).values(state="done", finished_at=ws.now.replace(year=2020)))
    assert "Done 1" not in page_of(here.browser("boss"), "/app/-/workflows").said


def test_workflows_are_switched_off_and_on_one_or_all(here: Site) -> None:
    boss, seller, id = here.browser("boss"), here.browser("seller"), deal(here)
    assert seller.post("/app/-/workflows/off", {"name": "handing"}).status_code == 403
    assert boss.post("/app/-/workflows/off", {"name": "handing", "csrf": ""}).status_code == 403
    assert boss.post("/app/-/workflows/off", {"name": "nonsense"}).status_code == 404
    assert "Hand over" in page_of(seller, f"/app/deal/{id}").said
    answer = boss.post("/app/-/workflows/off", {"name": "handing", "reason": "Wrong price"})
    assert answer.status_code == 303
    page = page_of(boss, answer.headers["Location"].removeprefix(here.prefix))
    assert "Switched off by" in page.said and "Wrong price" in page.said and "Switch on" in page.said
    assert "Hand over" not in page_of(seller, f"/app/deal/{id}").said
    assert boss.post("/app/-/workflows/on", {"name": "handing"}).status_code == 303
    assert "Hand over" in page_of(seller, f"/app/deal/{id}").said
    boss.post("/app/-/workflows/off", {"name": "*"})
    assert "All workflows are switched off" in page_of(boss, "/app/-/workflows").said
    assert "Hand over" not in page_of(seller, f"/app/deal/{id}").said
    boss.post("/app/-/workflows/on", {"name": "*"})
    with kit.workspace(here.host, here.tenant) as ws:
        kinds = [each.kind for each in events(ws, "_workflow")]
    assert kinds == ["workflow.off", "workflow.on", "workflow.off", "workflow.on"]


def test_deliveries_are_listed_without_what_is_in_them_and_sent_again(here: Site) -> None:
    with kit.workspace(here.host, here.tenant) as ws:
        id = deliveries.request(ws, "one", "https://erp.example.com/hook", body={"canary": "NIGHTINGALE"})
        ws.db.execute(sa.text("UPDATE _delivery SET state = 'dead', error = 'away', finished_at = created_at"))
    boss = here.browser("boss")
    assert "1 could not be delivered" in page_of(boss, "/app/-/workflows").said
    text = boss.get("/app/-/deliveries?state=dead").get_data(as_text=True)
    page = Page(text)
    assert page.wrong == [] and "NIGHTINGALE" not in text and "Given up" in page.said and "away" in page.said
    assert here.browser("seller").post(f"/app/-/deliveries/{id}/replay").status_code == 403
    answer = boss.post(f"/app/-/deliveries/{id}/replay", {"state": "dead"})
    assert answer.status_code == 303
    assert "1 will be sent again" in page_of(boss, answer.headers["Location"].removeprefix(here.prefix)).said
    with kit.workspace(here.host, here.tenant) as ws:
        assert deliveries.get(ws, str(id)).state == "queued"
    assert boss.post(f"/app/-/deliveries/{id}/replay").status_code == 409
    assert "待发送" in page_of(chinese(here.browser("boss")), "/app/-/deliveries").said


def test_without_workflows_a_record_says_nothing_of_them(host: Host) -> None:
    here = site(host, world())
    id = made(host, here.tenant, "deal", name="Alone")
    assert "Automation" not in page_of(here.browser("seller"), f"/app/deal/{id}").said
    assert "There are no workflows yet" in page_of(here.browser("boss"), "/app/-/workflows").said
