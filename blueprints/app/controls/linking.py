"""Controls that lead to other records: one, several, one of several kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from blueprints import visibility
from blueprints.app import cells, finding
from blueprints.app.controls import addresses
from blueprints.app.controls.base import Control, Family, Form, Option, Reading, Sent
from blueprints.app.controls.choices import marked
from metadata.model import Entity, Field
from metadata.problems import say


class Link(Family):
    """A title to type, and the id that it stands for."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        shown = cells.shown(form.ws, form.entity, field.id)
        title, id = "", ""
        if isinstance(value, Mapping) and "id" in value and shown is not None and shown.title is not None:
            id = value["id"]
            title = cells.text_of(shown.title, value.get(shown.title.key), form.context) or id
        elif isinstance(value, str):
            id = title = value
        found = {
            "kind": "finder",
            "text": title,
            "chosen": id,
            "was": title,
            "hint": _hint(form, field),
            "more": _who(form),
        }
        return {**found, **_addresses(form, _target(form, field))}

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        return _found(field, sent)

    def names(self, field: Field) -> tuple[str, ...]:
        return (field.key, f"{field.key}.id")

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: [control.text], f"{field.key}.id": [control.chosen]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if field.key not in sent:
            return False, None, []
        found, problems = finding.chosen(form.ws, field.to[0] if field.to else "", field, sent)
        return True, found, problems


class AnyLink(Link):
    """A link with the kind of record before it."""

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        entity, id = (value["entity"], value["id"]) if isinstance(value, Mapping) and "entity" in value else ("", "")
        targets = [
            found
            for name in field.to
            if (found := form.ws.model.entity(name)) is not None and visibility.may(form.ws, found, "read")
        ]
        title = finding.title(form.ws, entity, id, form.context) if id else ""
        creatable = [each.key for each in targets if _creatable(form, each)]
        return {
            "kind": "any_finder",
            "options": tuple(
                Option(each.key, say(each.label, form.words.lang), each.key == entity) for each in targets
            ),
            "text": title or id,
            "chosen": id,
            "was": title or id,
            "find_url": addresses.suggest(addresses.ANY),
            "new_url": addresses.new(addresses.ANY) if creatable else "",
            "chooser": f"f-{form.prefix}{field.key}.entity",
            "more": {**_who(form), "creates": " ".join(creatable)},
        }

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        found = _found(field, sent)
        if f"{field.key}.entity" in sent:
            found["options"] = marked(parts["options"], [sent.last(f"{field.key}.entity")])
        return found

    def names(self, field: Field) -> tuple[str, ...]:
        return (*super().names(field), f"{field.key}.entity")

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        first = control.options[0].value if control.options else ""
        entity = next((each.value for each in control.options if each.chosen), first)
        return {**super().sends(field, control), f"{field.key}.entity": [entity]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        if field.key not in sent:
            return False, None, []
        entity = form.ws.model.entity(sent.last(f"{field.key}.entity"))
        if entity is None or entity.id not in field.to:
            return True, None, []
        found, problems = finding.chosen(form.ws, entity.id, field, sent)
        return True, None if found is None else {"entity": entity.key, "id": found}, problems


class Links(Family):
    """Those that are linked, each with a box to keep it, and a finder to add one."""

    wide = True

    def parts(self, form: Form, field: Field, value: Any) -> dict[str, Any]:
        shown = cells.shown(form.ws, form.entity, field.id)
        options = []
        for each in value or ():
            title = ""
            if isinstance(each, Mapping) and shown is not None and shown.title is not None:
                title = cells.text_of(shown.title, each.get(shown.title.key), form.context)
            id = each["id"] if isinstance(each, Mapping) else str(each)
            options.append(Option(id, title or id[:8], True))
        return {
            "kind": "links",
            "options": tuple(options),
            "more": _who(form),
            **_addresses(form, _target(form, field)),
        }

    def entered(self, form: Form, field: Field, sent: Sent, parts: Mapping[str, Any]) -> dict[str, Any]:
        ids = [each for each in sent.all(field.key) if cells.is_id(each)]
        known: dict[str, Option] = {each.value: each for each in parts["options"]}
        unknown = [each for each in ids if each not in known]
        titles = finding.titles(form.ws, field.to[0], unknown, form.context) if unknown and field.to else {}
        added = [Option(each, titles.get(each, each[:8]), True) for each in unknown]
        text = sent.last(field.key)
        return {
            "options": (*marked(known.values(), ids), *added),
            "text": "" if cells.is_id(text) else text,
        }

    def sends(self, field: Field, control: Control) -> Mapping[str, Sequence[str]]:
        return {field.key: ["", *(each.value for each in control.options if each.chosen), control.text]}

    def read(self, form: Form, field: Field, sent: Sent) -> Reading:
        """The ids that were kept and the one that was found."""
        if field.key not in sent:
            return False, None, []
        texts = [each for each in sent.all(field.key) if each]
        typed = texts[-1] if texts and not cells.is_id(texts[-1]) else ""
        kept = [each for each in texts if cells.is_id(each)]
        if not typed:
            return True, kept, []
        added, was = sent.last(f"{field.key}.id"), sent.last(f"{field.key}.was")
        found, problems = finding.resolve(form.ws, field.to[0], field, typed, added, was)
        return True, [*kept, found] if found is not None else kept, problems


def _found(field: Field, sent: Sent) -> dict[str, Any]:
    found: dict[str, Any] = {"text": sent.last(field.key)}
    for part, name in (("chosen", "id"), ("was", "was")):
        if f"{field.key}.{name}" in sent:
            found[part] = sent.last(f"{field.key}.{name}")
    return found


def _who(form: Form) -> dict[str, Any]:
    """Whose latest choices a browser may keep."""
    return {"who": form.ws.actor.user or ""}


def _hint(form: Form, field: Field) -> str:
    """What the platform gives to a new record when nobody is named."""
    given = {"owner": "form_owner_hint", "unit": "form_unit_hint"}
    return form.words(given[field.id]) if field.system and field.id in given and "id" not in form.record else ""


def _target(form: Form, field: Field) -> Entity | None:
    return form.ws.model.entity(field.to[0]) if field.to else None


def _addresses(form: Form, target: Entity | None) -> dict[str, Any]:
    """Where a script asks for suggestions, and for a short form when the actor may make such a record."""
    if target is None:
        return {}
    return {
        "find_url": addresses.suggest(target.key),
        "new_url": addresses.new(target.key) if _creatable(form, target) else "",
    }


def _creatable(form: Form, target: Entity) -> bool:
    """People and units come with the organisation, never on the way to something else."""
    return target.id not in ("user", "unit") and visibility.may(form.ws, target, "create")


FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(("link", "user", "unit"), Link()),
    "links": Links(),
    "any_link": AnyLink(),
}
