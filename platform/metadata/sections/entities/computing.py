"""Computed fields: the type of their value, their checked expression, and that none follows from itself.

They need every entity, so they are settled after all have been built: first the types (a lookup has that of the field
it looks up, a rollup that of what it adds up), then the expressions, then the order in which a save computes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from metadata import computing
from metadata.compilation import Compilation, inside, place_of, problem_at
from metadata.computing import Cell, Source, reads_of
from metadata.expressions.functions import FUNCTIONS
from metadata.expressions.names import Names, Scope, Wanted, Wrong
from metadata.expressions.parser import parse_in, read
from metadata.expressions.printing import text_of
from metadata.expressions.syntax import Name
from metadata.expressions.tree import Expression, FieldRef, Over
from metadata.fieldtypes import registry
from metadata.fieldtypes.comparing import can_be_indexed
from metadata.model import EMPTY, Computed, Entity, Field, Hop, Writer
from metadata.problems import PlatformError, Problem
from metadata.sections.entities import refusals as r
from metadata.sections.entities.building import SEARCHABLE
from metadata.sections.entities.measuring import Refused, can_be_looked_up, looked_up, measured, said_measure
from metadata.sections.entities.outline import FieldOutline, Outline

DEFAULT_CURRENCY = "CNY"
STAMPED = frozenset({"version", "updated_at", "updated_by"})
"""Fields of every record that change with each writing of it, also where nothing follows."""


def settle(compilation: Compilation) -> list[Source]:
    """Give the computed fields of all entities their types and expressions; what computes each."""
    work = _Settling(compilation)
    for outline in compilation.outlines.values():
        for each in outline.fields.values():
            if each.computed:
                work.type_of(outline.id, each.id)
    for outline in compilation.outlines.values():
        for each in outline.fields.values():
            if each.computed:
                work.express(outline, each)
    work.close()
    return work.sources


class _Settling:
    """The state of settling: which types are known, and what was found."""

    def __init__(self, compilation: Compilation) -> None:
        self.compilation = compilation
        self.made: dict[str, Entity] = compilation.made["entities"]
        self.outlines: Mapping[str, Outline] = compilation.outlines
        self.scope = Scope(compilation.entity, calendars=calendars_of(compilation))
        self.sources: list[Source] = []
        self._typed: dict[Cell, bool] = {}
        """False while the type of a field is being found out."""
        self._failed: set[Cell] = set()
        self._timed: set[Cell] = set()
        self._functions: dict[Cell, frozenset[str]] = {}

    # -- types

    def type_of(self, entity: str, field: str) -> None:
        """Find out the type of a computed field, and before it those of what it reads."""
        cell = Cell(entity, field)
        if cell in self._typed:
            return
        self._typed[cell] = False
        outline = self.outlines[entity]
        each, data = outline.fields[field], outline.fields[field].data
        how = data["type"]
        if how == "lookup" and isinstance(data.get("path"), str):
            self._lookup(outline, each)
        elif how == "rollup":
            self._rollup(outline, each)
        self._typed[cell] = cell not in self._failed

    def _lookup(self, outline: Outline, each: FieldOutline) -> None:
        entity = self.made[outline.id]
        try:
            name = self._name(outline, each, "path")
            self._ready(entity, name, outline, each)
            ref, far = self._found(entity, name, outline, each, "path")
            if not ref.links:
                self._refuse(r.LOOKUP_HERE, outline, each, "path", name=each.data["path"])
            if far.encrypted:
                self._refuse(r.LOOKUP_ENCRYPTED, outline, each, "path", name=each.data["path"])
            if not can_be_looked_up(far):
                self._refuse(r.LOOKUP_TYPE, outline, each, "path", name=far.label, type=far.type)
            self._put(outline, each, looked_up(far, self._currency()))
        except Refused as refused:
            self._fail(outline, each, refused.problems)

    def _rollup(self, outline: Outline, each: FieldOutline) -> None:
        said = said_measure(each.data)
        if said is None:
            self._fail(outline, each, [problem_at(r.ONE_MEASURE, outline.element, each.at, True)])
            return
        measure, field_name = said
        try:
            entity = self.made[outline.id]
            listed, far_entity = self._list(entity, outline, each)
            far = None
            if field_name is not None:
                name = self._name(outline, each, measure)
                self._ready(far_entity, name, outline, each)
                _, far = self._found(far_entity, name, outline, each, measure)
                if not _can_measure(measure, far):
                    self._refuse(r.NOT_MEASURED, outline, each, measure, name=far.label, measure=measure)
            as_it_is = entity.has_currency and self._shares_currency(entity, far_entity, listed.link, field_name)
            self._put(outline, each, measured(measure, far, None if as_it_is else self._currency()))
        except Refused as refused:
            self._fail(outline, each, refused.problems)

    def _shares_currency(self, entity: Entity, rows: Entity, link: str, name: str | None) -> bool:
        """Whether the listed records live with the record and have its currency: then amounts count as they are."""
        own = name is None or "." not in name
        return own and rows.parent == link and rows.currency_from == link and entity.id in rows.fields[link].to

    def _list(self, entity: Entity, outline: Outline, each: FieldOutline) -> Any:
        name = self._name(outline, each, "of")
        try:
            return self._names(entity).listed(name)
        except Wrong as wrong:
            raise Refused(self._placed(wrong.problems, outline, each, "of")) from None

    def _ready(self, entity: Entity, name: Name, outline: Outline, each: FieldOutline) -> None:
        """Settle the computed fields on a path, so that their types are known when it is walked."""
        for step in name.path:
            found = entity.find(step)
            if found is None:
                return  # told when it is walked
            if found.computed is not None and found.id in self.outlines[entity.id].fields:
                if self._typed.get(Cell(entity.id, found.id)) is False:
                    names = (f"{entity.key}.{found.key}", f"{outline.key}.{each.key}")
                    self._refuse(r.CIRCLE, outline, each, _place(each), names=names)
                self.type_of(entity.id, found.id)
                found = self.made[entity.id].fields[found.id]
            target = self.made.get(found.to[0]) if len(found.to) == 1 else None
            if target is None:
                return
            entity = target

    def _found(
        self, entity: Entity, name: Name, outline: Outline, each: FieldOutline, at: str
    ) -> tuple[FieldRef, Field]:
        met: dict[FieldRef, Field] = {}
        try:
            ref = Names(self.made[entity.id], self.scope, met).field(name)
        except Wrong as wrong:
            raise Refused(self._placed(wrong.problems, outline, each, at)) from None
        return ref, met[ref]

    def _name(self, outline: Outline, each: FieldOutline, at: str) -> Name:
        """A property that is a name, dotted where it goes over links."""
        text = each.data.get(at)
        try:
            syntax = read(text) if isinstance(text, str) else None
        except PlatformError as error:
            raise Refused(self._placed(error.problems, outline, each, at)) from None
        if not isinstance(syntax, Name) or syntax.path[0].startswith("$"):
            self._refuse(r.NOT_A_NAME, outline, each, at, text=str(text)[:60])
        return syntax

    def _names(self, entity: Entity) -> Names:
        return Names(entity, self.scope, {})

    def _put(self, outline: Outline, each: FieldOutline, what: Mapping[str, Any]) -> None:
        entity = self.made[outline.id]
        field = replace(entity.fields[each.id], **what)
        self.made[outline.id] = replace(entity, fields={**entity.fields, each.id: field})

    def _currency(self) -> str:
        return str(self.compilation.settings.get("currency") or DEFAULT_CURRENCY)

    # -- expressions

    def express(self, outline: Outline, each: FieldOutline) -> None:
        """Check the expression of a computed field."""
        if outline.id in self.compilation.untyped or not self._typed.get(Cell(outline.id, each.id)):
            return
        entity = self.made[outline.id]
        field = entity.fields[each.id]
        try:
            expression = self._expression(outline, each, entity, field)
        except Refused as refused:
            self._note(refused.problems)
            return
        self._check(outline, each, field, expression)
        text = text_of(expression, self.compilation.entity, ids=True)
        assert field.computed is not None
        self._put(outline, each, {"computed": replace(field.computed, value=text)})
        self.sources.append(Source(outline.id, Writer(each.id), reads_of(expression.root)))
        self._functions[Cell(outline.id, each.id)] = computing.functions_of(expression.root)
        if computing.of_time(expression.root):
            self._timed.add(Cell(outline.id, each.id))

    def _expression(self, outline: Outline, each: FieldOutline, entity: Entity, field: Field) -> Expression:
        data, how = each.data, each.data["type"]
        wanted = Wanted(registry.of(field).kind, field if field.type == "choice" else None)
        if how == "formula":
            return self._parsed(str(data.get("value", "")), entity, wanted, outline, each, "value")
        if how == "lookup":
            return self._parsed(str(data.get("path", "")), entity, wanted, outline, each, "path")
        said = said_measure(data)
        if said is None:
            raise Refused(())
        _, rows = self._list(entity, outline, each)
        where = data.get("where")
        if isinstance(where, str):
            self._parsed(where, self.made[rows.id], None, outline, each, "where")
        measure, name = said
        text = f"{measure}({', '.join(part for part in (str(data['of']), name, where) if isinstance(part, str))})"
        return self._parsed(text, entity, wanted, outline, each, "of")

    def _parsed(
        self, text: str, entity: Entity, wanted: Wanted | None, outline: Outline, each: FieldOutline, at: str
    ) -> Expression:
        try:
            return parse_in(text, entity, self.scope, wanted)
        except PlatformError as error:
            raise Refused(self._placed(error.problems, outline, each, at)) from None

    def _check(self, outline: Outline, each: FieldOutline, field: Field, expression: Expression) -> None:
        """What a value that is kept for everybody cannot be made of."""
        at = _place(each)
        if computing.of_person(expression.root):
            self._note([self._problem(r.OF_PERSON, outline, each, at, name=field.label)])
        if each.data["type"] == "formula" and field.type == "money":
            self._check_amounts(outline, each, field, expression)

    def _check_amounts(self, outline: Outline, each: FieldOutline, field: Field, expression: Expression) -> None:
        """Amounts in one formula are in one currency: the record's, or the tenant's."""
        fixed: set[bool] = set()
        for part in computing.amounts_of(expression.root):
            if isinstance(part, Over) or part.links:
                name = self._called(part)
                self._note([self._problem(r.OTHER_MONEY, outline, each, "value", name=name)])
                return
            fixed.add("currency" in self.made[part.entity].fields[part.field].props)
        if len(fixed) == 2:
            self._note([self._problem(r.TWO_CURRENCIES, outline, each, "value", name=field.label)])
        elif fixed == {True}:
            self._put(outline, each, {"props": {**field.props, "currency": self._currency()}})

    def _called(self, part: FieldRef | Over) -> str:
        if isinstance(part, Over):
            return self.made[part.listed.entity].key
        steps = [self.made[entity].fields[link].key for entity, link, _ in part.links]
        return ".".join((*steps, self.made[part.entity].fields[part.field].key))

    # -- all of them together

    def close(self) -> None:
        """What depends on time, and what is in each value."""
        by_cell = {each.cell: each for each in self.sources}
        disclosed = [cell for cell in by_cell if self._computed(cell).disclose]
        timed = self._all_timed(by_cell)
        for cell, source in by_cell.items():
            outline = self.outlines[cell.entity]
            each = outline.fields[cell.field]
            computed = replace(
                self._computed(cell),
                reads=tuple(tuple(read) for read in computing.needed(source, by_cell, disclosed)),
                stored=cell not in timed,
            )
            if cell in timed:
                self._check_timed(outline, each)
            else:
                self._check_stamped(outline, each, source)
            self._put(outline, each, {"computed": computed})
            self._check_uses(outline, each)

    def _check_uses(self, outline: Outline, each: FieldOutline) -> None:
        """Where a field is named that is built before its type is known."""
        entity = self.made[outline.id]
        field = entity.fields[each.id]
        uses = {
            "indexes": any(each.id in index.fields for index in entity.indexes),
            "sort": each.id in {name.lstrip("-") for name in entity.default_sort},
        }
        wrong = [name for name, used in uses.items() if used and not can_be_indexed(field)]
        if each.id in entity.search and not (field.type in SEARCHABLE and registry.stored(field)):
            wrong.append("search")
        for name in wrong:
            path = (name,) if name in outline.data else each.at
            params: dict[str, Any] = {"name": field.label, "type": field.type, "property": name}
            self._note([problem_at(r.NOT_HERE, outline.element, path, True, None, **params)])

    def _computed(self, cell: Cell) -> Computed:
        found = self.made[cell.entity].fields[cell.field].computed
        assert found is not None
        return found

    def _all_timed(self, by_cell: Mapping[Cell, Source]) -> frozenset[Cell]:
        """Those that change by themselves, or read one that does."""
        timed = set(self._timed)
        readers: dict[Cell, list[Cell]] = {}
        for cell, source in by_cell.items():
            for each in source.reads:
                readers.setdefault(Cell(each.entity, each.field), []).append(cell)
        due = list(timed)
        while due:
            for reader in readers.get(due.pop(), ()):
                if reader not in timed:
                    timed.add(reader)
                    due.append(reader)
        return frozenset(timed)

    def _check_timed(self, outline: Outline, each: FieldOutline) -> None:
        """A value that is computed whenever it is read: the database must be able to."""
        if each.data["type"] != "formula":
            self._note([self._problem(r.OF_TIME, outline, each, _place(each), name=each.label)])
        for name in sorted(self._functions.get(Cell(outline.id, each.id), ())):
            if not FUNCTIONS[name].sql:
                self._note([self._problem(r.NOT_IN_SQL, outline, each, "value", name=each.label, function=name)])

    def _check_stamped(self, outline: Outline, each: FieldOutline, source: Source) -> None:
        """What is kept cannot be made of what a save gives a record only when it is written."""
        for each_read in source.reads:
            field = self.made[each_read.entity].fields[each_read.field]
            late = field.type == "sequence" and all(self._together(hop) for hop in each_read.way)
            if late or (field.system and field.id in STAMPED):
                self._note([self._problem(r.STAMPED, outline, each, _place(each), name=each.label, field=field.key)])

    def _together(self, hop: Hop) -> bool:
        """Whether a step leads to a record that may be made by the same save."""
        return self.made[hop.entity].parent == hop.link

    # -- problems

    def _problem(self, what: Any, outline: Outline, each: FieldOutline, at: str, **params: Any) -> Problem:
        problem: Problem = problem_at(what, outline.element, (*each.at, at), False, None, **params)
        return problem

    def _refuse(self, what: Any, outline: Outline, each: FieldOutline, at: str, **params: Any) -> NoReturn:
        raise Refused((self._problem(what, outline, each, at, **params),))

    def _placed(
        self, problems: Iterable[Problem], outline: Outline, each: FieldOutline, at: str
    ) -> tuple[Problem, ...]:
        path = (*each.at, at)
        place = place_of(outline.element, path)
        return tuple(inside(each, place).under(".".join((outline.element.path, *path))) for each in problems)

    def _fail(self, outline: Outline, each: FieldOutline, problems: Iterable[Problem]) -> None:
        """Note why the type of a field cannot be known: nothing more is said of it."""
        self._failed.add(Cell(outline.id, each.id))
        self._note(problems)

    def _note(self, problems: Iterable[Problem]) -> None:
        self.compilation.problems.extend(problems)


def _can_measure(measure: str, far: Field) -> bool:
    kind = registry.of(far).kind
    return kind == "number" or (measure in ("min", "max") and kind in ("date", "datetime"))


def _place(each: FieldOutline) -> str:
    """The property that says how a field is computed."""
    return {"formula": "value", "lookup": "path"}.get(each.data["type"], "of")


def calendars_of(compilation: Compilation) -> Mapping[str, str]:
    """Name -> id of the calendars of business time."""
    elements = compilation.elements.get("calendars", EMPTY)
    return {name: each.id for each in elements.values() for name in (each.key, each.id)}


# -- the order of a save


def arrange(compilation: Compilation, sources: Sequence[Source]) -> None:
    """Give each entity its writers in order and what follows from its changes; refuse what follows from itself."""
    made: dict[str, Entity] = compilation.made["entities"]
    every = [*sources, *(each for entity in made.values() for each in _of_rules(compilation, entity))]
    if not every:
        return
    _check_rules(compilation, made)
    found = list(computing.circles(every))
    for circle in found:
        _refuse_circle(compilation, made, circle)
    if found:
        return
    by_entity: dict[str, list[Source]] = {}
    for each in every:
        by_entity.setdefault(each.entity, []).append(each)
    sharing = tuple(_sharing(made, sources))
    triggers = computing.triggers((each for each in every if _is_stored(made, each)), sharing)
    for id in {**by_entity, **triggers}:
        own = [each for each in by_entity.get(id, ()) if each.writer.rule is not None or _is_stored(made, each)]
        made[id] = replace(made[id], writers=computing.in_order(own), triggers=triggers.get(id, ()))
    for _, rows in sharing:
        made[rows.entity] = replace(made[rows.entity], shares_currency=True)


def _sharing(made: Mapping[str, Entity], sources: Iterable[Source]) -> Iterator[tuple[str, Hop]]:
    """Entities with sums of amounts as they are, and the way from the rows that must have their currency."""
    for each in sources:
        field = made[each.entity].fields[each.writer.field]
        summed = field.computed is not None and field.computed.how == "rollup" and field.type == "money"
        if summed and "currency" not in field.props:
            for seen in each.reads:
                if len(seen.way) == 1 and seen.way[0].back and made[seen.entity].currency_from == seen.field:
                    yield each.entity, Hop(seen.entity, seen.field)


def _is_stored(made: Mapping[str, Entity], source: Source) -> bool:
    computed = made[source.entity].fields[source.writer.field].computed
    return computed is None or computed.stored


def _of_rules(compilation: Compilation, entity: Entity) -> Iterable[Source]:
    """What the `set` of an entity's rules reads. What is wrong in them has been told by their own check."""
    scope = Scope(
        compilation.entity,
        changes=True,
        encrypted=True,
        role=lambda name: compilation.resolve("roles", name),
        calendars=calendars_of(compilation),
    )
    for rule in entity.rules:
        for id, text in rule.set.items():
            field = entity.fields[id]
            try:
                value = parse_in(text, entity, scope, Wanted(registry.of(field).kind, field))
                when = () if rule.when is None else reads_of(parse_in(rule.when, entity, scope).root)
            except PlatformError:
                continue
            yield Source(entity.id, Writer(id, rule.id), tuple(dict.fromkeys((*when, *reads_of(value.root)))))


def _check_rules(compilation: Compilation, made: Mapping[str, Entity]) -> None:
    """A field has one source: how it is computed, or one rule that always sets it."""
    for entity in made.values():
        always: dict[str, Any] = {}
        for rule in entity.rules:
            for id in rule.set if rule.when is None else ():
                other = always.setdefault(id, rule)
                if other is not rule and "save" in (rule.on, other.on, "save" if rule.on == other.on else ""):
                    element = compilation.elements["entities"][entity.id]
                    names = (other.key, rule.key)
                    path = ("rules", rule.key, "set")
                    params: dict[str, Any] = {"name": entity.fields[id].label, "names": names}
                    compilation.problems.append(problem_at(r.TWO_WRITERS, element, path, True, None, **params))


def _refuse_circle(compilation: Compilation, made: Mapping[str, Entity], circle: Sequence[Cell]) -> None:
    names = tuple(f"{made[each.entity].key}.{made[each.entity].fields[each.field].key}" for each in circle)
    for cell in circle:
        outline: Outline = compilation.outlines[cell.entity]
        each = outline.fields.get(cell.field)
        if each is not None and each.computed:
            path = (*each.at, _place(each))
            compilation.problems.append(problem_at(r.CIRCLE, outline.element, path, names=(*names, names[0])))
            return
    element = compilation.outlines[circle[0].entity].element
    compilation.problems.append(problem_at(r.CIRCLE, element, ("rules",), True, names=(*names, names[0])))
