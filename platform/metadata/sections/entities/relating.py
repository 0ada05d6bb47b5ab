"""Links between entities, resolved from both ends: relations, inverses, generated pair entities, parents.

Looks at all entities at once but only at their links, so it is done anew in every compilation.
"""

from __future__ import annotations

from collections.abc import Mapping

from metadata.compilation import NO_SUCH, SECTION_LABELS, Compilation, problem_at
from metadata.documents.marked import Map
from metadata.explaining import nearest
from metadata.model import OnDelete, Relation
from metadata.problems import Label, kind
from metadata.section import label_of
from metadata.sections.entities.circles import check_circles
from metadata.sections.entities.consistency import check_inverses, check_parents
from metadata.sections.entities.outline import FieldOutline, Outline, field_outlines
from metadata.sections.entities.ties import NO_TARGET, Ties, Work
from metadata.sections.naming import NAME

NOT_A_LINK = kind(
    "relation_not_a_link",
    en="“{name}” of {entity} is not a link to {target}. Name a field of type link that points there.",
    zh="{entity}的“{name}”不是指向{target}的关联字段。请填写指向它的 link 字段。",
)
AMBIGUOUS = kind(
    "relation_ambiguous",
    en="{entity} has no single link to {target}. Say which one with `{property}:`.",
    zh="{entity}中指向{target}的关联字段不唯一或不存在，请用 `{property}:` 指明。",
)
TWO_PARENTS = kind(
    "relation_two_parents",
    en="{entity} already lives with {other}. A record lives with one parent; make this one a link with a related list.",
    zh="{entity}已从属于{other}。一条记录只能从属于一个父记录；请改用普通关联和关联列表。",
)
LIVES_AND_STAYS = kind(
    "relation_child_on_delete",
    en="Rows that live with a record are deleted with it. Remove `on_delete` or write cascade.",
    zh="从属于记录的明细会随其删除。请删除 `on_delete` 或写 cascade。",
)
CLEAR_REQUIRED = kind(
    "relation_clear_required",
    en="A required link cannot be cleared. Write restrict or cascade, or make the field optional.",
    zh="必填的关联不能被清空。请使用 restrict 或 cascade，或改为选填。",
)
VIA = kind(
    "relation_via",
    en="“{name}” cannot decide about access. Name a field of this entity of type link or any_link.",
    zh="“{name}”不能决定访问权限。请填写本实体中类型为 link 或 any_link 的字段。",
)
BAD_INVERSE = kind(
    "relation_inverse_key",
    en="“{key}” cannot be the key of a related list. Use small letters, digits and _, beginning with a letter.",
    zh="“{key}”不能作为关联列表的键。请使用小写字母、数字和下划线，并以字母开头。",
)


def relate(compilation: Compilation, outlines: dict[str, Outline]) -> dict[str, Ties]:
    """Resolve every link. Adds generated entities to the outlines."""
    work = Work(compilation, outlines, {id: Ties() for id in outlines})
    for outline in list(outlines.values()):
        for each in outline.linking:
            if each.type == "children":
                _children(work, outline, each)
    for outline in list(outlines.values()):
        for each in outline.linking:
            if each.type == "links":
                _links(work, outline, each)
    for outline in outlines.values():
        for each in outline.linking:
            if each.type not in ("children", "links"):
                _link(work, outline, each)
        _platform_links(work, outline)
        _access(work, outline)
    check_inverses(work)
    check_parents(work)
    check_circles(work)
    return work.ties


def _children(work: Work, outline: Outline, each: FieldOutline) -> None:
    rows = work.target(outline, each, "of")
    if rows is None:
        return
    work.ties[outline.id].targets[each.id] = (rows.id,)
    by = _link_between(work, outline, each, "by", rows, outline)
    if by is None:
        return
    work.ties[outline.id].by[each.id] = by.id
    other = work.children.get((rows.id, by.id))
    parent = work.ties[rows.id].parent
    if other is not None or (parent is not None and parent != by.id):
        held = rows.fields[parent or by.id]
        work.refuse(TWO_PARENTS, outline, each, entity=rows.label, other=held.label)
        return
    work.children[rows.id, by.id] = each
    work.ties[rows.id].parent = by.id


def _link_between(
    work: Work, outline: Outline, each: FieldOutline, name: str, holder: Outline, target: Outline
) -> FieldOutline | None:
    """The link of one entity that points at another: named by a property, else the only one."""
    said = each.data.get(name)
    links = [link for link in holder.linking if link.type == "link" and _points_at(work, link, target)]
    if isinstance(said, str):
        found = holder.find(said)
        if found is None:
            keys = [link.key for link in links]
            work.refuse(NO_SUCH, outline, each, name, nearest(said, keys), name=said, where=holder.label)
        elif found not in links:
            work.refuse(NOT_A_LINK, outline, each, name, name=said, entity=holder.label, target=target.label)
            return None
        return found
    if len(links) != 1:
        work.refuse(AMBIGUOUS, outline, each, entity=holder.label, target=target.label, property=name)
        return None
    return links[0]


def _points_at(work: Work, link: FieldOutline, target: Outline) -> bool:
    said = link.data.get("to")
    return isinstance(said, str) and work.compilation.resolve("entities", said) == target.id


def _links(work: Work, outline: Outline, each: FieldOutline) -> None:
    target = work.target(outline, each, "to")
    if target is None:
        return
    if "through" in each.data:
        through = work.target(outline, each, "through")
        if through is None:
            return
        near = _link_between(work, outline, each, "near", through, outline)
        far = _link_between(work, outline, each, "far", through, target)
        if near is None or far is None:
            return
        if near is far:
            work.refuse(AMBIGUOUS, outline, each, "far", entity=through.label, target=target.label, property="far")
            return
    else:
        through = _pair_entity(outline, each, target)
        work.outlines[through.id] = through
        assert through.pair is not None
        near, far = through.pair
        work.ties[through.id] = Ties(parent=near.id)
    work.ties[outline.id].targets[each.id] = (target.id,)
    key, label = _inverse(work, outline, each, target)
    relation = Relation(
        id=f"{outline.id}.{each.id}",
        source=outline.id,
        field=each.id,
        targets=(target.id,),
        inverse=key,
        inverse_label=label,
        through=through.id,
        near=near.id,
        far=far.id,
        on_delete="cascade",
        on_merge=each.data.get("on_merge", "union"),
    )
    _add(work, relation)


def _pair_entity(outline: Outline, each: FieldOutline, target: Outline) -> Outline:
    """The entity between the two ends of a `links` field."""
    id = f"{outline.id}__{each.id}"
    near = _end("near", outline.id, outline.label, each)
    far = _end("far", target.id, target.label, each)
    more = each.data.get("fields")
    further = field_outlines(more, (*each.at, "fields")) if isinstance(more, Map) else {}
    label = {
        lang: f"{outline.label.get(lang) or _any(outline.label)}: {each.label.get(lang) or _any(each.label)}"
        for lang in dict.fromkeys([*outline.label, *each.label])
    }
    fields = {near.id: near, far.id: far, **{id: field for id, field in further.items() if id not in ("near", "far")}}
    return Outline(id, id, outline.element, fields, generated=True, pair=(near, far), own_label=label)


def _any(label: Label) -> str:
    return label.get("*") or label.get("en") or next(iter(label.values()), "")


def _end(id: str, to: str, label: Label, each: FieldOutline) -> FieldOutline:
    data = {"type": "link", "to": to, "required": True, "on_delete": "cascade", "label": label}
    return FieldOutline(id, id, "link", data, each.at)


def _link(work: Work, outline: Outline, each: FieldOutline) -> None:
    targets = _targets(work, outline, each)
    if not targets:
        return
    ties = work.ties[outline.id]
    ties.targets[each.id] = tuple(target.id for target in targets)
    lives = each.data.get("lives_with_parent") is True
    if lives and ties.parent not in (None, each.id):
        assert ties.parent is not None
        other = outline.fields[ties.parent].label
        work.refuse(TWO_PARENTS, outline, each, "lives_with_parent", entity=outline.label, other=other)
    elif lives:
        ties.parent = each.id
    lives = lives or ties.parent == each.id
    children = work.children.get((outline.id, each.id))
    if children is not None and "inverse" not in each.data:
        # The rows of a record are known by the name of its children field.
        key, label = children.key, children.label
    else:
        key, label = _inverse(work, outline, each, targets[0])
    relation = Relation(
        id=f"{outline.id}.{each.id}",
        source=outline.id,
        field=each.id,
        targets=ties.targets[each.id],
        inverse=key,
        inverse_label=label,
        on_delete=_on_delete(work, outline, each, lives),
        on_merge=each.data.get("on_merge", "move"),
        lives_with_parent=lives,
        follows_owner=each.data.get("follows_owner") is True,
    )
    _add(work, relation)


def _targets(work: Work, outline: Outline, each: FieldOutline) -> list[Outline]:
    if each.type in ("user", "unit"):
        # Without the core package there are no people to point at, and nothing to relate.
        found = work.outlines.get(each.type)
        work.ties[outline.id].targets[each.id] = (each.type,)
        return [found] if found else []
    if each.type == "link":
        target = work.target(outline, each, "to")
        return [target] if target else []
    named = each.data.get("to")
    targets: list[Outline] = []
    for name in named if isinstance(named, Map) else ():
        id = work.compilation.resolve("entities", name)
        if id is None:
            known = work.compilation.known("entities")
            path = (*each.at, "to", name)
            where = SECTION_LABELS["entities"]
            problem = problem_at(NO_SUCH, outline.element, path, True, nearest(name, known), name=name, where=where)
            work.compilation.problems.append(problem)
        elif work.outlines[id] not in targets:
            targets.append(work.outlines[id])
    if not named:
        work.refuse(NO_TARGET, outline, each, property="to")
    return targets


def _on_delete(work: Work, outline: Outline, each: FieldOutline, lives: bool) -> OnDelete:
    said: OnDelete | None = each.data.get("on_delete")
    required = each.data.get("required") is True
    if lives:
        if said not in (None, "cascade"):
            work.refuse(LIVES_AND_STAYS, outline, each, "on_delete")
        return "cascade"
    if said == "clear" and required:
        work.refuse(CLEAR_REQUIRED, outline, each, "on_delete")
    return said or ("restrict" if required else "clear")


def _inverse(work: Work, outline: Outline, each: FieldOutline, target: Outline) -> tuple[str, Label]:
    said = each.data.get("inverse")
    said = {"key": said} if isinstance(said, str) else said if isinstance(said, Mapping) else {}
    label = label_of(said, "") if "label" in said else outline.plural
    key = said.get("key")
    if not isinstance(key, str):
        return f"{outline.key}_by_{each.key}", label
    if not NAME.fullmatch(key) or "__" in key:
        work.refuse(BAD_INVERSE, outline, each, "inverse", key=key)
    return key, label


def _platform_links(work: Work, outline: Outline) -> None:
    """Owner and unit are relations like any other; who created a record is a fact about it, not a link."""
    for id, target in (("owner", "user"), ("unit", "unit")):
        if outline.owned and target in work.outlines:
            relation = Relation(
                id=f"{outline.id}.{id}",
                source=outline.id,
                field=id,
                targets=(target,),
                inverse=f"{outline.key}_by_{id}",
                inverse_label=outline.plural,
                on_delete="restrict",
            )
            _add(work, relation)


def _add(work: Work, relation: Relation) -> None:
    work.ties[relation.source].relations.append(relation)
    for target in relation.targets:
        work.ties[target].inverses.append(relation)


def _access(work: Work, outline: Outline) -> None:
    access = outline.data.get("access")
    name = access.get("via") if isinstance(access, Mapping) else None
    if not isinstance(name, str):
        return
    found = outline.find(name)
    if found is None or found.type not in ("link", "any_link"):
        problem = problem_at(VIA, outline.element, ("access", "via"), name=name)
        work.compilation.problems.append(problem)
    else:
        work.ties[outline.id].via = found.id
