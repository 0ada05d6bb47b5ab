"""What must hold between the links of all entities: related lists with names of their own, and no circle of rights."""

from __future__ import annotations

from metadata.compilation import problem_at
from metadata.problems import kind
from metadata.sections.entities.outline import FieldOutline, Outline
from metadata.sections.entities.ties import Work

INVERSE_TAKEN = kind(
    "relation_inverse_taken",
    en="{target} already has a field or related list “{key}”. Give this link another inverse: `inverse: {{key: ...}}`.",
    zh="{target}已有名为“{key}”的字段或关联列表。请为此关联另取反向名称：`inverse: {{key: ...}}`。",
)
PARENT_CYCLE = kind(
    "relation_parent_cycle",
    en="The rights of {entity} would come from itself ({names}). Break the circle of children, parents and access.",
    zh="{entity}的权限最终取决于自身（{names}）。请断开 children、lives_with_parent 与 access 构成的循环。",
)


def check_inverses(work: Work) -> None:
    """A related list needs a key that nothing else on its entity has."""
    for id, ties in work.ties.items():
        outline = work.outlines[id]
        taken = {*outline.fields, *outline.names, *outline.platform_fields}
        for relation in ties.inverses:
            source = work.outlines[relation.source]
            each = source.fields.get(relation.field)
            named_by = work.children.get((source.id, relation.field))
            own = named_by is not None and outline.fields.get(named_by.id) is named_by
            if relation.inverse in taken and not (own and named_by and named_by.key == relation.inverse):
                if each is None or source.generated:
                    each, source = _blamed(work, source, each)
                if each is not None:
                    work.refuse(INVERSE_TAKEN, source, each, "inverse", target=outline.label, key=relation.inverse)
            taken.add(relation.inverse)


def _blamed(work: Work, source: Outline, each: FieldOutline | None) -> tuple[FieldOutline | None, Outline]:
    """Of a generated entity, the `links` field that it was made for."""
    if not source.generated:
        return each, source
    origin = work.outlines[source.id.partition("__")[0]]
    return origin.fields.get(source.id.partition("__")[2]), origin


def check_parents(work: Work) -> None:
    """Rights must not come round to the record they started from."""
    done: set[str] = set()
    for id in work.outlines:
        _walk_rights(work, id, [], done)


def _walk_rights(work: Work, id: str, walked: list[str], done: set[str]) -> None:
    if id in walked:
        outline = work.outlines[id]
        names = tuple(work.outlines[each].key for each in walked[walked.index(id) :])
        path = ("access",) if "access" in outline.data else ("fields",)
        problem = problem_at(PARENT_CYCLE, outline.element, path, True, entity=outline.label, names=names)
        work.compilation.problems.append(problem)
    elif id not in done:
        ties = work.ties[id]
        link = ties.parent or ties.via
        for target in ties.targets.get(link, ()) if link else ():
            if target in work.outlines:
                _walk_rights(work, target, [*walked, id], done)
        done.add(id)
