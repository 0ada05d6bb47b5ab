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
    en="“{what}” at column {column} is not part of the language. Use comparisons, and, or, not, in [..],"
    " contains(field, 'text') and starts_with(field, 'text').",
    zh="第 {column} 列的“{what}”不属于表达式语言。可用：比较、and、or、not、in [..]、"
    "contains(字段, '文本')、starts_with(字段, '文本')。",
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
    en="There is no function “{name}” (column {column}). Use contains(field, 'text') or starts_with(field, 'text').",
    zh="没有函数“{name}”（第 {column} 列）。可用 contains(字段, '文本') 或 starts_with(字段, '文本')。",
)
bad_arguments = kind(
    "expression_arguments",
    en="{function} (column {column}) takes a field and a text, like {function}(name, 'text').",
    zh="{function}（第 {column} 列）需要一个字段和一个文本，例如 {function}(name, 'text')。",
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
    en="The comparison at column {column} names no field. One side must be a field.",
    zh="第 {column} 列的比较没有字段，至少一边必须是字段。",
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
