"""Walks through all that a package makes: each address of the interface, each page and form, each role's view."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from metadata.fieldtypes import registry
from metadata.model import Entity
from runtime.jobs.drain import drain
from tests import kit, walking
from tests.doors import Api, Browser, Person, codes
from tests.outside import HOOKED
from tests.pages import Page
from tests.typecases import FILES
from tests.walking import ONE, Denied, Walk

PACKAGES = ("sales", "clinic", "library", "rental", "maven")

MORE_FOR_THE_CLINIC = """
package: {code: trial, version: 1.0.0, kind: tenant, requires: {clinic: '>=1.0'}}
roles:
  reception:
    capabilities: {export: true, feed: true, import: true}
    entities:
      patient: {fields: {phone: hidden, email: hidden}}
      user: {fields: {email: hidden}}
"""
MORE_FOR_THE_LIBRARY = """
package: {code: trial, version: 1.0.0, kind: tenant, requires: {library: '>=1.0'}}
roles:
  reader:
    capabilities: {export: true, feed: true}
    entities:
      book: {fields: {summary: hidden, isbn: hidden}}
"""
LIMITED = {
    "reception": ("clinic", MORE_FOR_THE_CLINIC),
    "reader": ("library", MORE_FOR_THE_LIBRARY),
    "sales_rep": ("sales",),
    "clerk": ("rental",),
}
HIDDEN = {
    "reception": "patient.allergies patient.blood patient.history patient.phone patient.email visit.temperature "
    "visit.scan user.email",
    "reader": "book.price book.summary book.isbn",
    "sales_rep": "contact.id_number",
    "clerk": "",
}
"""What is hidden from the roles of entities that they may read, said once more and independently of their rights."""
MASKED = {"reception": "", "reader": "", "sales_rep": "user.phone", "clerk": "user.phone"}
"""What they see as a mask only."""


@pytest.fixture(
    scope="module", params=[*(f"sqlite-{name}" for name in PACKAGES), "postgresql-sales", "postgresql-rental"]
)
def walk(request: pytest.FixtureRequest) -> Walk:
    kind, _, package = request.param.partition("-")
    host = request.getfixturevalue("sqlite_host" if kind == "sqlite" else "postgres_host")
    return walking.walk(host, package)


def test_every_address_of_the_interface_answers_as_published(walk: Walk) -> None:
    platform = {"/files/{id}": walk.upload(), **_jobs(walk)}
    for path, item in walk.document["paths"].items():
        if "get" not in item:
            continue
        entity = walk.model.entity(path.split("/")[1])
        addresses = (
            [path.replace("{id}", platform.get(path, "{id}"))] if entity is None else _addresses(walk, path, item)
        )
        for address in addresses:
            if "{" in address:
                continue  # of a run, a request or a delivery, which no package of these has by itself
            for arguments in _arguments(path, entity):
                answer = walk.api.get(address, **arguments)
                if answer.status_code == 422 and codes(answer) == ["approval_none_fits"]:
                    continue
                if answer.status_code == 403 and codes(answer) == ["approval_times_closed"]:
                    continue  # nobody looks after an approval where there is none
                assert answer.status_code == 200, (address, arguments, answer.get_data(as_text=True))
                content = item["get"]["responses"]["200"].get("content", {})
                if "application/json" in content and "fields" not in arguments:
                    walk.fits(content["application/json"]["schema"], answer.get_json())


def _jobs(walk: Walk) -> dict[str, str]:
    """A job for each address of jobs: an export that made a file, an import that refused a row."""
    file = (io.BytesIO(b"name\n" + b"x" * 200), "units.csv")
    form = {"file": file, "background": "true", "mode": "insert"}
    imported = walk.api.client.post(f"{walk.api.prefix}/unit/import", data=form, headers=walk.api.headers)
    exported = walk.api.post("/unit/export", {"kind": "csv"})
    assert (imported.status_code, exported.status_code) == (202, 202)
    drain(walk.here.host, walk.here.tenant)
    job = str(exported.get_json()["job"])
    rows = imported.headers["Location"].rpartition("/")[2]
    return {"/jobs/{id}": job, "/jobs/{id}/file": job, "/jobs/{id}/rows": rows}


def _addresses(walk: Walk, path: str, item: dict[str, Any]) -> Iterator[str]:
    """A path for each record that stands for it, and for each of its lists."""
    key = path.split("/")[1]
    ids = [each["id"] for each in walk.api.get(f"/{key}", limit=2).get_json()["data"]] if "{id}" in path else [""]
    lists = next((each["schema"]["enum"] for each in item.get("parameters", ()) if each["name"] == "key"), [""])
    for id in ids:
        for name in lists:
            yield path.replace("{id}", id).replace("{key}", name)


def _arguments(path: str, entity: Entity | None) -> Iterator[dict[str, Any]]:
    """What may be asked of an address: everything that the types of the entity's fields allow."""
    yield {}
    if entity is None or path != f"/{entity.key}":
        return
    fields = {each.type: each for each in entity.fields.values() if registry.of(each).stored}
    yield {"count": "exact", "limit": 1, "q": "a"}
    yield {"deleted": "true"}
    yield {"fields": ",".join(each.key for each in entity.fields.values())}
    yield {"where": " or ".join(f"{each.key} == null" for each in fields.values())}
    for each in fields.values():
        if registry.of(each).sortable:
            yield {"sort": f"-{each.key}", "limit": 1}
        if each.type in ONE:
            yield {"fields": f"{each.key}.id", "where": f"{each.key}.id != null"}


def test_every_address_refuses_what_it_does_not_know(walk: Walk) -> None:
    nowhere = str(uuid.uuid4())
    for rule in walk.here.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.endpoint.startswith(("api.", "app.")):
            continue
        for entity in (*(each.key for each in walk.entities[:3]), "nothing"):
            path = rule.rule.removeprefix("/t/<tenant>")
            for name, value in (("entity", entity), ("id", nowhere), ("key", "nothing"), ("code", "xx")):
                path = path.replace(f"<{name}>", value)
            for more in ("", "?where=%28", "?sort=-&fields=.", "?limit=x&after=%2F&unknown=1"):
                headers = {**walk.api.headers, "Accept": "application/json"}
                answer = walk.api.client.get(f"{walk.here.prefix}{path}{more}", headers=headers)
                assert answer.status_code < 500, (path, more)


def test_every_page_works_in_both_languages(walk: Walk) -> None:
    browser = walk.here.browser(person=walk.admin)
    seen = _Crawl(walk, browser)
    for entity in walk.entities:
        creates, changes = (walk.schema(entity, form) is not None for form in ("create", "update"))
        lists = [f"/app/{entity.key}", f"/app/{entity.key}?deleted=true", f"/app/{entity.key}?q=a&where=id+!=+null"]
        lists += [f"/app/{entity.key}?view={each.key}" for each in walk.model.all("views") if each.entity == entity.id]
        pages = [*lists, *([f"/app/{entity.key}/new", f"/app/{entity.key}/import"] if creates else [])]
        for id in walk.made.get(entity.id, []):
            path = f"/app/{entity.key}/{id}"
            pages += [path, *([f"{path}/edit", f"{path}/delete"] if changes else [])]
        for path in pages:
            for lang in ("en", "zh"):
                seen.visit(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    seen.follow()


class _Crawl:
    """Pages that were visited, and the links that stood on them."""

    def __init__(self, walk: Walk, browser: Browser) -> None:
        self.walk, self.browser = walk, browser
        self.visited: set[str] = set()
        self.links: set[str] = set()

    def visit(self, path: str) -> None:
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        page = Page(answer.get_data(as_text=True))
        assert page.wrong == [], (path, page.wrong)
        assert "None" not in page.said.split(), path
        self.visited.add(path.split("lang=")[0].rstrip("?&"))
        prefix = self.walk.here.prefix
        self.links |= {unquote(each.removeprefix(prefix)) for each in page.links if each.startswith(f"{prefix}/")}

    def follow(self) -> None:
        """Every link on these pages leads somewhere."""
        for path in sorted(self.links - self.visited):
            if "/-/language/" in path or urlsplit(path).path.startswith("/assets"):
                continue
            answer = self.browser.get(path)
            assert answer.status_code in (200, 303), (path, answer.status_code)


def test_forms_that_are_sent_as_they_are_change_nothing_and_make_equal_records(walk: Walk) -> None:
    browser = walk.here.browser(person=walk.admin)
    for entity in walk.writable():
        if entity.generated:
            continue
        for id in walk.made[entity.id]:
            path, record = f"/app/{entity.key}/{id}", f"/{entity.key}/{id}"
            before = walk.api.get(record).get_json()
            filled = _form(browser, f"{path}/edit")
            saved = browser.post(f"{path}/edit", filled)
            assert saved.status_code == 303, (path, Page(saved.get_data(as_text=True)).said)
            assert walk.api.get(record).get_json() == before, path
            uploads: dict[str, list[str]] = {
                each.key: [] for each in entity.fields.values() if each.type in FILES
            }  # one record has a file
            # The rows of a copy are rows of its own.
            rows: dict[str, list[str]] = {name: [] for name in filled if _ROW_ID.search(name)}
            # A form never says a secret, so whoever copies has to know it.
            secrets = {
                each.key: [HOOKED.get((entity.id, each.id)) or "x"]
                for each in entity.fields.values()
                if each.type == "secret" and each.required
            }
            copied = browser.post(f"/app/{entity.key}/new", {**filled, **uploads, **rows, **secrets, "version": []})
            if copied.status_code == 422 and _is_one_of_its_kind(walk, entity):
                continue
            assert copied.status_code == 303, (path, Page(copied.get_data(as_text=True)).said)
            found = re.search("[0-9a-f-]{36}", copied.headers["Location"])
            assert found is not None
            copy = walk.api.get(f"/{entity.key}/{found[0]}").get_json()
            # What is computed of other records is another of a copy, which nothing belongs to.
            own = [
                each.key
                for each in entity.fields.values()
                if not each.system and each.type not in _NOT_COPIED and each.computed is None
            ]
            # A box that is not ticked is a no in a new record.
            meant = {key: before.get(key) for key in own}
            meant |= {each.key: bool(meant[each.key]) for each in entity.fields.values() if each.type == "boolean"}
            assert {key: copy.get(key) for key in own} == meant, path
            assert walk.api.delete(f"/{entity.key}/{found[0]}").status_code == 200


_ROW_ID = re.compile(r"\.\d+\.id$")
_NOT_COPIED = frozenset({"sequence", "file", "files", "image", "signature", "secret", "children", "links", "datetime"})
"""A form shows moments to the second, and leaves those alone that it does not change."""


def _form(browser: Browser, path: str) -> dict[str, list[str]]:
    page = Page(browser.get(path).get_data(as_text=True))
    return dict(next(each for each in page.forms if "version" in each.names).values)


def _is_one_of_its_kind(walk: Walk, entity: Entity) -> bool:
    return any(each.unique for each in entity.fields.values()) or any(each.unique for each in entity.indexes)


@pytest.fixture(scope="module", params=[f"{kind}-{role}" for kind in ("sqlite", "postgresql") for role in LIMITED])
def limited(request: pytest.FixtureRequest) -> tuple[Walk, Person, Denied]:
    """A package, somebody with a limited role in it, and what that role may not see."""
    kind, _, role = request.param.partition("-")
    host = request.getfixturevalue("sqlite_host" if kind == "sqlite" else "postgres_host")
    walk = walking.walk(host, *LIMITED[role])
    person = walk.here.person(role, name="Limited")
    return walk, person, walking.denied(walk, person)


Limited = tuple[Walk, Person, Denied]


def test_what_is_hidden_is_what_the_roles_say(limited: Limited) -> None:
    walk, person, hidden = limited
    with kit.workspace(walk.here.host, walk.here.tenant, user=person.id, write=False) as ws:
        [role] = ws.actor.roles
    for found, said in ((hidden.fields, HIDDEN), (hidden.masked, MASKED)):
        assert {f"{of}.{id}" for of, ids in found.items() for id in ids} == set(said[role].split())
    named = walk.model.role(role)
    assert named is not None
    for entity in walk.entities:
        above = entity.parent or entity.via
        of = entity.fields[above].to if above else (entity.id,)
        assert (entity.id in hidden.entities) != bool(set(of) & set(named.grants)), entity.id


def test_an_administrator_meets_every_word_that_others_must_not(limited: Limited) -> None:
    """Otherwise the tests below would look for words that are nowhere."""
    walk, _, hidden = limited
    words = hidden.words(walk)
    assert words
    text = "".join(
        walk.api.get(f"/{each.key}", fields=",".join(f.key for f in each.fields.values())).get_data(as_text=True)
        for each in walk.entities
    )
    assert {place for word, place in words.items() if word not in walking.met(text)} == set()


def test_the_interface_tells_nothing_that_is_hidden(limited: Limited) -> None:
    walk, person, hidden = limited
    api, words = walk.here.api(person=person), hidden.words(walk)
    drain(walk.here.host, walk.here.tenant)
    for entity in walk.entities:
        ids = [*walk.made.get(entity.id, [])]
        paths = [f"/{entity.key}", f"/{entity.key}?deleted=true", f"/meta/{entity.key}", f"/{entity.key}/aggregate"]
        paths += [f"/{entity.key}?fields={name}" for name in _over_links(walk, entity, hidden)]
        paths += [f"/{entity.key}?fields={each.inverse}" for each in entity.inverses]
        paths += [f"/{entity.key}/{id}{end}" for id in ids for end in ("", "/history")]
        paths += [f"/{entity.key}/{id}/related/{each.inverse}" for id in ids for each in entity.inverses]
        for path in paths:
            answer = api.get(path)
            assert answer.status_code < 500, path
            _check_silent(path, answer.get_data(as_text=True), words)
            if entity.id in hidden.entities:
                # Of a record that he may not see, he finds no parts.
                empty = entity.parent is not None and answer.get_json().get("data") in ([], [{"count": 0}])
                assert answer.status_code in (400, 403, 404) or empty, path
            elif answer.status_code == 200:
                _check_keys(path, answer.get_json(), entity, hidden)
    for path in ("/openapi.json", "/meta", "/events", "/jobs"):
        _check_silent(path, api.get(path).get_data(as_text=True), words)


def _over_links(walk: Walk, entity: Entity, hidden: Denied) -> Iterator[str]:
    """Paths to what is hidden behind a link."""
    words = hidden.words(walk).values()
    for each in entity.fields.values():
        for target in each.to:
            yield from (f"{each.key}.{field}" for of, field in words if of == target)


def _check_silent(where: str, text: str, words: dict[str, tuple[str, str]]) -> None:
    assert {words[each] for each in walking.met(text) & set(words)} == set(), where


def _check_keys(where: str, answer: Any, entity: Entity, hidden: Denied) -> None:
    """No record, and no event of one, has a key that its reader may not know."""
    keys = {entity.fields[id].key for id in hidden.fields[entity.id]}
    rows = answer.get("data", [answer]) if isinstance(answer, dict) else []
    if "/related/" in where:
        return
    for row in rows if isinstance(rows, list) else []:
        assert not keys & set(row), where
        assert not keys & set(row.get("changes") or {}), where


def test_the_published_document_and_meta_name_nothing_hidden(limited: Limited) -> None:
    walk, person, hidden = limited
    api = walk.here.api(person=person)
    document, meta = api.get("/openapi.json").get_json(), api.get("/meta").get_json()
    known = {each["key"]: {field["key"] for field in each["fields"]} for each in meta["entities"]}
    for entity in walk.entities:
        schemas = {name: each for name, each in document["components"]["schemas"].items() if "." in name}
        own = {name: each for name, each in schemas.items() if name.split(".")[0] == entity.key}
        if entity.id in hidden.entities:
            assert not own and entity.key not in known
            assert not [path for path in document["paths"] if path.split("/")[1] == entity.key]
            continue
        keys = {entity.fields[id].key for id in hidden.fields[entity.id]}
        assert not keys & known[entity.key]
        assert all(not keys & set(each["properties"]) for each in own.values())


def test_nothing_can_be_asked_about_what_is_hidden(limited: Limited) -> None:
    walk, person, hidden = limited
    api = walk.here.api(person=person)
    for entity in walk.entities:
        for id in hidden.fields.get(entity.id, ()):
            key = entity.fields[id].key
            for arguments in ({"where": f"{key} != null"}, {"sort": key}, {"fields": key}):
                answer = api.get(f"/{entity.key}", **arguments)
                assert answer.status_code == 400, (entity.key, arguments)
                missing = {name: each.replace(key, "zzz") for name, each in arguments.items()}
                assert codes(answer) == codes(api.get(f"/{entity.key}", **missing)), "hidden or missing: nobody knows"
            for arguments in ({"group": key}, {"measures": f"max({key})"}):
                assert api.get(f"/{entity.key}/aggregate", **arguments).status_code == 400
        for id in hidden.masked.get(entity.id, ()):
            key = entity.fields[id].key
            for arguments in ({"where": f"{key} != null"}, {"sort": key}):
                assert api.get(f"/{entity.key}", **arguments).status_code == 400, (entity.key, arguments)
            assert api.get(f"/{entity.key}/aggregate", group=key).status_code == 400
    for word, (of, _) in hidden.words(walk).items():
        entity_key = next(each.key for each in walk.entities if each.id == of)
        for each in walk.entities:
            if each.id not in hidden.entities:
                assert api.get(f"/{each.key}", q=word).get_json()["data"] == [], (each.key, word, entity_key)


def test_a_write_answers_nothing_that_is_hidden(limited: Limited) -> None:
    walk, person, hidden = limited
    api, words = walk.here.api(person=person), hidden.words(walk)
    for entity in walk.entities:
        keys = [entity.fields[id].key for id in hidden.fields.get(entity.id, ())]
        for id in walk.made.get(entity.id, ()):
            path = f"/{entity.key}/{id}"
            bodies: list[dict[str, Any]] = [{key: "x"} for key in keys]
            bodies += [{"version": 1}, {"version": 99, **{key: None for key in keys}}]
            for body in bodies:
                answer = api.patch(path, body)
                assert answer.status_code < 500, (path, body)
                assert answer.status_code != 200 or not set(body) & set(keys), (path, body)
                _check_silent(f"PATCH {path}", answer.get_data(as_text=True), words)
            for key in keys:
                operation = {"action": "upsert", "by": [key], "values": {key: walk.canaries.get((entity.id, key), "x")}}
                answer = api.post(f"/{entity.key}/bulk", {"operations": [operation]})
                assert answer.status_code in (400, 403, 422), (entity.key, operation)


def test_no_page_shows_what_is_hidden(limited: Limited) -> None:
    walk, person, hidden = limited
    browser, words = walk.here.browser(person=person), hidden.words(walk)
    shown = 0
    for entity in walk.entities:
        paths = [f"/app/{entity.key}", f"/app/{entity.key}/new", f"/app/{entity.key}?deleted=true"]
        paths += [f"/app/{entity.key}?view={each.key}" for each in walk.model.all("views") if each.entity == entity.id]
        paths += [f"/app/{entity.key}/{id}{end}" for id in walk.made.get(entity.id, []) for end in ("", "/edit")]
        paths += [f"/app/-/suggest/{entity.key}?q={word}" for word in ("zq", *words)]
        for path in paths:
            answer = browser.get(path)
            assert answer.status_code in (200, 403, 404), (path, answer.status_code)
            text = answer.get_data(as_text=True)
            _check_silent(path, text.replace(path.split("q=")[-1], ""), words)
            if entity.id in hidden.entities:
                assert answer.status_code != 200, path
            elif answer.status_code == 200 and "/-/" not in path:
                page = Page(text)
                names = {name for form in page.forms for name in form.names}
                assert not names & {entity.fields[id].key for id in hidden.fields[entity.id]}, path
                assert not _labels(walk, entity, hidden) & {each.strip() for each in page.text}, path
                shown += 1
    assert shown


def _labels(walk: Walk, entity: Entity, hidden: Denied) -> set[str]:
    """Labels of hidden fields that nothing else is called by."""
    other = {
        text
        for each in walk.entities
        for id, field in each.fields.items()
        if each.id != entity.id or id not in hidden.fields[entity.id]
        for text in field.label.values()
    }
    return {text for id in hidden.fields[entity.id] for text in entity.fields[id].label.values()} - other


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_leaves_out_what_is_hidden(limited: Limited, kind: str) -> None:
    walk, person, hidden = limited
    api, words = walk.here.api(person=person), hidden.words(walk)
    for entity in walk.entities:
        queued = api.post(f"/{entity.key}/export", {"kind": kind})
        if entity.id in hidden.entities or not _exports(walk, person):
            assert queued.status_code in (400, 403, 404), entity.key
            continue
        assert queued.status_code == 202, queued.get_data(as_text=True)
        drain(walk.here.host, walk.here.tenant)
        header, text = _file(api, queued.get_json()["job"], kind)
        _check_silent(f"export of {entity.key}", text, words)
        assert not {entity.fields[id].key for id in hidden.fields[entity.id]} & set(header)
        for id in hidden.fields[entity.id]:
            asked = {"kind": kind, "fields": entity.fields[id].key}
            assert api.post(f"/{entity.key}/export", asked).status_code == 400, asked


def _exports(walk: Walk, person: Person) -> bool:
    with kit.workspace(walk.here.host, walk.here.tenant, user=person.id, write=False) as ws:
        roles = [ws.model.role(each) for each in ws.actor.roles]
    return any(role is not None and "export" in role.capabilities for role in roles)


def _file(api: Api, job: str, kind: str) -> tuple[list[str], str]:
    """The header and all text of an export."""
    state = api.get(f"/jobs/{job}").get_json()
    assert state["state"] == "done", state.get("error")
    data = api.get(f"/jobs/{job}/file").get_data()
    if kind == "csv":
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    else:
        import python_calamine

        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        rows = [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]
    return rows[0], "\n".join("\t".join(row) for row in rows)
