"""A site whose one entity has a field of every type, and all places where a text of people gets into it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from metadata.fieldtypes import registry
from runtime.host import Host
from tests import typecases
from tests.audit.kept import Kept
from tests.doors import Api, Browser, Site, site

ENTITY = "sample"
_SPARED = typecases.COMPUTED | typecases.BELOW
ARGUMENTS = (
    "where sort fields q group measures after limit count view f.name tab part kind within value field ids of under"
    " mode day next lang text currency deleted done all tenant version from types columns role name since"
).split()
VALUES = tuple(name for name, each in registry.TYPES.items() if each.stored and name not in _SPARED)
_POSTS: Mapping[str, tuple[str, ...]] = {
    "/app/-/columns/sample": ("columns", "pinned", "view"),
    "/app/-/filter/sample": ("where", "q", "view", "field.0", "op.0", "value.0"),
    "/app/-/views/sample": ("name", "where", "sort", "group", "shared"),
    "/app/-/export/sample": ("kind", "field", "where"),
    "/app/-/bulk/sample/edit": ("field", "set.text", "ids"),
    "/app/-/bulk/sample/delete": ("ids", "view"),
    "/app/-/preferences": ("theme", "timezone", "language", "density"),
    "/app/-/recent": ("entity", "id"),
    "/app/-/bin": ("ids", "act"),
    "/app/sample/merge": ("ids", "keep"),
    "/auth/account/password": ("current", "password"),
    "/auth/account/tokens": ("name", "scopes", "days", "role"),
    "/auth/sign-in": ("login", "password", "next"),
}
"""Forms and their controls, beside the form of the record, whose controls are those of the fields."""
_BODIES: Mapping[str, tuple[str, ...]] = {
    "/sample/bulk": ("action", "by", "id", "where", "q"),
    "/sample/export": ("kind", "fields", "where", "sort", "q"),
    "/sample/merge": ("ids", "into", "keep"),
    "/sample": ("name", "__proto__", "version", "id"),
}
"""Bodies of the interface and their keys."""


def package() -> str:
    """The description of the site, as text."""
    fields: dict[str, Any] = {"name": {"type": "text", "max": 200, "required": True}}
    for each in VALUES:
        fields[each] = {"type": each, **typecases._PROPERTIES.get(each, {})}
    everything = {"read": "all", "create": "all", "update": "all", "delete": "all"}
    capabilities = dict.fromkeys(("import", "export", "users", "jobs", "configure", "feed"), True)
    plain: dict[str, Any] = {"label": "Thing", "title": "name", "search": {"name": {}}}
    name: dict[str, Any] = {"name": {"type": "text", "max": 200, "required": True}}
    whole = {
        "package": {"code": "slots", "version": "1.0.0", "kind": "core", "settings": {"currency": "CNY"}},
        "options": typecases._OPTIONS,
        "entities": {
            "user": {**plain, "fields": {**name, "email": {"type": "email"}, "unit": {"type": "link", "to": "unit"}}},
            "unit": {**plain, "fields": {**name, "parent": {"type": "link", "to": "unit"}}},
            "thing": {**plain, "fields": name},
            ENTITY: {**plain, "label": "Sample", "search": {"name": {}, "text": {}}, "fields": fields},
        },
        "views": {"all": {"entity": ENTITY, "label": "All", "columns": {each: {} for each in ("name", *VALUES)}}},
        "roles": {"admin": {"label": "Admin", "capabilities": capabilities, "entities": {"*": everything}}},
    }
    return json.dumps(whole, indent=1)


@dataclass
class Target:
    """The site, somebody who may do everything, and one record."""

    here: Site
    api: Api
    browser: Browser
    record: str
    kept: Kept


def target(host: Host) -> Target:
    here = site(host, package())
    admin = here.person("admin", name="Admin")
    api = here.api(person=admin)
    record = api.made(ENTITY, name="First", text="plain")["id"]
    return Target(here, api, here.browser(person=admin), record, Kept(host, here.tenant))


Send = Callable[[str], TestResponse]
Attempt = tuple[str, Send]
"""(slot, what sends a text into it)"""


def attempts(at: Target) -> Iterator[Attempt]:
    """Every slot that takes one text."""
    for rule in sorted(at.here.app.url_map.iter_rules(), key=lambda each: each.rule):
        yield from _of_rule(at, rule)
    for path, controls in _POSTS.items():
        for name in controls:
            yield f"form {path} {name}", _form(at, path, name)
    for path, keys in _BODIES.items():
        for key in keys:
            yield f"body {path} {key}", _body(at, path, key)
    for name in VALUES:
        yield f"control {name}", _control(at, name)
    for name in ("Accept-Language", "User-Agent", "Idempotency-Key", "Referer", "X-Forwarded-For", "Content-Type"):
        yield f"header {name}", _header(at, name)
    yield "file name", lambda text: _upload(at, text)
    yield "import file name", lambda text: _import(at, text, "x")
    yield "import cell", lambda text: _import(at, "rows.csv", text)


_KNOWN = {"entity": ENTITY, "field": "text", "code": "en", "name": "x.css", "tab": "all", "view": "all"}


def _of_rule(at: Target, rule: Rule) -> Iterator[Attempt]:
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        for name in sorted(rule.arguments):
            yield f"address {method} {rule.rule} {name}", _address(at, rule, method, name)
        if method == "GET":
            yield from ((f"argument {rule.rule} {each}", _argument(at, rule, each)) for each in ARGUMENTS)


def _path(at: Target, rule: Rule, **given: str) -> str:
    known = {**_KNOWN, "id": at.record, **given}
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: known.get(found[1], "x"), rule.rule)


def _send(at: Target, rule: Rule, method: str, path: str, **more: Any) -> TestResponse:
    if rule.rule.startswith("/api/v1"):
        return at.api.open(method, path.removeprefix("/api/v1"), {} if method != "GET" else None, **more)
    if method == "GET":
        return at.browser.get(path, **(more.get("query_string") or {}))
    headers = {**at.browser.headers, "Origin": at.browser.base, "X-CSRF-Token": at.browser.csrf}
    whole = at.browser.prefix + path
    return at.browser.client.open(whole, method=method, data={"csrf": at.browser.csrf}, headers=headers)


def _address(at: Target, rule: Rule, method: str, name: str) -> Send:
    def send(text: str) -> TestResponse:
        return _send(at, rule, method, _path(at, rule, **{name: _quoted(text)}))

    return send


def _quoted(text: str) -> str:
    return quote(text[:2_000], safe="") or "x"


def _argument(at: Target, rule: Rule, name: str) -> Send:
    def send(text: str) -> TestResponse:
        return _send(at, rule, "GET", _path(at, rule), query_string={name: text[:6_000]})

    return send


def _form(at: Target, path: str, name: str) -> Send:
    # Whoever sends a form for signing in, or out, is nobody yet.
    def send(text: str) -> TestResponse:
        browser = Browser(at.here.app.test_client(), at.here.prefix) if "sign-in" in path else at.browser
        return browser.post(path, {name: text})

    return send


def _body(at: Target, path: str, key: str) -> Send:
    def send(text: str) -> TestResponse:
        body: dict[str, Any] = {key: text}
        if path.endswith("bulk") and key in ("action", "by", "id"):
            operation = {"action": "upsert", "values": {"name": "x"}, "by": ["name"]}
            body = {"operations": [{**operation, key: [text] if key == "by" else text}]}
        return at.api.post(path, body)

    return send


def _control(at: Target, name: str) -> Send:
    def send(text: str) -> TestResponse:
        return at.browser.post(f"/app/{ENTITY}/new", {"name": "By form", name: text})

    return send


def _header(at: Target, name: str) -> Send:
    def send(text: str) -> TestResponse:
        value = re.sub(r"[\r\n\0]", "", text)[:1_000].encode("utf-8", "replace").decode("latin-1")
        if name == "Idempotency-Key":
            return at.api.post(f"/{ENTITY}", {"name": ""}, headers={name: value})
        headers = {**at.browser.headers, name: value}
        return at.browser.client.get(f"{at.here.prefix}/app/-/language/en", headers=headers)

    return send


def _upload(at: Target, name: str) -> TestResponse:
    form = {"file": (io.BytesIO(b"plain words"), name)}
    answer = at.api.client.post(f"{at.api.prefix}/files", data=form, headers=at.api.headers)
    if answer.status_code != 201:
        return answer
    id = answer.get_json()["id"]
    made = at.api.post(f"/{ENTITY}", {"name": "With a file", "file": id})
    if made.status_code != 201:
        return made
    return at.browser.get(f"/app/{ENTITY}/{made.get_json()['id']}")


def _import(at: Target, name: str, cell: str) -> TestResponse:
    data = f"name,text\n{json.dumps(cell)},x\n".encode()
    form = {"file": (io.BytesIO(data), name), "mode": "insert"}
    return at.api.client.post(f"{at.api.prefix}/{ENTITY}/import", data=form, headers=at.api.headers)
