"""What can be wrong with a scenario, in words."""

from __future__ import annotations

from metadata.problems import kind

NO_DOING = kind(
    "scenario_step_empty",
    en="The step “{name}” does nothing and expects nothing. Say one of {known}, or `expect`.",
    zh="步骤“{name}”既没有动作也没有期望。请填写 {known} 之一，或 `expect`。",
)
TWO_DOINGS = kind(
    "scenario_step_two",
    en="The step “{name}” does several things: {found}. Make a step of each.",
    zh="步骤“{name}”包含多个动作：{found}。请拆成多个步骤。",
)
NOBODY = kind(
    "scenario_needs_by",
    en="`{does}` is done by a person. Say `by:` with one of the people given.",
    zh="`{does}` 须由人员执行。请用 `by:` 指定一位已给定的人员。",
)
NOT_BY = kind(
    "scenario_by_nobody",
    en="Nobody does “{name}”, or nothing is done at all. Remove `{key}` from it.",
    zh="“{name}”不由人员执行，或没有动作。请从中删除 `{key}`。",
)
NO_RECORD = kind(
    "scenario_unknown_record",
    en="The scenario knows no record “{name}” here. Give it, or make it in a step before.",
    zh="此处没有名为“{name}”的记录。请在 given 中给出，或在之前的步骤中创建。",
)
NO_PERSON = kind(
    "scenario_unknown_person",
    en="The scenario has no person “{name}”. Add them to `given: {{people: ...}}`.",
    zh="场景中没有人员“{name}”。请在 `given: {{people: ...}}` 中添加。",
)
WRONG_ENTITY = kind(
    "scenario_wrong_record",
    en="“{name}” is a record of {entity}, and {field} leads to {to}. Name another one.",
    zh="“{name}”是{entity}的记录，而{field}指向{to}。请换一条记录。",
)
TAKEN = kind(
    "scenario_name_taken",
    en="The scenario knows another record or person by the name “{name}” already. Choose another key.",
    zh="场景中已有名为“{name}”的记录或人员，请换一个键。",
)
NOT_GIVEN = kind(
    "scenario_field_not_given",
    en="{field} cannot stand here. Files cannot be given, and rows are a list that is given; expect them by `counts`.",
    zh="{field}不能写在此处。文件不能给定；明细须以列表给定，并用 `counts` 检查。",
)
BAD_MOMENT = kind(
    "scenario_bad_moment",
    en="There is no such day or time: {text}. Write it like 2026-03-02T09:00.",
    zh="没有这个日期或时间：{text}。请写成 2026-03-02T09:00 的形式。",
)
WAIT_ONE = kind(
    "scenario_wait",
    en="Say either `span` or `until`; `calendar` goes with `span`.",
    zh="`span` 与 `until` 只能填写其一；`calendar` 与 `span` 配合使用。",
)
NO_BUTTON = kind(
    "scenario_unknown_button",
    en="{entity} have no button “{name}”. There are: {known}.",
    zh="{entity}没有按钮“{name}”。现有：{known}。",
)
NO_NODE = kind(
    "scenario_unknown_node",
    en="No approval of {entity} has a node “{name}”, and no person is called so. There are: {known}.",
    zh="{entity}的审批没有节点“{name}”，也没有同名人员。现有：{known}。",
)
NOT_OF = kind(
    "scenario_other_entity",
    en="“{name}” is about {of}, and the record is one of {entity}. Name another one.",
    zh="“{name}”针对{of}，而该记录属于{entity}。请换一个。",
)
NO_RULE = kind(
    "scenario_unknown_refusal",
    en="{entity} have no rule “{name}”, and it is no code of a problem (like records.required). Rules are: {known}.",
    zh="{entity}没有规则“{name}”，它也不是问题代码（例如 records.required）。现有规则：{known}。",
)
NO_WEBHOOK = kind(
    "scenario_no_webhook",
    en="“{name}” is a record of {entity}. Give an incoming webhook, and name that.",
    zh="“{name}”是{entity}的记录。请给定一个接收 Webhook 并引用它。",
)
