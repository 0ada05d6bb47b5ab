"""What can be wrong with computed fields, in words."""

from __future__ import annotations

from metadata.problems import kind

NOT_A_NAME = kind(
    "computed_not_a_name",
    en="“{text}” is not the name of a field or list. Write a name, dotted where it goes over links: account.industry.",
    zh="“{text}”不是字段或列表的名称。请填写名称，经过关联时用点号连接，例如 account.industry。",
)
LOOKUP_HERE = kind(
    "computed_lookup_here",
    en="“{name}” is a field of this entity itself. Name a field of a linked record, like account.industry, "
    "or use a formula.",
    zh="“{name}”就是本实体的字段。请填写关联记录的字段，例如 account.industry，或改用公式。",
)
LOOKUP_ENCRYPTED = kind(
    "computed_lookup_encrypted",
    en="“{name}” is encrypted, and a copy of it would lie open. Link to the record and read it there, or choose "
    "another field.",
    zh="“{name}”已加密，引用会留下明文副本。请通过关联在原记录中查看，或选择其他字段。",
)
LOOKUP_TYPE = kind(
    "computed_lookup_type",
    en="“{name}” is of type {type}, which cannot be looked up. Choose a field that holds one plain value.",
    zh="“{name}”的类型是 {type}，不能作为引用字段。请选择保存单个值的字段。",
)
ONE_MEASURE = kind(
    "computed_one_measure",
    en="A rollup says exactly one of `count: true`, `sum`, `avg`, `min` and `max`. Say which.",
    zh="汇总字段须且只能指定 `count: true`、`sum`、`avg`、`min`、`max` 之一，请指定。",
)
NOT_MEASURED = kind(
    "computed_not_measured",
    en="{measure} needs a number, or for min and max a date; “{name}” is none. Choose another field.",
    zh="{measure} 需要数字字段（min 与 max 也可用日期），而“{name}”不是。请选择其他字段。",
)
OTHER_MONEY = kind(
    "computed_other_money",
    en="“{name}” is money of other records, which may be in another currency. Use a lookup or rollup of it "
    "(which is in the tenant's currency), or give the formula `as: decimal`.",
    zh="“{name}”是其他记录的金额，币种可能不同。请改用其引用或汇总字段（以本位币计），或将公式设为 `as: decimal`。",
)
TWO_CURRENCIES = kind(
    "computed_two_currencies",
    en="“{name}” mixes amounts in the record's currency with amounts in the tenant's. "
    "Use amounts of one kind, or give the formula `as: decimal`.",
    zh="“{name}”混用了记录币种与本位币的金额。请只使用其中一种，或将公式设为 `as: decimal`。",
)
OF_PERSON = kind(
    "computed_of_person",
    en="“{name}” is the same for everybody, so it cannot depend on who asks ($user, has_role, in_unit). "
    "Take that part out.",
    zh="“{name}”对所有人都相同，不能取决于查看者（$user、has_role、in_unit）。请去掉该部分。",
)
OF_TIME = kind(
    "computed_of_time",
    en="“{name}” depends on the time of reading, which a kept value cannot. Leave $now and $today to a formula that "
    "nothing kept reads.",
    zh="“{name}”取决于读取的时间，而保存的值无法如此。请仅在不被其他已存字段引用的公式中使用 $now 与 $today。",
)
STAMPED = kind(
    "computed_stamped",
    en="“{name}” reads {field}, which a record gets only after its values have been computed. Take it out; `id`, "
    "`created_at`, `created_by` and `owner` are known before.",
    zh="“{name}”引用了 {field}，而记录在计算完成之后才得到该值。请去掉它；"
    "可以使用 `id`、`created_at`、`created_by` 与 `owner`。",
)
NOT_IN_SQL = kind(
    "computed_not_in_sql",
    en="“{name}” is computed whenever it is read, which the database cannot do with {function}. Do without it, "
    "or without $now and $today.",
    zh="“{name}”在读取时计算，而数据库无法执行 {function}。请去掉该函数，或去掉 $now 与 $today。",
)
TWO_WRITERS = kind(
    "computed_two_writers",
    en="“{name}” is set by two rules that always apply ({names}); only one of them can win. "
    "Give one a `when`, or remove it.",
    zh="“{name}”被两条始终生效的规则（{names}）同时赋值，只有一条能生效。请为其一加上 `when` 或将其删除。",
)
CIRCLE = kind(
    "computed_circle",
    en="These values follow from each other in a circle ({names}), so none of them can be computed first. "
    "Break the circle.",
    zh="这些值相互依赖形成循环（{names}），无法确定先计算哪一个。请断开循环。",
)
NOT_HERE = kind(
    "computed_type_here",
    en="“{name}” is of type {type} or depends on the time, and cannot stand in `{property}`. Choose another field.",
    zh="“{name}”的类型是 {type} 或取决于时间，不能用于 `{property}`。请选择其他字段。",
)
