"""The steps of a scenario: what is done, by whom, and with what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from metadata.compilation import problem_at
from metadata.documents.marked import Map, plain
from metadata.explaining import nearest
from metadata.model import EMPTY, Entity
from metadata.problems import KINDS
from metadata.scenarios import Act, ActKind, Step
from metadata.section import label_of, said_id
from metadata.sections.scenarios import refusals as r
from metadata.sections.scenarios.expecting import expected
from metadata.sections.scenarios.reading import Path, Scene
from metadata.workflows import Workflow

DOES: tuple[ActKind, ...] = get_args(ActKind)
BY_A_PERSON = frozenset({"press", "submit", "decide", "claim", "give_back"})
_BY_NOBODY: Mapping[ActKind, tuple[str, ...]] = {"wait": ("by", "refused"), "receive": ("by",)}
"""What a step cannot say beside something that no person does."""
INCOMING = "incoming_webhook"
_CODE = re.compile(r"[a-z0-9]+([._][a-z0-9]+)+")


def steps(scene: Scene, data: Any) -> Iterator[Step]:
    for key, each in data.items() if isinstance(data, Map) else ():
        if isinstance(each, Map):
            yield _step(scene, key, each)


def _step(scene: Scene, key: str, data: Map) -> Step:
    path: Path = ("steps", key)
    does = next((each for each in DOES if each in data), None)
    entity: Entity | None = None
    act: Act | None = None
    if does is not None and isinstance(data.get(does), Map):
        entity, act = _act(scene, does, data[does], (*path, does))
    by = scene.person(data.get("by"), *path, "by")
    _check_by(scene, does, data, path)
    if does in ("create", "find"):
        scene.learn(key, entity.id if entity is not None else None, *path)
    return Step(
        id=said_id(key, data),
        key=key,
        label=label_of(data, key),
        act=act,
        by=by,
        refused=_refused(scene, data.get("refused"), entity, path),
        expect=expected(scene, data.get("expect"), (*path, "expect")),
    )


def _check_by(scene: Scene, does: ActKind | None, data: Map, path: Path) -> None:
    if does in BY_A_PERSON and "by" not in data:
        scene.refuse(r.NOBODY, *path, does, at_key=True, does=does)
    for key in ("refused",) if does is None else _BY_NOBODY.get(does, ()):
        if key in data:
            scene.refuse(r.NOT_BY, *path, key, at_key=True, key=key, name=path[-1])


def _act(scene: Scene, does: ActKind, data: Map, path: Path) -> tuple[Entity | None, Act]:
    if does in ("create", "find"):
        name = data.get("entity")
        entity = scene.compilation.named_entity(scene.element, name, *path, "entity") if isinstance(name, str) else None
    else:
        entity = scene.record(data.get("record"), *path, "record") if does != "wait" else None
        if does == "receive" and entity is not None and entity.id != INCOMING:
            scene.refuse(r.NO_WEBHOOK, *path, "record", name=data.get("record"), entity=entity.label)
    reader = None if entity is None else scene.reader(entity)
    act = Act(
        does=does,
        record=cast("str | None", data.get("record")),
        entity=None if entity is None else entity.id,
        values=scene.values(entity, data.get("values"), *path, "values"),
        where=reader.condition(data, "where", entity, path, sql=True) if reader is not None else None,
        name=_name(scene, does, data, entity, path),
        comment=str(data.get("comment", data.get("reason", ""))),
        to=_to(scene, does, data, entity, path),
        of=scene.person(data.get("of"), *path, "of"),
        people=scene.people(data.get("people"), *path, "people"),
        how=data.get("how"),
        picks=_picks(scene, data.get("picks"), path),
        confirm=bool(data.get("confirm", False)),
        body=plain(data["body"]) if isinstance(data.get("body"), Map) else EMPTY,
        **(_waiting(scene, data, path) if does == "wait" else {}),
    )
    return entity, act


def _picks(scene: Scene, data: Any, path: Path) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(data, Map):
        return EMPTY
    return {node: scene.people(people, *path, "picks", node) for node, people in data.items()}


def _waiting(scene: Scene, data: Map, path: Path) -> dict[str, Any]:
    if ("span" in data) == ("until" in data) or ("calendar" in data and "span" not in data):
        scene.refuse(r.WAIT_ONE, *path, at_key=True)
    reader = scene.reader(cast("Entity", None))
    calendar = reader.calendar(data, path)
    return {
        "span": reader.span(data, "span", path, calendar=calendar),
        "until": scene.moment(data, "until", *path),
        "calendar": calendar,
    }


_SECTIONS: Mapping[ActKind, tuple[str, str]] = {
    "submit": ("approval", "approvals"),
    "assign": ("assignment", "assignments"),
    "give_back": ("pool", "pools"),
}


def _name(scene: Scene, does: ActKind, data: Map, entity: Entity | None, path: Path) -> str | None:
    if does == "decide":
        return cast("str | None", data.get("verb"))
    if does == "press":
        return _button(scene, data.get("button"), entity, (*path, "button"))
    key, section = _SECTIONS.get(does, ("", ""))
    name = data.get(key) if key else None
    if not isinstance(name, str):
        return None
    return named_about(scene, section, name, entity, *path, key)


def named_about(
    scene: Scene, section: str, name: str, entity: Entity | None, *path: str, at_key: bool = False
) -> str | None:
    """Id of an element of a section that must be about the entity of a record."""
    id = scene.reader(cast("Entity", entity)).named(section, name, *path, at_key=at_key)
    made = scene.compilation.made[section].get(id) if id is not None else None
    if made is not None and entity is not None and made.entity != entity.id:
        about = scene.compilation.entity(made.entity)
        of = {"*": made.entity} if about is None else about.label
        scene.refuse(r.NOT_OF, *path, at_key=at_key, name=name, of=of, entity=entity.label)
    return id


def _button(scene: Scene, name: Any, entity: Entity | None, path: Path) -> str | None:
    if not isinstance(name, str) or entity is None:
        return None
    known: dict[str, str] = {}
    workflows: list[Workflow] = list(scene.compilation.made["workflows"].values())
    for each in workflows:
        buttons = [trigger for trigger in each.triggers if trigger.kind == "button"]
        if each.entity != entity.id or not buttons:
            continue
        several = len(buttons) > 1
        for trigger in buttons:
            said = f"{each.key}.{trigger.id}"
            known[said] = said
            if not several:
                known[each.key] = known[each.id] = each.key
    if name not in known:
        problem = problem_at(
            r.NO_BUTTON,
            scene.element,
            path,
            False,
            nearest(name, known),
            entity=entity.plural,
            name=name,
            known=sorted(set(known.values())) or "–",
        )
        scene.compilation.problems.append(problem)
        return None
    return known[name]


def _to(scene: Scene, does: ActKind, data: Map, entity: Entity | None, path: Path) -> str | None:
    """A person; of `return` and `jump` a node, or `initiator`."""
    name = data.get("to")
    if not isinstance(name, str):
        return None
    if data.get("verb") not in ("return", "jump"):
        return scene.person(name, *path, "to")
    return node(scene, name, entity, *path, "to")


def node(scene: Scene, name: str, entity: Entity | None, *path: str) -> str | None:
    """Id of a node of an approval of an entity."""
    if entity is None or name == "initiator":
        return name
    approvals = [each for each in scene.compilation.made["approvals"].values() if each.entity == entity.id]
    known = {found.id for each in approvals for found in each.every()}
    if name in known:
        return name
    problem = problem_at(
        r.NO_NODE,
        scene.element,
        path,
        False,
        nearest(name, known),
        entity=entity.label,
        name=name,
        known=sorted(known) or "–",
    )
    scene.compilation.problems.append(problem)
    return None


def _refused(scene: Scene, name: Any, entity: Entity | None, path: Path) -> str | None:
    """Id of a rule of the record's entity, else a code."""
    if not isinstance(name, str):
        return None
    rules = {} if entity is None else {each.key: each.id for each in entity.rules}
    if name in rules or name in rules.values():
        return rules.get(name, name)
    meant = nearest(name, rules)
    if name in KINDS or (meant is None and _CODE.fullmatch(name)):
        return name
    label = {"*": "–"} if entity is None else entity.plural
    problem = problem_at(
        r.NO_RULE, scene.element, (*path, "refused"), False, meant, entity=label, name=name, known=sorted(rules) or "–"
    )
    scene.compilation.problems.append(problem)
    return name
