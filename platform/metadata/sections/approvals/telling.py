"""An approval in Markdown: what holds for the whole, then its nodes as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from metadata.approvals import Approval, Branch, Copy, Delay, Human, Mode, Node, Nodes, Route, SetFields, Together, Who
from metadata.model import Entity, Model, Part
from metadata.parts import build
from metadata.problems import say
from metadata.sections.documenting import heading, table, words

Pair = tuple[str, str]
_WITHDRAW: Mapping[str, Pair] = {
    "before_first_action": ("until the first decision", "首个审批人处理前"),
    "while_running": ("while it runs", "审批进行中"),
    "admin_only": ("by administrators only", "仅管理员"),
}
_RESUBMIT: Mapping[str, Pair] = {
    "restart": ("from the first node", "从第一个节点重新开始"),
    "direct": ("straight to who returned it", "直接回到退回的节点"),
}
_SAME: Mapping[str, Pair] = {
    "none": ("asked again", "需再次审批"),
    "adjacent": ("not asked at the next node", "相邻节点自动去重"),
    "once": ("asked once", "全程只审批一次"),
}
_MODES: Mapping[str, Pair] = {
    "sequential": ("one after another", "依次审批"),
    "all": ("all of them", "会签"),
    "any": ("any of them", "或签"),
    "ratio": ("at least {n} percent of them", "不少于 {n}% 的人同意"),
    "weighted": ("weights of at least {n}", "权重之和不少于 {n}"),
    "random": ("one of them, by lot", "随机一人"),
}
_EMPTY: Mapping[str, Pair] = {
    "climb": ("who is above", "由上级审批"),
    "approve": ("agreed", "自动通过"),
    "reject": ("rejected", "自动拒绝"),
    "users": ("{who}", "{who}"),
    "admin": ("the administrators", "转交管理员"),
}
_SELF: Mapping[str, Pair] = {
    "allow": ("decides himself", "由本人审批"),
    "skip": ("is left out", "跳过本人"),
    "to_manager": ("his manager decides", "转交直属上级"),
    "to_unit_head": ("the head of his unit decides", "转交部门负责人"),
}
_THEN: Mapping[str, Pair] = {
    "remind": ("remind", "提醒"),
    "escalate": ("ask {who} as well", "升级给{who}"),
    "approve": ("agreed", "自动通过"),
    "reject": ("rejected", "自动拒绝"),
    "transfer": ("ask {who} instead", "转交给{who}"),
}
_SOURCES: Mapping[str, Pair] = {
    "user": ("{user}", "{user}"),
    "role": ("holders of `{role}`{within}", "角色 `{role}`{within}"),
    "unit_head": ("head of the unit of {of}{level}", "{of}的部门负责人{level}"),
    "manager_of": ("manager of {of}{level}", "{of}的上级{level}"),
    "managers_up_to": ("managers of {of}{upto}", "{of}的连续多级上级{upto}"),
    "initiator": ("the initiator", "发起人"),
    "initiator_picks": ("whom the initiator picks", "发起人自选"),
    "approver_picks": ("whom the approver before picks", "上一审批人指定"),
    "field": ("`{path}`", "`{path}`"),
    "matrix": ("as the matrix `{matrix}` says", "按矩阵 `{matrix}`"),
    "expression": ("`{expression}`", "`{expression}`"),
}
_WITHIN: Mapping[str, Pair] = {
    "tenant": ("", ""),
    "initiator_unit": (" in the initiator's unit", "（发起人所在部门）"),
    "record_unit": (" in the record's unit", "（记录所属部门）"),
}
_EVENTS: Mapping[str, Pair] = {
    "submitted": ("Submitted", "提交后"),
    "approved": ("Approved", "通过后"),
    "rejected": ("Rejected", "拒绝后"),
    "withdrawn": ("Withdrawn", "撤回后"),
    "returned": ("Returned", "退回后"),
    "terminated": ("Terminated", "终止后"),
    "voided": ("Voided", "作废后"),
}


def document(part: Part, lang: str, model: Model) -> str:
    approval: Approval = build("approvals", part)
    return _Teller(approval, model.entity(approval.entity), lang).whole()


class _Teller:
    def __init__(self, approval: Approval, entity: Entity | None, lang: str) -> None:
        self.approval, self.entity, self.lang = approval, entity, lang

    def whole(self) -> str:
        approval = self.approval
        text = heading(2, approval.label, self.lang, approval.key) + "\n" + table(("", ""), self._rows())
        text += "\n" + "\n".join(self._tree(approval.nodes, 0)) + "\n"
        for key, rows in approval.matrices.items():
            head = (self._say("Condition", "条件"), self._say("Who", "审批人"))
            lines = [(self._code(row.when), self._people(row.who)) for row in rows]
            text += f"\n{self._say('Matrix', '矩阵')} `{key}`\n\n" + table(head, lines)
        return text

    def _rows(self) -> Iterator[Pair]:
        approval, entity = self.approval, self.entity
        yield self._say("Records", "记录"), say(entity.label, self.lang) if entity else approval.entity
        yield self._say("Condition", "条件"), self._code(approval.entry)
        yield self._say("Submitted by", "提交人"), self._names(approval.submitters)
        yield self._say("Withdrawn", "撤回"), self._say(*_WITHDRAW[approval.withdraw])
        yield self._say("After a return", "退回后重新提交"), self._say(*_RESUBMIT[approval.resubmit])
        yield self._say("Who has approved before", "同一人去重"), self._say(*_SAME[approval.same_approver])
        yield self._say("Open while locked", "锁定期间可改"), self._fields(approval.open_fields)
        yield self._say("Separated nodes", "职责分离节点"), self._names(approval.separated)
        yield self._say("Approved anew after a change of", "变更后需重新审批"), self._fields(approval.material)
        yield self._say("Administrators", "管理员"), self._names(approval.admins)
        if approval.mail:
            yield self._say("By mail", "邮件审批"), self._say("a link to decide by", "邮件中附审批链接")
        for name, values in approval.actions.items():
            yield self._say(*_EVENTS[name]), self._values(values)

    def _tree(self, nodes: Nodes, depth: int) -> Iterator[str]:
        if not nodes:
            yield self._line(depth, self._say("nothing", "无"))
        for node in nodes:
            yield self._line(depth, f"**{say(node.label, self.lang)}** `{node.id}`: {self._told(node)}")
            yield from self._within(node, depth + 1)

    def _within(self, node: Node, depth: int) -> Iterator[str]:
        if isinstance(node, Branch):
            for way in node.ways:
                name = f"{say(way.label, self.lang)}: " if way.label else ""
                yield self._line(depth, name + self._say("if", "如果") + f" `{way.when}`")
                yield from self._tree(way.nodes, depth + 1)
            yield self._line(depth, self._say("else", "否则"))
            yield from self._tree(node.otherwise, depth + 1)
        elif isinstance(node, Together):
            for key, block in node.branches.items():
                yield self._line(depth, f"`{key}`")
                yield from self._tree(block, depth + 1)

    def _told(self, node: Node) -> str:
        match node:
            case Human():
                return self._human(node)
            case Copy():
                return self._say("tells", "抄送") + " " + self._people(node.who)
            case Branch(inclusive=inclusive):
                every = self._say("all ways whose condition holds", "所有满足条件的分支")
                return every if inclusive else self._say("the first way whose condition holds", "第一个满足条件的分支")
            case Together():
                return self._say("all at once", "并行")
            case Route():
                on = self._say("goes on at", "跳转到") + f" `{node.to}`"
                return on if node.when is None else f"{on} ({self._say('while', '条件')} `{node.when}`)"
            case Delay():
                return self._say("waits", "等待") + f" {node.span}" + (f" (`{node.calendar}`)" if node.calendar else "")
            case SetFields():
                return self._say("sets", "设置") + " " + self._values(node.values)
            case _:
                raise TypeError(node.kind)

    def _human(self, node: Human) -> str:
        does = self._say("done by", "办理") if node.handle else self._say("approved by", "审批")
        told = [f"{does} {self._people(node.who)}", self._mode(node.mode)]
        empty = self._say(*_EMPTY[node.empty]).format(who=self._people(node.empty_users))
        told.append(f"{self._say('nobody found', '找不到审批人')}: {empty}")
        told.append(f"{self._say('the initiator', '发起人为审批人')}: {self._say(*_SELF[node.self_])}")
        if node.timeout is not None:
            then = self._say(*_THEN[node.timeout.then]).format(who=self._people(node.timeout.to))
            told.append(f"{self._say('after', '超时')} {node.timeout.after}: {then}")
        return "; ".join(told)

    def _mode(self, mode: Mode) -> str:
        return self._say(*_MODES[mode.kind]).format(n=mode.at_least)

    def _people(self, sources: Iterable[Who]) -> str:
        return ", ".join(map(self._source, sources)) or "–"

    def _source(self, who: Who) -> str:
        of = self._say("the initiator", "发起人") if who.of == "initiator" else f"`{who.of}`"
        if who.of == "assignee":
            of = self._say("the approver", "审批人")
        level = self._say(", {n} levels up", "（第 {n} 级）").format(n=who.level) if who.level > 1 else ""
        top = self._say(" to the top", "（直至最高层）") if who.level == 0 else level
        upto = self._say(" up to `{role}`", "（直至 `{role}`）").format(role=who.role) if who.role else top
        return self._say(*_SOURCES[who.by]).format(
            user=who.user,
            role=who.role,
            within=self._say(*_WITHIN[who.within]),
            of=of,
            level=level,
            upto=upto,
            path=who.path,
            matrix=who.matrix,
            expression=who.expression,
        )

    def _values(self, values: Mapping[str, str]) -> str:
        return ", ".join(f"{self._field(id)} = `{text}`" for id, text in values.items())

    def _fields(self, ids: Iterable[str]) -> str:
        return ", ".join(map(self._field, ids)) or "–"

    def _field(self, id: str) -> str:
        field = self.entity.fields.get(id) if self.entity else None
        return say(field.label, self.lang) if field else id

    def _names(self, ids: Iterable[str]) -> str:
        return ", ".join(f"`{each}`" for each in ids) or "–"

    def _code(self, text: str | None) -> str:
        return "–" if text is None else f"`{text}`"

    def _say(self, en: str, zh: str) -> str:
        return words(self.lang, en, zh)

    def _line(self, depth: int, text: str) -> str:
        return f"{'  ' * depth}- {text}"
