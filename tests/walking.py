"""A tenant of a whole package with records in every entity, for tests that walk through all of its addresses."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from blueprints import visibility
from metadata.access import rights
from metadata.fieldtypes import registry
from metadata.model import Entity, Field, Model
from runtime.host import Host
from tests import kit
from tests.doors import Api, Person, Site, site
from tests.outside import HOOKED
from tests.typecases import png

ONE = frozenset({"link", "user", "unit"})
NUMBERS = frozenset({"integer", "decimal", "money", "percent"})


CANARIES = re.compile(r"zq\d{4}x|1380000\d{4}")
"""Words and digits of telephone numbers that stand nowhere but where they were put."""


def met(text: str) -> set[str]:
    """The canaries in a text, however it is written."""
    return set(CANARIES.findall(re.sub(r"[\s-]", "", text.lower())))


@dataclass
class Walk:
    """A site with two records of every entity that people write: one with every field, one with what is needed."""

    here: Site
    admin: Person
    api: Api
    model: Model
    entities: list[Entity]
    document: dict[str, Any]
    made: dict[str, list[str]] = field(default_factory=dict)
    """Entity id -> ids of its records."""
    canaries: dict[tuple[str, str], str] = field(default_factory=dict)
    """(entity id, field id) -> the word in its values."""

    def writable(self) -> Iterator[Entity]:
        """Entities of which the administrator may create records, those that others need first."""
        waiting = [each for each in self.entities if self.schema(each, "create") is not None]
        waiting.sort(key=lambda each: each.generated)
        while waiting:
            ready = [each for each in waiting if not (_needed(each) & {other.id for other in waiting} - {each.id})]
            assert ready, f"these need each other: {[each.key for each in waiting]}"
            yield from ready
            waiting = [each for each in waiting if each not in ready]

    def schema(self, entity: Entity, form: str) -> dict[str, Any] | None:
        found = self.document["components"]["schemas"].get(f"{entity.key}.{form}")
        return None if found is None else {**found, "components": self.document["components"]}

    def fits(self, schema: dict[str, Any], value: Any) -> None:
        """Fail with what is wrong when a value is not what the published document says."""
        whole = {**schema, "components": self.document["components"]}
        jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)

    def fill(self) -> None:
        """Create the records, each as the published document says."""
        for entity in self.writable():
            schema = self.schema(entity, "create") or {}
            needed = set(schema.get("required", ()))
            whole = dict(self._values(entity, schema, 0))
            least = {key: value for key, value in self._values(entity, schema, 1) if key in needed}
            if entity.generated:  # the first pair came with the record that it belongs to
                self.made[entity.id] = [each["id"] for each in self.api.get(f"/{entity.key}").get_json()["data"]]
                continue
            for body in (whole, least):
                self.fits(schema, body)
                record = self._created(entity, schema, body)
                self.fits(self.schema(entity, "read") or {}, record)
                self.made.setdefault(entity.id, []).append(record["id"])
        self._link_later()

    def _created(self, entity: Entity, schema: dict[str, Any], body: dict[str, Any]) -> Any:
        """One record. Where a rule refuses a field, it is sent if it was missing, and left out if it was sent."""
        answer = self.api.post(f"/{entity.key}", body)
        if answer.status_code == 422:
            named = {each["path"] for each in answer.get_json()["problems"] if each.get("rule")}
            missing = {"properties": [key for key in schema["properties"] if key in named - set(body)]}
            body = {key: value for key, value in body.items() if key not in named}
            body |= dict(self._values(entity, missing, 1))
            answer = self.api.post(f"/{entity.key}", body)
        assert answer.status_code == 201, (entity.key, body, answer.get_data(as_text=True))
        return answer.get_json()

    def _values(self, entity: Entity, schema: dict[str, Any], turn: int) -> Iterator[tuple[str, Any]]:
        for key in schema["properties"]:
            found = entity.find(key)
            assert found is not None
            value = self._value(entity, found, turn)
            if value is not None:
                yield key, value

    def _value(self, entity: Entity, field: Field, turn: int) -> Any:
        if field.type in ONE:
            return self._target(field.to[0], turn, field.required)
        if field.type == "links":
            target = self._target(field.to[0], turn)
            return None if target is None else [target]
        if field.type == "any_link":
            target = next((each for each in field.to if each in self.made), None)
            return None if target is None else {"entity": target, "id": self.made[target][turn]}
        if field.type in ("file", "image", "signature"):
            return self.upload(field.type != "file")
        if field.type == "files":
            return [self.upload(), self.upload(picture=True)]
        if field.id == "currency" or field.type == "children":
            return None
        return self._plain(entity, field, turn)

    def _target(self, entity: str, turn: int, required: bool = False) -> str | None:
        if entity in self.made:
            return self.made[entity][turn]
        if entity == "user":
            return self.admin.id
        assert not required, entity
        return None

    def upload(self, picture: bool = False) -> str:
        form = {"file": (io.BytesIO(png("walk")), "file.png") if picture else (io.BytesIO(b"plain"), "file.txt")}
        answer = self.api.client.post(f"{self.api.prefix}/files", data=form, headers=self.api.headers)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["id"])

    def _plain(self, entity: Entity, field: Field, turn: int) -> Any:
        """A sample of the type; in the first record one that can be found again wherever it appears."""
        samples = registry.of(field).samples(field)
        number = len(self.canaries)
        word = f"1380000{number:04}" if field.type == "phone" else f"zq{number:04}x"
        known: dict[str, Any] = {
            "text": word,
            "long_text": word,
            "email": f"{word}@example.com",
            "phone": f"+86{word}",
            "url": f"https://{word}.example.com",
            "tags": [word],
            "json": {"said": word},
        }
        if (entity.id, field.id) in HOOKED:
            given = HOOKED[entity.id, field.id]
            return f"{given}-{turn}" if given and field.unique else given
        if turn == 1 or field.type not in known or (field.type == "text" and field.props.get("max", 255) < len(word)):
            return "12.50" if field.type == "money" else samples[turn % len(samples)]
        self.canaries[entity.id, field.id] = word
        return known[field.type]

    def _link_later(self) -> None:
        """Links to what was made after them, and to records of their own kind."""
        for entity in self.entities:
            schema = self.schema(entity, "update")
            for each in entity.fields.values():
                if each.type not in ONE or schema is None or each.key not in schema["properties"]:
                    continue
                if each.to[0] not in self.made or entity.id not in self.made or each.id in ("owner", "unit"):
                    continue
                body = {each.key: self.made[each.to[0]][1]}
                answer = self.api.patch(f"/{entity.key}/{self.made[entity.id][0]}", body)
                assert answer.status_code == 200, (entity.key, body, answer.get_data(as_text=True))


def _needed(entity: Entity) -> set[str]:
    return {each.to[0] for each in entity.fields.values() if each.required and each.type in ONE} - {"user"}


def walk(host: Host, *sources: kit.Source) -> Walk:
    """A new tenant of these packages, filled."""
    here = site(host, *sources)
    admin = here.person("admin", name="Admin")
    api = here.api(person=admin)
    with kit.workspace(host, here.tenant, user=admin.id, write=False) as ws:
        model, entities = ws.model, list(visibility.entities(ws))
    found = Walk(here, admin, api, model, entities, api.get("/openapi.json").get_json())
    found.fill()
    return found


@dataclass(frozen=True)
class Denied:
    """What somebody may not see of a tenant."""

    fields: dict[str, frozenset[str]]
    """Entity id -> ids of hidden fields, for entities of which he may see some records."""
    entities: frozenset[str]
    """Ids of entities of which he may see nothing."""
    masked: dict[str, frozenset[str]]
    """Entity id -> ids of fields that are shown to him as masks only."""

    def words(self, walk: Walk) -> dict[str, tuple[str, str]]:
        """Word -> where it stands, for all that he must never meet."""
        return {
            word: place
            for place, word in walk.canaries.items()
            if place[0] in self.entities or place[1] in self.fields[place[0]] | self.masked[place[0]]
        }


def denied(walk: Walk, person: Person) -> Denied:
    with kit.workspace(walk.here.host, walk.here.tenant, user=person.id, write=False) as ws:
        seen = {each.id for each in visibility.entities(ws)}
        of = {each.id: (each, rights(ws.model, ws.actor, each)) for each in walk.entities if each.id in seen}
        hidden = {id: frozenset(f for f in each.fields if not may.may_see(f)) for id, (each, may) in of.items()}
        unread = {id: frozenset(f for f in each.fields if not may.may_read(f)) for id, (each, may) in of.items()}
    nothing = frozenset(each.id for each in walk.entities if each.id not in seen)
    return Denied(hidden, nothing, {id: unread[id] - hidden[id] for id in of})
