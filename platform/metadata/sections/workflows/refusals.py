"""What can be wrong with workflows, in words."""

from __future__ import annotations

from metadata.problems import kind

NO_KIND = kind(
    "workflow_no_kind",
    en="“{name}” does not say what it is. Add one of: {known}.",
    zh="“{name}”没有说明类型。请填写其中之一：{known}。",
)
TWO_KINDS = kind(
    "workflow_two_kinds",
    en="“{name}” says more than one thing ({found}). Keep one, and write the others as entries of their own.",
    zh="“{name}”同时包含多种类型（{found}）。请只保留一种，其余写成单独的条目。",
)
NO_IF = kind(
    "workflow_no_if",
    en="`{key}` stands beside `if` only. Add the condition, or move what is below it.",
    zh="`{key}` 只能与 `if` 一起使用。请添加条件，或移走其下的内容。",
)
NO_THEN = kind(
    "workflow_no_then",
    en="`if` needs `then`, the steps that are done when the condition holds. Add them.",
    zh="`if` 需要 `then`，即条件成立时执行的步骤。请补充。",
)
CASE_ELSE = kind(
    "workflow_case_else",
    en="A case cannot be called `else`: that is the way without a condition. Choose another key.",
    zh="分支不能命名为 `else`，它表示无条件的分支。请换一个键。",
)
SAME_STEP = kind(
    "workflow_step_twice",
    en="The step id “{id}” is used twice in this workflow. Give one of the two another key.",
    zh="步骤 ID“{id}”在此工作流中出现了两次。请为其中一个换一个键。",
)
OF_PLATFORM = kind(
    "workflow_of_platform",
    en="Records of {entity} are written by the platform only. Choose another entity.",
    zh="{entity}的记录只由平台写入，请选择其他实体。",
)
NOT_A_MOMENT = kind(
    "workflow_not_a_moment",
    en="{field} is of type {type}. A moment that is reached needs a field of type date or datetime that is kept.",
    zh="{field}的类型是 {type}。到达时间的触发器需要已保存的 date 或 datetime 字段。",
)
AT_OF_MOMENT = kind(
    "workflow_at_of_moment",
    en="{field} has a time of its own. Remove `at`, or choose a field of type date.",
    zh="{field}自身已包含时间。请删除 `at`，或选择 date 类型的字段。",
)
NOT_WRITTEN = kind(
    "workflow_not_written",
    en="{field} gets its value by itself or is kept by the platform, so no step can write it. Remove it.",
    zh="{field}由系统计算或由平台维护，步骤不能写入，请删除。",
)
READ_ONLY = kind(
    "workflow_read_only",
    en="{field} is always read only, by the rule {rule}. Remove it here, or give the rule a `when`.",
    zh="{field}始终只读（规则：{rule}）。请在此删除，或为该规则加上 `when`。",
)
OTHER_RECORD = kind(
    "workflow_other_record",
    en="{field} leads to {wanted}, and “{name}” is a record of {found}. Choose another field or value.",
    zh="{field}指向{wanted}，而“{name}”是{found}的记录。请选择其他字段或值。",
)
NOT_A_LINK = kind(
    "workflow_not_a_link",
    en="{field} is of type {type} and cannot hold a record. Name a link, or write an expression.",
    zh="{field}的类型是 {type}，不能保存记录。请填写关联字段，或改写为表达式。",
)
NOT_MADE = kind(
    "workflow_not_made",
    en="No step before this one makes “{name}”. Write `record`, `start`, or the id of a `create` step further up.",
    zh="此前没有步骤创建“{name}”。请填写 `record`、`start`，或上方某个 `create` 步骤的 ID。",
)
NEEDED = kind(
    "workflow_value_needed",
    en="{entity} needs {field}, and nothing gives it. Add it to `values`.",
    zh="{entity}必须填写{field}，但此处未给定。请在 `values` 中添加。",
)
NOT_A_PERSON = kind(
    "workflow_not_a_person",
    en="“{name}” does not end at a user. Name a path that does, like owner or account.owner.",
    zh="“{name}”的终点不是用户。请填写以用户结尾的路径，例如 owner 或 account.owner。",
)
NOT_BACK = kind(
    "workflow_not_back",
    en="{field} does not lead to {entity}. Name a link of {of} that does.",
    zh="{field}不指向{entity}。请填写{of}中指向它的关联字段。",
)
ONE_WAIT = kind(
    "workflow_one_wait",
    en="A step that waits says exactly one of `span`, `until`, `event` and `message`. Say which.",
    zh="等待步骤须且只能填写 `span`、`until`、`event`、`message` 之一，请指定。",
)
MESSAGE_NEEDS = kind(
    "workflow_message_needs",
    en="A message needs `{key}` to be known as one about this record: `at`, a place in it, and `match`, the expression "
    "that has the value which stands there. Add it.",
    zh="消息需要 `{key}` 才能与此记录对应：`at` 是消息中的位置，`match` 是取值相同的表达式。请补充。",
)
NOT_MATCHED = kind(
    "workflow_not_matched",
    en="{field} is of type {type}. A message finds records by a field that is kept, of type text, sequence, email, "
    "phone, barcode or integer. Choose one.",
    zh="{field}的类型是 {type}。消息只能按已保存的 text、sequence、email、phone、barcode 或 integer 字段查找记录，"
    "请选择其一。",
)
NOT_LINKED = kind(
    "workflow_not_linked",
    en="“{name}” is of type {type} and does not lead to one record of one kind. Name a link, like account or "
    "account.parent.",
    zh="“{name}”的类型是 {type}，不指向唯一一类的一条记录。请填写关联字段，例如 account 或 account.parent。",
)
BAD_URL = kind(
    "workflow_bad_url",
    en="“{url}” is no address that can be called. Write https://, a name of a host, at most a port and a path, without "
    "a user name.",
    zh="“{url}”不是可以调用的地址。请填写 https:// 开头的主机名，可带端口和路径，不要包含用户名。",
)
CLOSED_PORT = kind(
    "workflow_closed_port",
    en="Port {port} is never called: something else than HTTP listens there. Use 443, 8443, or one above 1023.",
    zh="端口 {port} 不允许调用，它通常不是 HTTP 服务。请使用 443、8443，或大于 1023 的端口。",
)
ODD_PORT = kind(
    "workflow_odd_port",
    en="Port {port} is only called where the operator allows it (METALOOM_EGRESS_ALLOW=:{port}). Use 443 or 8443, or "
    "ask the operator.",
    zh="仅当运维人员允许时（METALOOM_EGRESS_ALLOW=:{port}）才能调用端口 {port}。请使用 443 或 8443，或联系运维人员。",
)
ONLY_WITH = kind(
    "workflow_only_with",
    en="`{key}` has a meaning only with `{other}`. Add that, or remove this.",
    zh="`{key}` 仅与 `{other}` 一起使用才有意义。请补充后者，或删除前者。",
)
NOT_NEGATIVE = kind(
    "workflow_span_negative",
    en="“{text}” leads back or nowhere. Write a time to come, like P2D.",
    zh="“{text}”为负或为零。请填写将来的时长，例如 P2D。",
)
NO_MONTHS = kind(
    "workflow_span_months",
    en="“{text}” counts months or years, which business time does not have. Write days and hours, or remove "
    "`calendar`.",
    zh="“{text}”包含月或年，而工作时间不按月计。请改用天和小时，或删除 `calendar`。",
)
NOBODY = kind(
    "workflow_nobody",
    en="Nobody is told. Add `to`, or `address` for somebody without an account.",
    zh="没有接收人。请添加 `to`，或为没有账号的人填写 `address`。",
)
NO_MAIL = kind(
    "workflow_no_mail",
    en="An address is written to by mail. Add `by: {{mail: {{}}}}`.",
    zh="邮箱地址只能通过邮件送达。请添加 `by: {{mail: {{}}}}`。",
)
GET_BODY = kind(
    "workflow_get_body",
    en="A request with GET has no body. Remove `body`, or choose another `method`.",
    zh="GET 请求没有正文。请删除 `body`，或选择其他 `method`。",
)
NOT_OWNED = kind(
    "workflow_not_owned",
    en="Records of {entity} have no owner. Make it `owned: true`, or remove this step.",
    zh="{entity}的记录没有负责人。请将其设为 `owned: true`，或删除此步骤。",
)
NO_TASKS = kind(
    "workflow_no_tasks",
    en="There is no entity `task` for the work that this step gives. Let the package require core.",
    zh="没有实体 `task` 来保存此步骤的任务。请让该包依赖 core。",
)
NO_APPROVAL = kind(
    "workflow_no_approval",
    en="Nothing approves records of {entity}. Describe an approval of it, or remove this step.",
    zh="没有针对{entity}的审批。请先定义审批，或删除此步骤。",
)
OTHER_ENTITY = kind(
    "workflow_other_entity",
    en="“{name}” is about another entity than {entity}. Name one that is about {entity}.",
    zh="“{name}”针对的不是{entity}。请选择针对{entity}的条目。",
)
NOT_CALLED = kind(
    "workflow_not_called",
    en="“{name}” does not start when it is called. Give it a trigger `called: {{}}`.",
    zh="“{name}”不能被调用。请为其添加触发器 `called: {{}}`。",
)
GONE = kind(
    "workflow_record_gone",
    en="The record is in the recycle bin by now, so this step would always fail. Move it before, or remove it.",
    zh="此时记录已在回收站中，此步骤必然失败。请移到删除之前，或将其删除。",
)
UNREACHABLE = kind(
    "workflow_unreachable",
    en="“{name}” is never reached, since the run has ended before. Move or remove it.",
    zh="“{name}”永远不会执行，因为流程在此之前已结束。请移动或删除。",
)
TOO_DEEP = kind(
    "workflow_loops_deep",
    en="`for_each` stands inside two others. Two within each other are the most; put the innermost into a workflow of "
    "its own.",
    zh="`for_each` 嵌套超过两层。最多嵌套两层，请将最内层放入单独的工作流。",
)
TOO_MANY = kind(
    "workflow_loops_many",
    en="These loops within each other come to {count} records; {most} are the most. Give them a smaller `limit`.",
    zh="这些嵌套循环共计 {count} 条记录，最多 {most} 条。请设置更小的 `limit`。",
)
NEVER = kind(
    "workflow_never",
    en="This condition is never met. Correct it, or remove what hangs on it.",
    zh="此条件永远不成立。请更正，或删除相关内容。",
)
CALLS_ITSELF = kind(
    "workflow_calls_itself",
    en="These workflows run each other in a circle ({chain}), so none would ever end. Break the circle.",
    zh="这些工作流相互调用形成循环（{chain}），永远不会结束。请断开循环。",
)
STARTS_ITSELF = kind(
    "workflow_starts_itself",
    en="What is done here starts it again, for ever: {chain}. Add a condition that no longer holds afterwards, like "
    "changed('…') of a field that no step writes; or `once: true`, if it changes nothing but its own record.",
    zh="此处的操作会再次触发自身，无限循环：{chain}。请添加执行后不再成立的条件，"
    "例如步骤未写入字段的 changed('…')；若只修改自身记录，也可设置 `once: true`。",
)
