"""What can be wrong with assignments, in words."""

from __future__ import annotations

from metadata.problems import kind

NOT_OWNED = kind(
    "assignment_not_owned",
    en="Records of {entity} have no owner, so they cannot be given to anybody. Make it `owned: true`.",
    zh="{entity}的记录没有负责人，不能分配。请将实体设为 `owned: true`。",
)
OF_PLATFORM = kind(
    "assignment_of_platform",
    en="Records of {entity} are written by the platform only. Choose another entity.",
    zh="{entity}的记录只由平台写入，请选择其他实体。",
)
NEEDS = kind(
    "assignment_needs",
    en="The strategy {strategy} needs `{key}`. Add it.",
    zh="策略 {strategy} 需要 `{key}`，请补充。",
)
UNFIT = kind(
    "assignment_unfit",
    en="`{key}` means nothing with the strategy {strategy}. Remove it, or choose another strategy.",
    zh="`{key}` 对策略 {strategy} 没有意义。请删除，或选择其他策略。",
)
NOT_ONE = kind(
    "assignment_not_one",
    en="“{name}” must say exactly one of: {known}. Keep one.",
    zh="“{name}”必须且只能填写其中之一：{known}。",
)
NO_FIELD = kind(
    "assignment_no_field",
    en="People cannot be found by `{key}` here: {entity} has no field {field}. Add it, or name a role.",
    zh="此处无法按 `{key}` 查找人员：{entity}没有字段 {field}。请添加该字段，或改用角色。",
)
