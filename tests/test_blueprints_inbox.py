"""The pages and the interface of the inbox and of the choices of notifications, with and without scripts."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from runtime.host import Host
from tests import kit
from tests.boarding import counted
from tests.doors import Browser, site
from tests.pages import Page

QUIET = {"quiet": "1", "from": "22:00", "until": "07:00", "days": ["sunday"], "calendar": "china"}


def text(browser: Browser, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    found = answer.get_data(as_text=True)
    assert Page(found).wrong == [], path
    return found


def test_work_is_done_from_the_inbox_and_counted_in_the_menu(host: Host) -> None:
    here = site(host, kit.CONFIGS / "core", kit.CONFIGS / "sales")
    rep, boss = here.person("sales_rep", name="李娜"), here.person("admin", name="陈伟")
    account = here.api(person=rep).made("account", name="Nordwind")
    today = dt.date.today()
    made: dict[str, Any] = {}
    for title, due in (("Call", today - dt.timedelta(days=3)), ("Write", None), ("Visit", today)):
        values: dict[str, Any] = {"title": title, "assignee": rep.id, "due": due.isoformat() if due else None}
        if title == "Call":
            values["related"] = {"entity": "account", "id": account["id"]}
        made[title] = here.api(person=boss).made("task", **values)
    browser, api = here.browser(person=rep), here.api(person=rep)
    page = text(browser, "/app/-/inbox")
    assert page.index("part-overdue") < page.index("part-today") < page.index("part-none")
    assert f'href="{here.prefix}/app/account/{account["id"]}"' in page
    assert "陈伟" in page
    assert browser.get("/app/-/inbox/count").get_data(as_text=True) == "3"
    listed = api.get("/inbox").get_json()
    assert [each["title"] for each in listed["data"]] == ["Call", "Visit", "Write"]
    first = api.get("/inbox?limit=2").get_json()
    assert [each["title"] for each in api.get(f"/inbox?after={first['next']}").get_json()["data"]] == ["Write"]
    assert api.get("/inbox?kind=nonsense").status_code == 400
    assert api.get("/inbox?after=nonsense").status_code == 400

    done = browser.post(f"/app/-/inbox/{made['Call']['id']}/done")
    assert done.status_code == 303
    after = text(browser, done.headers["Location"].removeprefix(here.prefix))
    assert "Nordwind" not in after
    assert browser.post(f"/app/-/inbox/{made['Call']['id']}/open").status_code == 303
    assert browser.post(f"/app/-/inbox/{made['Write']['id']}/later", {"to": "tomorrow"}).status_code == 303
    assert browser.post(f"/app/-/inbox/{made['Visit']['id']}/drop", {"why": "Moved away"}).status_code == 303
    kept = api.get(f"/task/{made['Visit']['id']}").get_json()
    assert (kept["status"], kept["result"]) == ("dropped", "Moved away")
    assert api.get(f"/task/{made['Write']['id']}").get_json()["due"] > today.isoformat()
    other = here.browser("sales_rep")
    assert other.post(f"/app/-/inbox/{made['Write']['id']}/done").status_code == 404
    assert "part-" not in text(other, "/app/-/inbox")
    assert browser.get("/app/-/inbox/count").get_data(as_text=True) == "2"


def test_the_inbox_asks_the_database_no_more_for_many_than_for_few(
    sqlite_host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = site(sqlite_host, kit.CONFIGS / "core", kit.CONFIGS / "sales")
    rep = here.person("sales_rep")
    api, browser = here.api(person=rep), here.browser(person=rep)
    accounts = [api.made("account", name=f"A{each}")["id"] for each in range(6)]

    def asked() -> int:
        with counted(monkeypatch) as statements:
            assert browser.get("/app/-/inbox").status_code == 200
            return statements()

    for each in accounts[:2]:
        api.made("task", title="T", related={"entity": "account", "id": each})
    browser.get("/app/-/inbox")
    few = asked()
    for each in accounts:
        api.made("task", title="T", related={"entity": "account", "id": each})
    assert asked() == few


def test_people_choose_by_which_way_and_when_they_are_told(sqlite_host: Host) -> None:
    here = site(sqlite_host, kit.CONFIGS / "core")
    li = here.person("member")
    browser, api = here.browser(person=li), here.api(person=li)
    page = text(browser, "/app/-/notifications/settings")
    assert re.search(r'name="task.app"[^>]* checked disabled', page)
    assert not re.search(r'name="job.mail"[^>]* checked', page)
    answer = browser.post("/app/-/notifications/settings", {"job.mail": "1", **QUIET})
    assert answer.status_code == 303
    page = text(browser, "/app/-/notifications/settings")
    assert re.search(r'name="job.mail"[^>]* checked', page)
    assert not re.search(r'name="job.app"[^>]* checked', page)
    assert re.search(r'name="task.app"[^>]* checked', page)
    told = api.get("/-/notifications/settings").get_json()
    assert told["quiet"] == {"from": "22:00", "until": "07:00", "days": ["sunday"], "calendar": "china"}
    refused = browser.post("/app/-/notifications/settings", {**QUIET, "from": "22:00", "until": "22:00"})
    assert refused.status_code == 422
    assert "22:00" in refused.get_data(as_text=True)
    assert api.get("/-/notifications/settings").get_json() == told
    assert api.open("PUT", "/-/notifications/settings", {"kinds": {"task": {"app": False}}}).status_code == 422
    assert api.open("PUT", "/-/notifications/settings", {"kinds": {}, "quiet": None}).get_json()["quiet"] is None
    described = api.get("/openapi.json").get_json()["paths"]
    assert {"/inbox", "/-/notifications/settings"} <= described.keys()
    assert "免打扰" in text(browser, "/app/-/notifications/settings?lang=zh")


def test_a_mention_is_typed_by_login_and_read_by_todays_name(sqlite_host: Host) -> None:
    here = site(sqlite_host, kit.CONFIGS / "core")
    author, li = here.person("admin", name="Author"), here.person("admin", name="Li <b>Na</b>")
    browser, api = here.browser(person=author), here.api(person=author)
    note = api.made("note", title="N", body=f"Ask @{li.login}!")
    assert note["body"] == f"Ask @[Li bNa/b]({li.id})!"
    page = text(browser, f"/app/note/{note['id']}")
    assert '<span class="mention">@Li &lt;b&gt;Na&lt;/b&gt;</span>' in page
    form = text(browser, f"/app/note/{note['id']}/edit")
    assert f"Ask @{li.login}!</textarea>" in form
    [source] = set(re.findall(r'data-mention="([^"]+)"', form))
    found = browser.get(source.removeprefix(here.prefix) + "&q=Li").get_json()["data"]
    assert [(each["id"], each["typed"]) for each in found] == [(li.id, f"@{li.login}")]
    assert here.api("admin").patch(f"/user/{li.id}", {"name": "Li Nana", "version": 1}).status_code == 200
    assert "@Li Nana</span>" in text(browser, f"/app/note/{note['id']}")
    bell = text(here.browser(person=li), "/app/-/notifications")
    assert "You are mentioned: Note by Author" in bell
    unseen = here.person("member", name="Stranger")
    api.patch(f"/note/{note['id']}", {"body": f"@{unseen.login}", "version": note["version"]})
    assert "Stranger无权查看此备注" in text(browser, "/app/-/notifications")
