"""Every route, nine kinds of callers, three kinds of ids: who gets in, what is told, and what changes."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blueprints.policies import Doors, Policy
from metadata.ids import uuid7
from runtime import operators, tokens
from runtime.host import Host
from tests import kit
from tests.audit.kept import Kept
from tests.bench.figures import Figures
from tests.doors import PASSWORD, Api, Person, Site, site
from tests.services import Services

FOREIGN, HIDDEN = "zqforeign", "zqvault"
"""In every text of the other tenant; in what only the administrator may read."""
Variant = Literal["own", "other", "random"]
VARIANTS: tuple[Variant, ...] = ("own", "other", "random")
ENTITIES = ("case", "vault")
SHOWN = 10

DESCRIPTION = """
package: {code: matrix, version: 1.0.0, kind: module, requires: {core: '*'}}
entities:
  case:
    label: {en: Case, zh: 案例}
    title: name
    owned: true
    search: {name: {}}
    fields:
      name: {type: text, max: 80, required: true}
      note: {type: long_text}
      paper: {type: file}
      vault: {type: link, to: vault, inverse: {key: cases}}
      stage: {type: choice, default: open, options: {open: {}, done: {}}}
  vault:
    label: {en: Vault, zh: 保险库}
    title: name
    fields: {name: {type: text, max: 80, required: true}}
views:
  case_board: {entity: case, kind: board, label: Board, by: stage}
roles:
  viewer: {entities: {case: {read: all, fields: {'*': read, vault: hidden}}}}
  own: {entities: {case: {read: own, create: own, update: own, delete: own, fields: {'*': write, vault: hidden}}}}
  manager:
    capabilities: {export: true}
    entities: {case: {read: all, create: all, update: all, delete: all, fields: {'*': write, vault: hidden}}}
public_forms:
  ask: {label: Ask, entity: case, owner: owner@example.com, fields: {name: {}}, thanks: Thanks}
"""
ROLES: Mapping[str, str] = {"nobody": "", "reader": "viewer", "own": "own", "manager": "manager", "admin": "admin"}
STRANGERS = ("anonymous", "visitor", "operator")
CALLERS = (*STRANGERS, *ROLES, "token")
WRITERS = ("own", "manager", "admin")
PERSONAL = re.compile(
    r"/app/-/(here|recent|preferences|notifications|columns|views|language|filter|bulk|export|jobs|bin)"
    r"|/auth/|/files|/f/|/api/v1/-/notifications/"
)
"""Writes that concern only the caller's own things, or that name records in the body, where what has changed counts."""
_ENDS_SESSION = ("auth.end", "auth.sign_out", "auth.change_password")


@dataclass
class Caller:
    """Somebody who knocks, with the headers and cookies that he has."""

    name: str
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""


@dataclass
class Tenant:
    """A site with one record of each kind, and ids of everything that an address may name."""

    here: Site
    people: dict[str, Person]
    admin: Api
    ids: dict[str, str]
    kept: Kept


@dataclass
class Report:
    requests: int = 0
    refused: int = 0
    successes: list[str] = field(default_factory=list)
    canaries: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def measure(figures: Figures, database: str, seed: int, small: bool) -> None:
    report, random = Report(), Random(seed)
    with _host(database) as host:
        own, other = _tenant(host, "zqmine"), _tenant(host, FOREIGN)
        operators.add(host, "matrix-operator", PASSWORD)
        try:
            callers = {name: _caller(own, name) for name in CALLERS}
            attempts = list(_attempts(own.here))
            tried = random.sample(attempts, 18) if small else attempts
            _console(callers, report)
            for attempt in tried:
                before = other.kept.now()
                for name in CALLERS:
                    for variant in VARIANTS:
                        _try(own, other, callers, name, attempt, variant, report)
                if other.kept.now() != before:
                    report.changed.append(f"{attempt.method} {attempt.rule}: rows of another tenant have changed")
        finally:
            operators.remove(host, "matrix-operator")
    wrong = (*report.successes, *report.canaries, *report.changed, *report.failed)
    for each in wrong[:SHOWN]:
        print(each)
    figures.must(
        "G5_tenants",
        not wrong,
        database=database,
        routes=f"{len({each.rule for each in tried})}/{len({each.rule for each in attempts})}",
        callers=len(CALLERS),
        ids=len(VARIANTS),
        requests=report.requests,
        refused=report.refused,
        unexpected=len(report.successes),
        canaries=len(report.canaries),
        changed=len(report.changed),
        failed=len(report.failed),
        seed=seed,
    )


@contextmanager
def _host(database: str) -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="metaloom-audit-") as folder:
        if database == "sqlite":
            with kit.sqlite_host(Path(folder)) as host:
                yield host
            return
        with Services.start() as services:
            assert services.postgres is not None, services.missing
            with kit.postgres_host(services.postgres, Path(folder)) as host:
                yield host


# -- the tenants


def _tenant(host: Host, word: str) -> Tenant:
    here = site(host, DESCRIPTION)
    here.app.testing = False
    people = {name: here.person(*([role] if role else []), name=word) for name, role in ROLES.items()}
    admin = here.api(person=people["admin"])
    vault = admin.made("vault", name=f"{word} {HIDDEN}")["id"]
    sent = {"file": (io.BytesIO(f"{word} plain".encode()), f"{word}.txt")}
    paper = admin.client.post(f"{admin.prefix}/files", data=sent, headers=admin.headers).get_json()["id"]
    case = admin.made("case", name=word, note=word, paper=paper, vault=vault, owner=people["own"].id)["id"]
    job = admin.post("/vault/export", {"kind": "csv"}).get_json()["job"]
    browser = here.browser(person=people["admin"])
    browser.post("/app/-/views/case", {"name": word})
    with kit.workspace(host, here.tenant, write=False) as ws:
        views = [str(row[0]) for row in ws.db.fetch("SELECT id FROM _saved_view", {})]
        token = str(ws.db.fetch("SELECT id FROM _token", {})[0][0])
    ids = {
        "case": case,
        "vault": vault,
        "files": paper,
        "jobs": job,
        "views": views[0] if views else job,
        "token": token,
    }
    return Tenant(here, people, admin, ids, Kept(host, here.tenant))


def _caller(own: Tenant, name: str) -> Caller:
    client = own.here.app.test_client()
    if name in ROLES:
        browser = own.here.browser(person=own.people[name])
        return Caller(name, browser.client, {"Origin": "http://localhost", "X-CSRF-Token": browser.csrf}, browser.csrf)
    if name == "token":
        with kit.workspace(own.here.host, own.here.tenant) as ws:
            issued = tokens.create(ws, own.people["admin"].id, "narrow", ["read:case"])
        return Caller(name, client, {"Authorization": f"Bearer {issued.secret}"})
    if name == "visitor":
        client.get(f"{own.here.prefix}/f/ask")
    if name == "operator":
        form = {"login": "matrix-operator", "password": PASSWORD}
        answer = client.post("/admin/sign-in", data=form, headers={"Origin": "http://localhost"})
        assert answer.status_code == 303, answer.get_data(as_text=True)[:300]
    return Caller(name, client, {"Origin": "http://localhost"})


# -- what is tried


@dataclass(frozen=True)
class Attempt:
    """One method of one route; `entity` when its address names one."""

    method: str
    rule: str
    endpoint: str
    policy: Policy
    entity: str | None


def _attempts(here: Site) -> Iterator[Attempt]:
    doors: Doors = here.app.extensions["metaloom"]
    for rule in sorted(here.app.url_map.iter_rules(), key=lambda each: each.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for entity in ENTITIES if "entity" in rule.arguments else (None,):
                yield Attempt(method, rule.rule, rule.endpoint, doors.policies[rule.endpoint], entity)


def _ids_of(attempt: Attempt) -> str:
    """Which ids an address of this kind holds."""
    for word in ("files", "jobs", "views", "token"):
        if word in attempt.rule or f"/{word[:-1]}/" in attempt.rule:
            return word
    return attempt.entity or "case"


def _path(own: Tenant, other: Tenant, attempt: Attempt, variant: Variant) -> str:
    random = str(uuid7())
    kind = _ids_of(attempt)
    id = {"own": own.ids[kind], "other": other.ids[kind], "random": random}[variant]
    known = {
        "entity": attempt.entity or "",
        "id": id,
        "field": "name",
        "view": "case_board",
        "key": "cases",
        "tab": "all",
    }
    known |= {"code": "en", "name": "manifest.json", "tile": "x", "what": "return"}
    if attempt.rule == "/f/<key>":
        known["key"] = "ask"
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: known.get(found[1], "x"), attempt.rule)


def _body(own: Tenant, other: Tenant, attempt: Attempt, variant: Variant) -> dict[str, Any]:
    """A body with which the request would be in order, so that it is refused for who sends it."""
    kind = attempt.entity or "case"
    id = {"own": own.ids[kind], "other": other.ids[kind], "random": str(uuid7())}[variant]
    operation = {"action": "update", "id": id, "values": {"name": "changed"}}
    bodies: Mapping[str, dict[str, Any]] = {
        "api.create": {"name": "made"},
        "api.update": {"name": "changed"},
        "api.bulk": {"operations": [operation]},
        "api.export": {"kind": "csv"},
        "app.create_post": {"name": "made"},
        "app.edit_post": {"name": "changed", "version": "1"},
        "app.single_post": {"name": "changed", "version": "1"},
        "app.delete_post": {"version": "1"},
        "app.list_bulk_delete": {"ids": id},
        "app.list_bulk_edit": {"ids": id, "field": "name", "set.name": "changed"},
        "app.list_bulk_restore": {"ids": id},
        "app.bin_post": {"ids": id},
        "app.move_stage": {"stage": "done", "version": "1"},
        "app.list_view_create": {"name": "mine"},
    }
    return bodies.get(attempt.endpoint, {})


def _send(own: Tenant, caller: Caller, attempt: Attempt, path: str, body: dict[str, Any]) -> TestResponse:
    whole, headers = own.here.prefix + path, caller.headers
    if attempt.method == "GET":
        return caller.client.get(whole, headers=headers)
    if attempt.rule.startswith(("/api/", "/auth/session", "/auth/tokens")):
        return caller.client.open(whole, method=attempt.method, json=body, headers=headers)
    return caller.client.open(whole, method=attempt.method, data={"csrf": caller.csrf, **body}, headers=headers)


def _try(
    own: Tenant,
    other: Tenant,
    callers: dict[str, Caller],
    name: str,
    attempt: Attempt,
    variant: Variant,
    report: Report,
) -> None:
    path = _path(own, other, attempt, variant)
    before = own.kept.now() if attempt.method != "GET" else None
    answer = _send(own, callers[name], attempt, path, _body(own, other, attempt, variant))
    report.requests += 1
    said, text = f"{name}: {attempt.method} {attempt.rule} ({attempt.entity}, {variant}) {answer.status_code}", ""
    if answer.status_code >= 500 and answer.status_code != 503:
        report.failed.append(said)
    if got_in(answer):
        if (why := unexpected(attempt, name, variant)) is not None:
            report.successes.append(f"{said}: {why}")
    else:
        report.refused += 1
    text = answer.get_data(as_text=True).lower()
    if FOREIGN in text or (HIDDEN in text and name != "admin"):
        report.canaries.append(said)
    if before is not None and 400 <= answer.status_code < 500 and own.kept.now() != before:
        report.changed.append(f"{said}: rows have changed")
    if attempt.endpoint in _ENDS_SESSION and name in ROLES:
        callers[name] = _caller(own, name)
    if attempt.method != "GET" and got_in(answer):
        _put_back(own)


def got_in(answer: TestResponse) -> bool:
    """Answered; not refused, and not led to where one signs in."""
    away = 300 <= answer.status_code < 400 and "sign-in" in answer.headers.get("Location", "")
    return answer.status_code < 400 and not away


def unexpected(attempt: Attempt, name: str, variant: Variant) -> str | None:
    """Why nobody of this kind should have got an answer here; None when he may."""
    policy, personal = attempt.policy, PERSONAL.match(attempt.rule.removeprefix("/api/v1")) is not None
    if policy.identity and name in STRANGERS:
        return "nobody is signed in"
    if name == "token" and policy.identity and not policy.tokens:
        return "a token is no session"
    if name == "token" and attempt.method != "GET":
        # An export reads, and the token is an administrator's.
        return None if attempt.endpoint == "api.export" and attempt.entity == "case" else "the token may only read"
    if "<id>" in attempt.rule and variant != "own" and not personal and policy.identity:
        return "there is no such record here"
    if attempt.entity == "vault" and name != "admin" and not personal:
        return "he may not see this kind of record"
    if attempt.entity == "case" and name == "nobody" and not personal:
        return "he has no role"
    if attempt.entity == "case" and attempt.method != "GET" and name not in WRITERS and not personal:
        return "he may only read"
    return None


def _put_back(own: Tenant) -> None:
    """What was allowed to be deleted is there again for the next one."""
    for entity in ENTITIES:
        if own.admin.get(f"/{entity}/{own.ids[entity]}").status_code != 200:
            own.admin.post(f"/{entity}/{own.ids[entity]}/restore")


_CONSOLE = ("", "/tenants/", "/releases/", "/jobs/", "/sessions/", "/events/")


def _console(callers: Mapping[str, Caller], report: Report) -> None:
    """The operator's console, which lies beside all tenants: for nobody but him."""
    for caller in callers.values():
        for path in _CONSOLE:
            answer = caller.client.get(
                f"/admin{path}", headers=caller.headers, follow_redirects=caller.name == "operator"
            )
            report.requests += 1
            if got_in(answer) != (caller.name == "operator"):
                report.successes.append(f"{caller.name}: GET /admin{path} {answer.status_code}")
