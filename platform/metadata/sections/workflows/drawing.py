"""A workflow in Markdown: what starts it, and its steps as an indented tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from metadata.model import Entity, Model, Part
from metadata.problems import Label, say
from metadata.sections.documenting import heading, words
from metadata.workflows import (
    Ask,
    Assign,
    CallHttp,
    Choice,
    Create,
    Delete,
    Each,
    Find,
    HumanTask,
    Parallel,
    Person,
    Run,
    Send,
    Step,
    Stop,
    Trigger,
    Try,
    Update,
    Value,
    Wait,
    With,
    Workflow,
    about,
)

STARTS: Mapping[str, Label] = {
    "created": {"en": "a record was made", "zh": "记录已创建"},
    "updated": {"en": "a record was changed", "zh": "记录已修改"},
    "deleted": {"en": "a record was deleted", "zh": "记录已删除"},
    "date": {"en": "a moment is reached", "zh": "到达时间"},
    "schedule": {"en": "at fixed times", "zh": "定时"},
    "button": {"en": "a button is pressed", "zh": "点击按钮"},
    "webhook": {"en": "another system sends a record", "zh": "外部系统推送"},
    "message": {"en": "a message comes", "zh": "收到消息"},
    "called": {"en": "another workflow runs it", "zh": "由其他工作流调用"},
}
BLOCKS: Mapping[str, Label] = {
    "then": {"en": "then", "zh": "则"},
    "else": {"en": "else", "zh": "否则"},
    "do": {"en": "do", "zh": "执行"},
    "found": {"en": "found", "zh": "已找到"},
    "none": {"en": "none found", "zh": "未找到"},
    "late": {"en": "too late", "zh": "超时"},
    "done": {"en": "done", "zh": "已完成"},
    "dropped": {"en": "dropped", "zh": "已放弃"},
    "approved": {"en": "approved", "zh": "已同意"},
    "rejected": {"en": "rejected", "zh": "已拒绝"},
    "withdrawn": {"en": "withdrawn", "zh": "已撤回"},
    "ok": {"en": "answered", "zh": "成功"},
    "failed": {"en": "failed", "zh": "失败"},
    "catch": {"en": "when a step fails", "zh": "步骤失败时"},
}


def document(part: Part, lang: str, model: Model) -> str:
    from metadata.parts import build

    workflow: Workflow = build("workflows", part)
    pen = Pen(lang, model)
    lines = [
        heading(2, workflow.label, lang, workflow.key),
        f"{pen.words('About', '对象')}: {pen.entity(workflow.entity)}  ",
        f"{pen.words('Rights', '执行身份')}: {pen.rights(workflow)}",
        *([] if workflow.active else ["", pen.words("Switched off.", "已停用。")]),
        "",
        heading(3, {"en": "Starts when", "zh": "触发条件"}, lang),
        *(f"- {pen.trigger(each, workflow)}" for each in workflow.triggers),
        "",
        heading(3, {"en": "Steps", "zh": "步骤"}, lang),
        *pen.tree(workflow.steps, workflow.entity, 0),
    ]
    return "\n".join(lines) + "\n"


class Pen:
    """Writes in one language."""

    def __init__(self, lang: str, model: Model) -> None:
        self.lang, self.model = lang, model

    def words(self, en: str, zh: str) -> str:
        return words(self.lang, en, zh)

    def entity(self, id: str) -> str:
        found = self.model.entity(id)
        return id if found is None else say(found.label, self.lang)

    def field(self, entity: Entity | None, id: str) -> str:
        return id if entity is None or id not in entity.fields else say(entity.fields[id].label, self.lang)

    def role(self, id: str) -> str:
        found = self.model.role(id)
        return id if found is None else say(found.label, self.lang)

    def rights(self, workflow: Workflow) -> str:
        if workflow.run_as == "initiator":
            return self.words("of who caused it", "触发者的权限")
        return self.words("of the role ", "角色：") + self.role(workflow.run_as)

    def trigger(self, trigger: Trigger, workflow: Workflow) -> str:
        about = self.model.entity(workflow.entity)
        told = [say(STARTS[trigger.kind], self.lang)]
        if trigger.field is not None:
            told.append(f"{self.field(about, trigger.field)} {trigger.offset or ''} {trigger.at or ''}".rstrip())
        if trigger.cron is not None:
            told.append(f"`{trigger.cron}` {trigger.zone or ''}".rstrip())
        if trigger.label:
            told.append(f"“{say(trigger.label, self.lang)}”")
        if trigger.roles:
            told.append(", ".join(map(self.role, trigger.roles)))
        told += [f"{self.field(about, id)} = `{way}`" for id, way in trigger.values.items()]
        if trigger.message is not None:
            told.append(f"`{trigger.message.name}`, {self.field(about, trigger.message.field or '')}")
            told[-1] += f" = `{trigger.message.at}`"
        if trigger.when is not None:
            told.append(f"{self.words('if', '条件')} `{trigger.when}`")
        return "; ".join(told)

    def tree(self, steps: Iterable[Step], entity: str, depth: int) -> Iterator[str]:
        indent = "    " * depth
        for step in steps:
            text = self.step(step, self.model.entity(entity))
            yield f"{indent}- **{say(step.label, self.lang)}**: {text}"
            for name, block in step.blocks.items():
                if block:
                    yield f"{indent}    - *{self.block(step, name)}*"
                    yield from self.tree(block, about(step, name, entity), depth + 2)

    def block(self, step: Step, name: str) -> str:
        if isinstance(step, Choice):
            case = next((each for each in step.cases if each.id == name), None)
            if case is not None and case.label:
                return f"{say(case.label, self.lang)}: `{case.when}`"
        return say(BLOCKS[name], self.lang) if name in BLOCKS else name

    def step(self, step: Step, entity: Entity | None) -> str:
        match step:
            case Choice(cases=cases):
                plain = len(cases) == 1 and not cases[0].label
                return f"{self.words('if', '如果')} `{cases[0].when}`" if plain else self.words("choice", "分支")
            case Parallel(join=join):
                return self.words("all at once, until ", "并行，直到") + (
                    self.words("all are over", "全部完成") if join == "all" else self.words("one is over", "任一完成")
                )
            case Each() | Find():
                verb = self.words("for each of", "遍历") if isinstance(step, Each) else self.words("find", "查找")
                return f"{verb} {self.entity(step.entity)}" + (f" (`{step.where}`)" if step.where else "")
            case With():
                return f"{self.words('with', '转到')} {self.entity(step.entity)} (`{step.path}`)"
            case Wait():
                return self.words("wait: ", "等待：") + self._wait(step)
            case HumanTask():
                due = f" ({self.words('due', '期限')} {step.due})" if step.due else ""
                return f"{self.words('task for', '任务')} {self.people(step.to)}: {say(step.title, self.lang)}{due}"
            case Ask(approval=approval):
                return self.words("approval", "审批") + (f" `{approval}`" if approval else "")
            case Create():
                into = self.model.entity(step.entity)
                return f"{self.words('make', '新建')} {self.entity(step.entity)}: {self.values(step.values, into)}"
            case Update():
                return f"{self.words('set', '更新')} {self.values(step.values, entity)}"
            case Delete():
                return self.words("delete the record", "删除记录")
            case Assign():
                return f"{self.words('give to', '分配给')} {self.people(step.to)}"
            case Send():
                told = f"{self.people(step.to)} {step.address or ''}".strip()
                return f"{self.words('tell', '通知')} {told} ({', '.join(step.by)}): {say(step.subject, self.lang)}"
            case CallHttp():
                return f"{step.method} {step.url}"
            case Run():
                return f"{self.words('run', '运行')} `{step.workflow}`"
            case Try():
                return self.words("try", "尝试")
            case Stop():
                ended = self.words("stop, failed", "失败结束") if step.failed else self.words("stop", "结束")
                return ended + (f": {say(step.reason, self.lang)}" if step.reason else "")
        return step.kind

    def _wait(self, step: Wait) -> str:
        told = step.span or (f"`{step.until}`" if step.until else say(STARTS[step.event or "updated"], self.lang))
        if step.message is not None:
            told = f"{say(STARTS['message'], self.lang)}: {step.message.name} (`{step.message.match}`)"
        if step.when:
            told += f" (`{step.when}`)"
        return told + (f", {self.words('at most', '最多')} {step.timeout}" if step.timeout else "")

    def people(self, people: Iterable[Person]) -> str:
        return self.words(", else ", "，否则").join(map(self._person, people))

    def _person(self, person: Person) -> str:
        if person.role is not None:
            return self.role(person.role)
        if person.manager_of is not None:
            return f"{self.words('manager of', '上级：')} `{person.manager_of}`"
        return self.words("who caused it", "触发者") if person.initiator else f"`{person.expression}`"

    def values(self, values: Mapping[str, Value], entity: Entity | None) -> str:
        return ", ".join(
            f"{self.field(entity, id)} = `{value.expression if value.record is None else value.record}`"
            for id, value in values.items()
        )
