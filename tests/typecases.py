"""One tenant with two entities for every field type: `kept_*` holds a record per sample, `free_*` is for writing."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from metadata.fieldtypes import registry
from metadata.fieldtypes.base import FieldType, TextContext
from metadata.model import Entity, Field, Model
from runtime.host import Host
from tests import kit
from tests.doors import Api, Browser, Site, site

ZONE, CURRENCY = "Asia/Shanghai", "CNY"
RATE = Decimal("7.125")
"""Units of CNY for one USD."""

LABEL = {"en": "Current value", "zh": "当前值"}
KEY = "current"
"""What the field is called today; it was born as `value`."""

COMPUTED = frozenset({"sequence", "id"})
"""Types whose values the platform gives."""
LINKED = frozenset({"link", "user", "unit", "links", "any_link"})
TARGETS = ("thing", "user", "unit")
BELOW = frozenset({"links", "children"})
"""Types whose values are records of another entity."""

FILES = frozenset({"file", "files", "image", "signature"})
"""Types that hold what was uploaded."""
PICTURES = frozenset({"image", "signature"})

_PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "decimal": {"scale": 6},
    "choice": {"options": "stage"},
    "multi_choice": {"options": "stage"},
    "sequence": {"format": "N-{seq:4}"},
    "link": {"to": "thing"},
    "links": {"to": "thing"},
    "any_link": {"to": {"thing": {}, "unit": {}}},
}
_OPTIONS = {
    "stage": {
        "options": {
            "new": {"label": {"en": "New", "zh": "新建"}},
            "closed_won": {"id": "won", "label": {"en": "Won, signed", "zh": "赢单，已签"}},
            "lost": {"label": {"en": "Lost", "zh": "输单"}},
        }
    }
}
_NAME = {"name": {"type": "text", "max": 120, "required": True, "label": {"en": "Name", "zh": "名称"}}}


def package() -> str:
    """The description, as the text of a package in one file."""
    entities: dict[str, Any] = {
        "user": _entity({"email": {"type": "email"}, "unit": {"type": "link", "to": "unit"}}),
        "unit": _entity({"parent": {"type": "link", "to": "unit"}}),
        "thing": _entity({}),
        "exchange_rate": {
            "label": "Exchange rate",
            "title": "currency_code",
            "fields": {
                "currency_code": {"type": "text", "min": 3, "max": 3},
                "date": {"type": "date"},
                "rate": {"type": "decimal", "scale": 8},
            },
        },
    }
    for name in registry.TYPES:
        for prefix in ("kept", "free"):
            entities.update(_entities_of(name, f"{prefix}_{name}"))
    views = {
        f"{prefix}_{name}_all": {
            "label": "All",
            "entity": f"{prefix}_{name}",
            "columns": {"name": {}, **({"id" if name == "id" else "value": {}} if each.stored else {})},
        }
        for name, each in registry.TYPES.items()
        for prefix in ("kept", "free")
    }
    everything = {"read": "all", "create": "all", "update": "all", "delete": "all"}
    roles = {
        "admin": {
            "label": "Administrator",
            "capabilities": {"import": True, "export": True, "users": True, "jobs": True, "configure": True},
            "entities": {"*": everything},
        }
    }
    settings = {"currency": CURRENCY, "timezone": ZONE, "languages": ["en", "zh"]}
    whole = {
        "package": {"code": "types", "version": "1.0.0", "kind": "core", "settings": settings},
        "entities": entities,
        "options": _OPTIONS,
        "views": views,
        "roles": roles,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False)


def _entity(fields: Mapping[str, Any], label: str = "") -> dict[str, Any]:
    return {"label": label or "Thing", "title": "name", "search": {"name": {}}, "fields": {**_NAME, **fields}}


def _entities_of(type_name: str, key: str) -> Iterator[tuple[str, Any]]:
    """The entity of a type, and for children the entity of their rows."""
    if type_name == "id":
        yield key, _entity({}, key)
        return
    described = {"id": "value", "type": type_name, "label": LABEL, **_PROPERTIES.get(type_name, {})}
    if type_name == "children":
        described |= {"of": f"{key}_row", "by": "whole"}
        yield f"{key}_row", _entity({"whole": {"type": "link", "to": key, "required": True}}, f"{key} row")
    yield key, _entity({KEY: described}, key)


@dataclass(frozen=True)
class Row:
    """A record of a `kept_*` entity and its value in Python."""

    id: str
    name: str
    value: Any


@dataclass
class Case:
    """One field type on one database."""

    world: World
    type: FieldType
    rows: list[Row] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.type.name

    @property
    def kept(self) -> str:
        return f"kept_{self.name}"

    @property
    def free(self) -> str:
        return f"free_{self.name}"

    @property
    def key(self) -> str:
        return "id" if self.name == "id" else KEY

    @property
    def computed(self) -> bool:
        return self.name in COMPUTED

    def entity(self, key: str | None = None) -> Entity:
        found = self.world.model.entity(key or self.kept)
        assert found is not None
        return found

    @property
    def field(self) -> Field:
        found = self.entity().find(self.key)
        assert found is not None
        return found

    def samples(self) -> list[Any]:
        """JSON values to send, all of them fit to be stored: links lead to records, files are uploaded anew."""
        if self.name in FILES:
            ids = [self.world.upload(text, picture=self.name in PICTURES) for text in ("one", "two", "three")]
            return [ids[:1], ids[1:]] if self.name == "files" else ids[:2]
        if self.computed:
            return []
        samples = list(self.type.samples(self.field))
        return [self.world.aimed(self.field.to, each) for each in samples] if self.name in LINKED else samples

    def body(self, name: str, sample: Any) -> dict[str, Any]:
        """A record with this value. Money comes in the currency of its record."""
        found = {"name": name, self.key: sample}
        if self.name == "money" and sample is not None:
            found["currency"] = sample["currency"]
        return found

    def parsed(self, raw: Any) -> Any:
        """The Python value of a JSON value; records behind a list by what tells them apart."""
        if raw is None or (self.name in BELOW and not raw):
            return None
        if self.name == "links":
            return sorted(each["id"] if isinstance(each, dict) else each for each in raw)
        if self.name == "children":
            return sorted(each["name"] for each in raw)
        if self.name == "secret":
            return "set"  # all that anybody is told
        return self.type.parse(self.field, raw)

    def stored(self, entity: str, id: str) -> Any:
        """What the API answers for the value of a record."""
        fields = f"{self.key}.name" if self.name == "children" else self.key
        answer = self.world.api.get(f"/{entity}/{id}", fields=fields)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()[self.key]

    def make_rows(self) -> None:
        """Write a record for each sample and two without a value into the entity that is only read."""
        samples = [*self.samples(), None, None] if not self.computed else [None, None, None]
        named = [(f"row {number}", sample) for number, sample in enumerate(samples)]
        bodies = [{"name": name} if self.computed else self.body(name, sample) for name, sample in named]
        operations = [{"action": "create", "values": body} for body in bodies]
        answer = self.world.api.post(f"/{self.kept}/bulk", {"operations": operations})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        ids = [each["id"] for each in answer.get_json()["data"]]
        for id, (name, sample) in zip(ids, named, strict=True):
            value = self.stored(self.kept, id) if self.computed else sample
            self.rows.append(Row(id, name, self.parsed(value)))


class World:
    """The application over one tenant that has every type."""

    def __init__(self, here: Site) -> None:
        self.here = here
        admin = here.person("admin", name="Admin")
        self.api: Api = here.api(person=admin)
        self.browser: Browser = here.browser(person=admin)
        with kit.workspace(here.host, here.tenant, write=False) as ws:
            self.model: Model = ws.model
        self.titles: dict[str, str] = {}
        self.targets = {name: tuple(self._target(name, letter) for letter in "AB") for name in TARGETS}
        self.api.made("exchange_rate", currency_code="USD", date="1900-01-01", rate=str(RATE))
        self.cases = {name: Case(self, each) for name, each in registry.TYPES.items()}
        for case in self.cases.values():
            case.make_rows()

    def _target(self, entity: str, letter: str) -> str:
        title = f"{entity.title()} {letter}"
        id = str(self.api.made(entity, name=title)["id"])
        self.titles[id] = title
        return id

    def aimed(self, to: tuple[str, ...], sample: Any) -> Any:
        """A sample of a link with ids of records that exist."""
        samples = registry.TYPES["id"].samples(Field("id", "id", "id", {}))
        entity = sample["entity"] if isinstance(sample, dict) else to[0]
        text = json.dumps(sample)
        for sampled, id in zip(samples, self.targets[entity], strict=True):
            text = text.replace(sampled, id)
        return json.loads(text)

    def upload(self, text: str, picture: bool = False) -> str:
        headers = self.api.headers
        content = png(text) if picture else text.encode()
        form = {"file": (io.BytesIO(content), f"{text}.{'png' if picture else 'txt'}")}
        answer = self.api.client.post(f"{self.api.prefix}/files", data=form, headers=headers)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["id"])

    def context(self, lang: str) -> TextContext:
        return TextContext(lang, ZONE, CURRENCY)

    @cached_property
    def openapi(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get("/openapi.json").get_json()
        return found


def png(text: str, width: int = 2, height: int = 2) -> bytes:
    """A picture of one colour, with a remark, so that every text makes another file."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = zlib.compress((b"\x00" + b"\x33\x66\x99" * min(width, 2)) * min(height, 2))
    remark = chunk(b"tEXt", b"Comment\x00" + text.encode("ascii", "replace"))
    return b"\x89PNG\r\n\x1a\n" + header + remark + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def world(host: Host) -> World:
    return World(site(host, package()))
