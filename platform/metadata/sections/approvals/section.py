"""Section `approvals`: who has to agree to a record."""

from __future__ import annotations

from typing import Any

from metadata import grammar
from metadata.approvals import Approval
from metadata.compilation import Compilation
from metadata.documents.marked import Map
from metadata.model import EMPTY
from metadata.section import (
    Element,
    Section,
    differences,
    each_element,
    grammar_only,
    label_of,
    said_id,
)
from metadata.sections.approvals import refusals as r
from metadata.sections.approvals.checking import check_publication
from metadata.sections.approvals.mentioning import references
from metadata.sections.approvals.nodes import NodeReader, names_of
from metadata.sections.approvals.people import People, read_matrices
from metadata.sections.approvals.reading import Reader
from metadata.sections.approvals.telling import document
from metadata.sections.approvals.usable import check_use

GRAMMAR = grammar.grammar(grammar.load("approvals"))
_PLAIN = ("priority", "active", "withdraw", "resubmit", "same_approver", "on_delete", "mail")
"""What is taken over as it is written."""


def compile_approval(element: Element, compilation: Compilation) -> Approval | None:
    entity = compilation.own_entity(element)
    if entity is None:
        return None
    if entity.written_by == "platform":
        compilation.refuse(r.OF_PLATFORM, element, "entity", entity=entity.label)
    data, reader = element.data, Reader(compilation, element, entity)
    people = People(reader, frozenset(_map(data, "matrices")))
    nodes = NodeReader(reader, people, names_of(data.get("nodes")))
    lock = _map(data, "lock")
    given: dict[str, Any] = {key: data[key] for key in _PLAIN if key in data}
    approval = Approval(
        **given,
        id=element.id,
        key=element.key,
        label=label_of(data, element.key),
        entity=entity.id,
        matrices=read_matrices(reader, people),
        nodes=nodes.block(data, "nodes", ()),
        entry=reader.condition(data, "entry", (), last=True),
        title=reader.holes(data, "title"),
        summary=reader.fields(data, "summary", ()),
        submitters=reader.roles(data, "submitters", ()),
        open_fields=reader.fields(lock, "open", ("lock",), written=True),
        keep_lock=frozenset(name for name, _ in reader.entries(lock, "keep_after")),  # type: ignore[misc]
        separated=_separated(data, nodes),
        material=reader.fields(data, "material", ()),
        admins=reader.roles(data, "admins", ()),
        actions={
            name: reader.values(said, "set", ("actions", name))
            for name, said in _map(data, "actions").items()
            if isinstance(said, Map)
        }
        or EMPTY,
    )
    check_publication(approval, nodes)
    return approval


def _separated(data: Map, nodes: NodeReader) -> tuple[str, ...]:
    found = (nodes.named(name, ("separated", name), at_key=True) for name in _map(data, "separated"))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _map(data: Map, name: str) -> Map:
    found = data.get(name)
    return found if isinstance(found, Map) else Map()


SECTION = Section(
    name="approvals",
    grammar=GRAMMAR,
    check_grammar=grammar_only("approvals", GRAMMAR),
    identity=said_id,
    compile=each_element("approvals", compile_approval),
    checks=check_use,
    references=references,
    difference=differences,
    documentation=document,
)
