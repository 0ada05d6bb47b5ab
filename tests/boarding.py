"""A small business with boards, calendars and a dashboard, shared by their tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import kit
from tests.doors import Browser
from tests.pages import Page

WORK = (
    kit.MINI.replace(
        "closes: {type: date}", "closes: {type: date}\n      meets: {type: datetime}\n      ends: {type: date}"
    )
    + """
  blind:
    label: {en: Blind, zh: 不见金额}
    entities:
      deal: {read: all, update: all, fields: {amount: hidden}}
      company: {read: none}
  blinder:
    label: {en: Blinder, zh: 不见阶段}
    entities: {deal: {read: all, fields: {stage: hidden, closes: hidden, meets: hidden}}}
views:
  all: {entity: deal, columns: {name: {}, stage: {}, amount: {}}, where: "chance == null", sort: {name: asc}}
  stages:
    entity: deal
    kind: board
    by: stage
    sums: {amount: {}}
    card: {company: {}, amount: {}}
    due: closes
    done: {won: {}, lost: {}}
    sort: {closes: asc, name: asc}
    filters: {stage: {}}
  companies: {entity: deal, kind: board, by: company, sort: {name: asc}}
  closing: {entity: deal, kind: calendar, from: closes, until: ends, color: stage, card: {amount: {}}}
  meetings: {entity: deal, kind: calendar, from: meets, color: stage}
dashboards:
  work:
    label: {en: Work, zh: 工作}
    tiles:
      total: {kind: metric, entity: deal, measure: sum(amount)}
      won: {kind: metric, entity: deal, where: "stage == 'won'", period: {closes: this_year}, compare: previous}
      by_stage: {kind: chart, entity: deal, chart: funnel, group: stage, measure: sum(amount)}
      by_month: {kind: chart, entity: deal, chart: stacked, group: closes, split: stage}
      by_company: {kind: chart, entity: deal, group: company, measure: sum(amount)}
      deals: {kind: list, view: all, limit: 3}
      next: {kind: next, sources: {close: {label: Close it, entity: deal, date: closes, where: "stage == 'open'"}}}
      hint: {kind: text, text: {en: Call first., zh: 先打电话。}}
workspaces:
  work: {home: work, items: {work: {dashboard: work}, deals: {entity: deal}}}
"""
)


def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    """A page, or a fragment of one, that is good HTML."""
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get_data(as_text=True)[:2000])
    page = Page(answer.get_data(as_text=True))
    assert page.wrong == [], (path, page.wrong)
    return page


@contextlib.contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How many statements the requests inside have cost so far."""
    from runtime.workspace import open_workspace as real

    found: list[int] = []

    @contextlib.contextmanager
    def counting(*arguments: Any, **more: Any) -> Any:
        with real(*arguments, **more) as ws:
            yield ws
            found.append(ws.db.count)

    with monkeypatch.context() as patch:
        patch.setattr("blueprints.context.open_workspace", counting)
        yield lambda: sum(found)
