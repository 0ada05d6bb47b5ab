"""What can be wrong with the rules of an entity, in words."""

from __future__ import annotations

from metadata.problems import kind

OF_PLATFORM = kind(
    "rule_of_platform",
    en="{entity} is written by the platform alone, so its rules would never be asked. Remove `rules`.",
    zh="{entity}仅由系统写入，规则不会生效。请删除 `rules`。",
)
DOES_NOTHING = kind(
    "rule_does_nothing",
    en="“{name}” says no consequence. Add one of reject, set, require, hide, read_only, options.",
    zh="“{name}”没有结果。请添加 reject、set、require、hide、read_only、options 之一。",
)
NEVER = kind(
    "rule_never",
    en="The condition of “{name}” can never be met, so the rule does nothing. Correct it or remove the rule.",
    zh="“{name}”的条件永远不成立，规则不起作用。请更正条件或删除规则。",
)
ALWAYS_REJECTS = kind(
    "rule_always_rejects",
    en="“{name}” refuses every record, so nothing could be saved. Say `when`, or make it a warning (`warn: true`).",
    zh="“{name}”会拒绝所有记录，什么也无法保存。请填写 `when`，或设为提醒（`warn: true`）。",
)
NOT_WRITTEN = kind(
    "rule_not_written",
    en="{field} gets its value from the platform, so no rule can say `{action}` of it. Name another field.",
    zh="{field}的值由平台给出，规则不能对其使用 `{action}`。请填写其他字段。",
)
NO_OPTIONS = kind(
    "rule_no_options",
    en="{field} is of type {type} and has no options that a rule could narrow. Name a field of type choice.",
    zh="{field}的类型是 {type}，没有可限制的选项。请填写 choice 类型的字段。",
)
HIDES_REQUIRED = kind(
    "rule_hides_required",
    en="{field} is always required, so nobody could save while it is hidden. Drop `required` from the field and "
    "require it by a rule, or do not hide it.",
    zh="{field}始终必填，隐藏后将无法保存。请去掉该字段的 `required` 并改用规则要求填写，或不要隐藏它。",
)
HIDES_NEEDED = kind(
    "rule_hides_needed",
    en="{field} is what records are known by and cannot be hidden by a rule. Hide it from roles, or leave it.",
    zh="{field}用于标识记录，不能用规则隐藏。请通过角色权限隐藏，或保留显示。",
)
REQUIRES_HIDDEN = kind(
    "rule_requires_hidden",
    en="The rule requires {field} and hides it at once, so nobody could fill it in. Keep one of the two.",
    zh="该规则同时要求填写并隐藏{field}，将无人能填写。请只保留其一。",
)
NO_BEFORE = kind(
    "rule_no_before",
    en="“{name}” looks at the record before the save, but it fires on create alone. Say `on: update`.",
    zh="“{name}”引用了保存前的值，但仅在新建时触发。请改为 `on: update`。",
)
