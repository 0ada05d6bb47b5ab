"""What can be wrong with an expression, in words; `column` counts from 1 in the text."""

from __future__ import annotations

from metadata.problems import BadRequest, kind


class ExpressionInvalid(BadRequest):
    """An expression that cannot be understood or does not fit its entity."""


too_long = kind(
    "expression_too_long",
    en="The expression is longer than {limit} characters. Split it.",
    zh="表达式超过 {limit} 个字符，请拆分。",
)
too_deep = kind(
    "expression_too_deep",
    en="The expression has more than {nodes} parts or {depth} levels. Simplify it.",
    zh="表达式超过 {nodes} 个部分或 {depth} 层，请简化。",
)
bad_character = kind(
    "expression_character",
    en="The character {character} at column {column} cannot stand in an expression. Remove it.",
    zh="第 {column} 列的字符 {character} 不能用于表达式，请删除。",
)
bad_escape = kind(
    "expression_escape",
    en="{what} at column {column} is not an escape. Use \\\\ for a backslash, or \\', \\\", \\n, \\t, \\uXXXX.",
    zh="第 {column} 列的 {what} 不是有效的转义。反斜杠请写作 \\\\，另可用 \\'、\\\"、\\n、\\t、\\uXXXX。",
)
syntax_error = kind(
    "expression_syntax",
    en="The expression cannot be read at column {column}, near “{what}”. Check quotes, brackets and operators.",
    zh="表达式在第 {column} 列“{what}”附近无法解析。请检查引号、括号和运算符。",
)
ends_early = kind(
    "expression_incomplete",
    en="The expression ends too early, at column {column}. Complete it.",
    zh="表达式在第 {column} 列处不完整，请补全。",
)
not_supported = kind(
    "expression_unsupported",
    en="“{what}” at column {column} is not part of the language. Use comparisons, + - * / %, and, or, not, in [..],"
    " if(condition, a, b) and functions like contains(field, 'text').",
    zh="第 {column} 列的“{what}”不属于表达式语言。可用：比较、+ - * / %、and、or、not、in [..]、"
    "if(条件, a, b) 以及 contains(字段, '文本') 等函数。",
)
unknown_name = kind(
    "expression_unknown_field",
    en="There is no field “{name}” in {entity} (column {column}). Use the key of an existing field.",
    zh="{entity}中没有字段“{name}”（第 {column} 列）。请使用已有字段的键。",
)
unknown_variable = kind(
    "expression_unknown_variable",
    en="There is no “{name}” (column {column}). Use $user, $now or $today.",
    zh="没有“{name}”（第 {column} 列）。可用 $user、$now、$today。",
)
unknown_function = kind(
    "expression_unknown_function",
    en="There is no function “{name}” (column {column}). Use one of the functions of the language.",
    zh="没有函数“{name}”（第 {column} 列）。请使用表达式语言的函数。",
)
bad_arguments = kind(
    "expression_arguments",
    en="{function} (column {column}) cannot take these arguments. Give it what it works on, like "
    "contains(name, 'text'), changed('stage') or coalesce(amount, 0).",
    zh="{function}（第 {column} 列）不能使用这些参数。请给出它能处理的值，例如 contains(name, 'text')、"
    "changed('stage') 或 coalesce(amount, 0)。",
)
argument_count = kind(
    "expression_argument_count",
    en="{function} (column {column}) takes {wanted} arguments. Add or remove some.",
    zh="{function}（第 {column} 列）需要 {wanted} 个参数，请增减。",
)
not_a_list = kind(
    "expression_not_a_list",
    en="“{name}” (column {column}) is not a list of records. Use children, a field of "
    "several links, or a related list.",
    zh="“{name}”（第 {column} 列）不是记录列表。请使用子表、多值链接或相关列表。",
)
no_change_here = kind(
    "expression_no_change",
    en="“{name}” (column {column}) asks what a save changes, and nothing is saved here. Leave it out.",
    zh="“{name}”（第 {column} 列）用于判断保存时的变化，此处没有保存。请去掉。",
)
unknown_role = kind(
    "expression_unknown_role",
    en="There is no role “{name}” (column {column}). Use has_role('key') with the key of a role in quotes.",
    zh="没有角色“{name}”（第 {column} 列）。请写 has_role('角色的键')。",
)
unknown_calendar = kind(
    "expression_unknown_calendar",
    en="There is no calendar “{name}” (column {column}). Use the key of a calendar in quotes.",
    zh="没有日历“{name}”（第 {column} 列）。请使用带引号的日历键。",
)
not_a_number = kind(
    "expression_not_a_number",
    en="{value} (column {column}) is not a number, so it cannot be calculated with. Use numbers; join texts with "
    "concat(..), move dates with add_days(..).",
    zh="{value}（第 {column} 列）不是数字，不能计算。请使用数字；连接文本用 concat(..)，推移日期用 add_days(..)。",
)
wrong_kind = kind(
    "expression_wrong_kind",
    en="This is {found} (column {column}), but what is needed here is {wanted}. Convert it or use another value.",
    zh="此处（第 {column} 列）是{found}，需要的是{wanted}。请转换或换用其他值。",
)
too_costly = kind(
    "expression_too_costly",
    en="The expression may cost more than {limit} steps. Ask fewer lists or calculate less in it.",
    zh="该表达式的计算量可能超过 {limit} 步。请减少列表或计算。",
)
not_a_link = kind(
    "expression_not_a_link",
    en="“{name}” (column {column}) is not a link to one record, so the path cannot go on. End it there.",
    zh="“{name}”（第 {column} 列）不是指向单条记录的链接，路径不能继续。请到此为止。",
)
path_too_long = kind(
    "expression_path_too_long",
    en="The path “{name}” (column {column}) walks more than {limit} links. Shorten it.",
    zh="路径“{name}”（第 {column} 列）超过 {limit} 个链接，请缩短。",
)
no_field = kind(
    "expression_without_field",
    en="The comparison at column {column} names no field. One side must be a field or be made of one.",
    zh="第 {column} 列的比较没有字段，至少一边必须是字段或由字段算出。",
)
bad_operator = kind(
    "expression_operator",
    en="“{op}” does not work on {label} (column {column}). Possible here: {possible}.",
    zh="“{op}”不能用于{label}（第 {column} 列）。可用：{possible}。",
)
null_order = kind(
    "expression_null_order",
    en="“{op} null” (column {column}) is never true. Ask with == null or != null.",
    zh="“{op} null”（第 {column} 列）永远不成立。请用 == null 或 != null。",
)
wrong_type = kind(
    "expression_type",
    en="{label} (column {column}) cannot be compared with {value}. It takes {wanted}.",
    zh="{label}（第 {column} 列）不能与 {value} 比较。应为{wanted}。",
)
mixed_types = kind(
    "expression_mixed_types",
    en="{label} and {other} (column {column}) hold different kinds of values. Compare fields of the same kind.",
    zh="{label}与{other}（第 {column} 列）的值类型不同。请比较同类字段。",
)
unknown_option = kind(
    "expression_unknown_option",
    en="{label} has no option “{value}” (column {column}). Use one of: {options}.",
    zh="{label}没有选项“{value}”（第 {column} 列）。可选：{options}。",
)
bad_number = kind(
    "expression_number",
    en="The number {value} at column {column} is out of range. Use up to 24 digits before and 12 after the point.",
    zh="第 {column} 列的数字 {value} 超出范围。小数点前最多 24 位，后最多 12 位。",
)
not_a_condition = kind(
    "expression_not_a_condition",
    en="{value} at column {column} is not a condition. Compare it with something.",
    zh="第 {column} 列的 {value} 不是条件，请与某个值比较。",
)
in_list_only = kind(
    "expression_in_list",
    en="“in” (column {column}) takes a list, like stage in ['a', 'b']. Use contains(field, 'text') for texts.",
    zh="“in”（第 {column} 列）后面应为值列表，例如 stage in ['a', 'b']。文本请用 contains(字段, '文本')。",
)
encrypted = kind(
    "expression_encrypted",
    en="{label} (column {column}) is encrypted: nothing may compare it, compute with it or copy it. Ask only whether "
    "it is filled in: {name} != null.",
    zh="{label}（第 {column} 列）已加密，不能用于比较、计算或复制。只能判断其是否为空：{name} != null。",
)
