"""The compiled, immutable `Model` of a tenant and its parts: what the documents mean.

A model is also plain data (`Part` = one element as JSON), so that a release can store it and a process can load
one entity without touching the others. Everything is keyed by id; names are today's keys and may change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from metadata.problems import Label
from metadata.rules import Rule

Part = Mapping[str, Any]
"""One compiled element as JSON data (plain dict, list, str, int, bool, None)."""


class _Empty(Mapping[str, Any]):
    """The mapping with nothing in it: hashable, so that it may be a default of frozen dataclasses."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def get(self, key: str, default: Any = None) -> Any:
        # Asked for every value that is parsed: the inherited one raises and catches each time.
        return default

    def __hash__(self) -> int:
        return 0


EMPTY: Mapping[str, Any] = _Empty()

OnDelete = Literal["restrict", "clear", "cascade"]
OnMerge = Literal["move", "keep", "union"]


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice. Stored by id; a retired one is shown where it stands but not offered."""

    id: str
    key: str
    label: Label
    color: str | None = None
    retired: bool = False
    given: tuple[str, ...] = ()
    """Ids of the options of the field that its field `depends_on` with which it is possible; empty: with any."""


@dataclass(frozen=True, slots=True)
class Computed:
    """How a field gets its value by itself. Such a field has the type of the value and is written by nobody.

    A `formula` is an expression over the record (`value`). A `lookup` is a path over links (`value`, as an expression).
    A `rollup` is one measure over a list of records (`value`, the expression `sum(lines, subtotal, <where>)`).
    """

    how: Literal["formula", "lookup", "rollup"]
    value: str
    stored: bool = True
    """False: it depends on the time and is computed when it is read."""
    disclose: bool = False
    """Whether it may be read by people who may not read all that it is made of."""
    reads: tuple[tuple[str, ...], ...] = ()
    """(entity id, field id) of every field whose value is in it, those of computed fields that it reads included."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step from a record to another: along its own `link`, or (`back`) to the records whose `link` points at it.

    `entity` is the one that has the link."""

    entity: str
    link: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class Trigger:
    """What follows when `field` of a record changes: computed `fields` of those records of `entity` from which `way`
    leads to it. A way that is empty: of the record itself."""

    field: str
    entity: str
    fields: tuple[str, ...]
    way: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Writer:
    """What gives a field its value in a save: how it is computed, or (`rule`: its id) a rule that sets it."""

    field: str
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity. `id` never changes; `key` may. `props`: what only its type knows (max, scale, ...)."""

    id: str
    key: str
    type: str
    label: Label
    entity: str = ""
    required: bool = False
    unique: bool = False
    default: Any = None
    help: Label | None = None
    system: bool = False
    """Kept by the platform (id, version, created_at, ...): never written by people, except owner and unit."""
    sensitivity: str = "internal"
    options: tuple[Option, ...] = ()
    to: tuple[str, ...] = ()
    """Target entity ids of link, links, any_link, user, unit, children."""
    props: Mapping[str, Any] = EMPTY
    aliases: Mapping[str, str] = EMPTY
    """Former keys and the ISO date until which they are understood."""
    computed: Computed | None = None

    @property
    def path(self) -> str:
        return f"{self.entity}.{self.key}"

    @property
    def encrypted(self) -> bool:
        """Whether its values lie encrypted in the database."""
        return self.props.get("encrypted") is True

    def option(self, name: str) -> Option | None:
        """An option by id, else by today's key."""
        for each in self.options:
            if each.id == name:
                return each
        for each in self.options:
            if each.key == name:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Relation:
    """One link between entities, seen from both ends. `id` is `<source entity id>.<field id>`.

    `source`.`field` points at one of `targets`. Seen from a target, `inverse` is the key of the related list.
    For a `links` field there are two relations on the `through` entity (its two links); `through` on the relation of
    the `links` field itself names that entity, and `near`/`far` are the ids of its two link fields.
    """

    id: str
    source: str
    field: str
    targets: tuple[str, ...]
    inverse: str
    inverse_label: Label
    through: str | None = None
    near: str | None = None
    far: str | None = None
    on_delete: OnDelete = "restrict"
    on_merge: OnMerge = "move"
    lives_with_parent: bool = False
    follows_owner: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """A set of fields that is indexed, or unique among living records (`where`: an expression text, or None)."""

    id: str
    fields: tuple[str, ...]
    unique: bool = False
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record. `fields` includes the system fields, by id, in the order of display."""

    id: str
    key: str
    label: Label
    plural: Label
    fields: Mapping[str, Field]
    title: str
    """Id of the field that names a record."""
    icon: str = "table"
    owned: bool = False
    pooled: bool = False
    """Whether records without an owner lie in a pool; they say in which by their field `pool`."""
    has_currency: bool = False
    currency_from: str | None = None
    """Id of the link whose target gives the default currency of a new record; else the tenant's."""
    shares_currency: bool = False
    """That target adds up amounts of its records as they are: they always have its currency."""
    rate_date: str | None = None
    search: tuple[str, ...] = ()
    """Ids of the fields that `q` looks into."""
    history: bool = True
    parent: str | None = None
    """Id of the link field of the record that this one lives with (children): rights are that record's."""
    via: str | None = None
    """Id of the link field whose target's rights are this record's (`access: {via: account}`)."""
    indexes: tuple[Index, ...] = ()
    """Uniques and indexes, declared and by default (foreign keys, choices in views, default sorts)."""
    relations: tuple[Relation, ...] = ()
    """Relations whose source is this entity."""
    inverses: tuple[Relation, ...] = ()
    """Relations that point here."""
    written_by: Literal["people", "platform"] = "people"
    generated: bool = False
    """Made by the compiler for a `links` field."""
    default_sort: tuple[str, ...] = ()
    """Field ids, with `-` in front for descending."""
    aliases: Mapping[str, str] = EMPTY
    names: Mapping[str, str] = EMPTY
    """Key or living alias -> field id."""
    rules: tuple[Rule, ...] = ()
    writers: tuple[Writer, ...] = ()
    """Everything that gives fields their values in a save, each after what it reads."""
    triggers: tuple[Trigger, ...] = ()
    """What must be computed anew in other records when one of this entity changes."""

    def find(self, name: str) -> Field | None:
        """A field by id, else by today's key or a living alias."""
        found = self.fields.get(name)
        if found is None and name in self.names:
            found = self.fields.get(self.names[name])
        return found

    def relation(self, field_id: str) -> Relation | None:
        for each in self.relations:
            if each.field == field_id:
                return each
        return None

    def inverse(self, key: str) -> Relation | None:
        for each in self.inverses:
            if each.inverse == key:
                return each
        return None


Scope = Literal["none", "team", "own", "unit", "subtree", "all"]
"""Which records: `team` those that one is a member of or that are shared with one, as with every scope but none."""
Right = Literal["hidden", "masked", "read", "write"]
Sensitivity = Literal["public", "internal", "personal", "secret"]
ACTIONS = ("read", "create", "update", "delete")
SCOPES: tuple[Scope, ...] = ("none", "team", "own", "unit", "subtree", "all")
RIGHTS: tuple[Right, ...] = ("hidden", "masked", "read", "write")
SENSITIVITIES: tuple[Sensitivity, ...] = ("public", "internal", "personal", "secret")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A right to a field that holds only while the record meets a condition (an expression text)."""

    when: str
    otherwise: Right = "hidden"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role may do with one entity: which rows per action, and a right per field (`*` = every other field)."""

    scopes: Mapping[str, Scope] = EMPTY
    fields: Mapping[str, Right] = EMPTY
    where: Mapping[str, str] = EMPTY
    """Action -> the condition (an expression text) that its records meet; such an action has no scope."""
    narrowed: Mapping[str, Narrowed] = EMPTY
    """Field id -> when its right in `fields` holds, and which one else."""


@dataclass(frozen=True, slots=True)
class Role:
    """Rights by entity id (`*` = every entity not named) and capabilities beyond records (`configure`, `users`)."""

    id: str
    key: str
    label: Label
    grants: Mapping[str, Grant] = EMPTY
    capabilities: frozenset[str] = frozenset()
    clearance: Sensitivity = "internal"
    """How sensitive a field may be that the role gives its whole right to: more is masked, or hidden."""


@dataclass(frozen=True, slots=True)
class View:
    """A list, board or calendar: which rows, which fields, in which order. `where` is an expression text.

    `props` by kind, always field ids (dotted where a card or column may be):
    list: `group` and `totals` (id -> sum|avg|min|max), each only when said;
    board: `by`, `sums`, `card`, `due` or None, `done` (values of `by` under which nothing is due any more);
    calendar: `from`, `until` or None, `color` or None, `card`.
    """

    id: str
    key: str
    label: Label
    entity: str
    kind: str = "list"
    """list, board or calendar."""
    columns: tuple[str, ...] = ()
    """Field names, dotted over links."""
    where: str | None = None
    sort: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """Field ids offered as quick filters."""
    props: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of field ids on a page, in one or two columns."""

    id: str
    label: Label
    fields: tuple[str, ...]
    columns: int = 2


@dataclass(frozen=True, slots=True)
class Tab:
    id: str
    label: Label
    sections: tuple[Section, ...]
    related: tuple[str, ...] = ()
    """Inverse keys shown as related lists."""
    timeline: tuple[str, ...] = ()
    """Inverse keys merged, with the record's own changes, into one stream by time."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one record is shown and edited: by the first layout whose roles the person has, else by the first of all."""

    id: str
    key: str
    entity: str
    label: Label
    highlights: tuple[str, ...] = ()
    tabs: tuple[Tab, ...] = ()
    props: Mapping[str, Any] = EMPTY
    """`stage`: id of the choice field shown as a bar of steps. `quick`: ids of the few fields of the short form."""
    roles: tuple[str, ...] = ()
    """Whom it is for; everybody when empty."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of a workspace's menu: a view, an entity's first view, a dashboard, or a heading."""

    id: str
    label: Label
    entity: str | None = None
    view: str | None = None
    icon: str | None = None
    dashboard: str | None = None


@dataclass(frozen=True, slots=True)
class WorkspaceMenu:
    """A menu and home for some roles (all when `roles` is empty). Section `workspaces` of a description."""

    id: str
    key: str
    label: Label
    icon: str = "apps"
    roles: tuple[str, ...] = ()
    items: tuple[MenuItem, ...] = ()
    home: str | None = None
    """Id of the dashboard that its people see first."""


@dataclass(frozen=True, slots=True)
class NextSource:
    """Where lines of a tile `next` come from: records whose `date` (field id) is near, and why (`label`)."""

    id: str
    label: Label
    entity: str
    date: str
    where: str | None = None
    icon: str | None = None
    days: int = 7


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of a dashboard. Fields are ids, dotted over links; `where` is an expression text."""

    id: str
    label: Label
    kind: str
    """metric, chart, list, next or text."""
    size: str = "medium"
    entity: str | None = None
    where: str | None = None
    period: tuple[str, ...] = ()
    """(date field id, name of the period), or nothing."""
    measure: str = "count"
    """`count`, or `sum(<field ids>)`, `avg(...)`, `min(...)`, `max(...)`."""
    compare: bool = False
    chart: str = "bar"
    group: str | None = None
    bucket: str | None = None
    split: str | None = None
    view: str | None = None
    """Of a list: its condition counts too, and its columns and order where the tile names none."""
    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    limit: int = 5
    sources: tuple[NextSource, ...] = ()
    text: Label | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of tiles for some roles (all when `roles` is empty)."""

    id: str
    key: str
    label: Label
    icon: str = "dashboard"
    roles: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()

    def tile(self, id: str) -> Tile | None:
        return next((each for each in self.tiles if each.id == id), None)


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """How the columns of a file become fields. Section `imports`."""

    id: str
    key: str
    label: Label
    entity: str
    mode: Literal["insert", "update", "upsert"] = "upsert"
    by: tuple[str, ...] = ()
    """Field ids that identify a record for update and upsert."""
    columns: Mapping[str, Mapping[str, Any]] = EMPTY
    """Header -> {field, by (field id of the link's target), values {text: text}, trim, ignore, ...}."""
    constants: Mapping[str, Any] = EMPTY


@dataclass(frozen=True, slots=True)
class AskedField:
    """One field that a public form asks for. Without `label` it is called as on every form."""

    id: str
    required: bool = False
    label: Label | None = None
    help: Label | None = None


@dataclass(frozen=True, slots=True)
class PublicForm:
    """A form that anybody may fill in: it makes a record of one entity. Section `public_forms`."""

    id: str
    key: str
    label: Label
    entity: str
    fields: tuple[AskedField, ...] = ()
    constants: Mapping[str, Any] = EMPTY
    """Field id -> the JSON value that every record gets."""
    intro: Label | None = None
    button: Label | None = None
    thanks: Label | None = None
    owner: str | None = None
    """E-mail address of the user who owns the records and is notified."""


@dataclass(frozen=True, slots=True)
class Seed:
    """Records that come with a package, upserted by key; a value that somebody changed is never touched."""

    id: str
    entity: str
    by: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]


Loader = Callable[[str, str], Part]
"""(section, id) -> the compiled element as data. Raises KeyError when there is none."""


@dataclass(frozen=True, slots=True)
class FieldStorage:
    """Where a field's values lie. `generation` grows with a retype: `f_amount`, then `f_amount__2`."""

    columns: tuple[str, ...]
    type: str
    generation: int = 1
    trashed: bool = False


@dataclass(frozen=True, slots=True)
class EntityStorage:
    table: str
    fields: Mapping[str, FieldStorage] = field(default_factory=dict)
    trashed: bool = False


StorageMap = Mapping[str, EntityStorage]
"""Entity id -> where it lies, for every entity and field, living or trashed."""


class Model:
    """What a tenant's documents mean. Elements are built from data on first use and kept; nothing ever changes.

    `index` is small data: for each section, id -> {"key": today's name, "hash": digest of the part, ...}.
    `settings` are the tenant-wide values of package.yaml (currency, timezone, languages).
    """

    def __init__(
        self,
        fingerprint: str,
        index: Mapping[str, Mapping[str, Mapping[str, Any]]],
        load: Loader,
        storage: StorageMap = EMPTY,
    ) -> None:
        self.fingerprint = fingerprint
        self.storage = storage
        self.index = index
        self._load = load
        self._built: dict[tuple[str, str], Any] = {}
        self._names: dict[str, Mapping[str, str]] = {}

    def names(self, section: str) -> Mapping[str, str]:
        """Today's key (and living alias) -> id, for one section."""
        if section not in self._names:
            found: dict[str, str] = {}
            for each, entry in self.index.get(section, EMPTY).items():
                for alias in entry.get("aliases", ()):
                    found.setdefault(alias, each)
            for each, entry in self.index.get(section, EMPTY).items():
                found[entry["key"]] = each
            self._names[section] = found
        return self._names[section]

    def part(self, section: str, id: str) -> Part:
        return self._load(section, id)

    def digest(self, section: str, id: str) -> str:
        """Content hash of one element; the key of everything compiled from it."""
        return str(self.index[section][id]["hash"])

    def get(self, section: str, name: str) -> Any | None:
        """An element by id, else by today's key or a living alias."""
        entries = self.index.get(section, EMPTY)
        id = name if name in entries else self.names(section).get(name)
        if id is None or id not in entries:
            return None
        key = (section, id)
        if key not in self._built:
            from metadata.parts import build

            self._built[key] = build(section, self._load(section, id))
        return self._built[key]

    def all(self, section: str) -> Iterator[Any]:
        """Every element of a section, in the order of the description. Builds them all: not for a request's path."""
        for id in self.index.get(section, EMPTY):
            yield self.get(section, id)

    def entity(self, name: str) -> Entity | None:
        found: Entity | None = self.get("entities", name)
        return found

    def role(self, name: str) -> Role | None:
        found: Role | None = self.get("roles", name)
        return found

    def relations(self) -> Iterable[Relation]:
        """Every link of the model: what merge, erasure, handover, lock, clone and import walk."""
        for entity in self.all("entities"):
            yield from entity.relations

    @property
    def settings(self) -> Mapping[str, Any]:
        """Tenant-wide values: currency (ISO 4217), timezone (IANA), languages."""
        settings: Mapping[str, Any] = self.index.get("package", EMPTY).get("settings", EMPTY)
        return settings
