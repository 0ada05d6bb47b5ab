"""What can be wrong in an approval, in words."""

from __future__ import annotations

from metadata.problems import kind

OF_PLATFORM = kind(
    "approval_of_platform",
    en="Records of {entity} are written by the platform alone, so nobody submits them. Name another entity.",
    zh="{entity}的记录仅由平台写入，无法提交审批。请填写其他实体。",
)
MISPLACED = kind(
    "approval_key_misplaced",
    en="`{key}` says nothing of `{type}`. Remove it; known here are: {known}.",
    zh="`{key}` 不适用于 `{type}`，请删除；此处可用的有：{known}。",
)
MISSING = kind(
    "approval_key_missing",
    en="`{type}` needs `{key}`. Add it.",
    zh="`{type}` 需要 `{key}`，请补充。",
)
NAME_TAKEN = kind(
    "approval_node_twice",
    en="There are two nodes “{name}” in this approval. Give one of them another key.",
    zh="此审批中有两个节点“{name}”。请给其中一个换一个键。",
)
NAME_RESERVED = kind(
    "approval_name_reserved",
    en="“{name}” has a meaning of its own in approvals. Choose another key.",
    zh="“{name}”在审批中有特定含义，请换一个键。",
)
ASKS_NOBODY = kind(
    "approval_asks_nobody",
    en="This approval asks nobody, so every record would be approved at once. Add a node of type approve or handle.",
    zh="此审批没有任何人参与，所有记录都会直接通过。请添加 approve 或 handle 类型的节点。",
)
UNREACHABLE = kind(
    "approval_unreachable",
    en="Nothing leads to “{name}”: a route before it always goes on elsewhere. Remove it, or give the route `when`.",
    zh="节点“{name}”无法到达：之前的 route 总是跳到别处。请删除该节点，或为 route 填写 `when`。",
)
NEVER = kind(
    "approval_never",
    en="This condition is never met, so nothing comes of it. Correct it, or remove what it stands at.",
    zh="此条件永远不成立，因此不起作用。请更正条件，或删除其所在的内容。",
)
ALWAYS = kind(
    "approval_always",
    en="This condition is always met, so what stands after it never counts. Correct it, or use `else` instead.",
    zh="此条件始终成立，其后的内容不会生效。请更正条件，或改用 `else`。",
)
NO_ELSE = kind(
    "approval_no_else",
    en="“{name}” does not say what happens when no condition holds. Add `else`, `else: {{}}` for nothing.",
    zh="“{name}”没有说明所有条件都不成立时如何处理。请补充 `else`，无需处理时写 `else: {{}}`。",
)
ENDLESS = kind(
    "approval_endless",
    en="This route could go round for ever without anybody deciding in between. Let it lead to or past a node of type "
    "approve or handle.",
    zh="此 route 可能在无人决策的情况下无限循环。请让其经过 approve 或 handle 类型的节点。",
)
ROUTE_INTO = kind(
    "approval_route_into",
    en="“{name}” stands inside another block, which a route cannot enter. Name a node of the same block or of one "
    "around it.",
    zh="“{name}”位于其他分支内部，route 不能进入。请填写同一层或外层的节点。",
)
RETURN_INTO = kind(
    "approval_return_into",
    en="“{name}” stands in another parallel branch, whose decisions a return must not undo. Name a node of the same "
    "branch or of one before it.",
    zh="“{name}”位于另一个并行分支，退回不得撤销其决定。请填写同一分支或其之前的节点。",
)
RETURN_AHEAD = kind(
    "approval_return_ahead",
    en="“{name}” is never passed before this node, so nothing can be returned to it. Name an earlier node.",
    zh="流程在到达此节点之前不会经过“{name}”，无法退回到该节点。请填写更早的节点。",
)
NOT_HUMAN = kind(
    "approval_not_human",
    en="Nobody decides at “{name}”. Name a node of type approve or handle.",
    zh="“{name}”没有人决策。请填写 approve 或 handle 类型的节点。",
)
EMPTY_UNSAID = kind(
    "approval_empty_unsaid",
    en="“{name}” does not say what happens when nobody is found. Add `empty`: climb, approve, reject, users or admin.",
    zh="“{name}”没有说明找不到审批人时如何处理。请填写 `empty`：climb、approve、reject、users 或 admin。",
)
SEPARATED_SELF = kind(
    "approval_separated_self",
    en="“{name}” is separated, so its initiator may not decide there. Say `self: skip`, to_manager or to_unit_head.",
    zh="“{name}”要求职责分离，发起人不能在此审批。请填写 `self: skip`、to_manager 或 to_unit_head。",
)
SEPARATED_EMPTY = kind(
    "approval_separated_empty",
    en="“{name}” is separated, so it may not pass without anybody. Say another `empty`, like climb or admin.",
    zh="“{name}”要求职责分离，不能在无人审批时自动通过。请将 `empty` 改为 climb 或 admin 等。",
)
HANDLE_REJECTS = kind(
    "approval_handle_rejects",
    en="“{name}” is work to be done, which cannot be rejected. Make it `type: approve`, or choose another value.",
    zh="“{name}”是办理节点，不能拒绝。请改为 `type: approve`，或换一个值。",
)
BULK_ASKS = kind(
    "approval_bulk_asks",
    en="“{name}” asks for a signature or a comment of each approval, so many cannot be approved at once. Drop `bulk`, "
    "or what it asks for.",
    zh="“{name}”要求每次同意时签名或填写意见，不能批量审批。请去掉 `bulk` 或相应要求。",
)
NOT_WRITTEN = kind(
    "approval_not_written",
    en="{field} gets its value from the platform, so an approval can neither set it nor open it. Name another field.",
    zh="{field}的值由平台给出，审批不能设置或开放该字段。请填写其他字段。",
)
NO_PERSON = kind(
    "approval_no_person",
    en="“{name}” does not lead to {wanted}. Name a path that ends there, like `owner`.",
    zh="“{name}”不指向{wanted}。请填写以其结尾的路径，例如 `owner`。",
)
NO_USER = kind(
    "approval_no_user",
    en="The value of this expression is not a user. Let it give one, like `amount > 100 ? owner.manager : owner`.",
    zh="该表达式的值不是用户。请返回用户，例如 `amount > 100 ? owner.manager : owner`。",
)
NO_UNIT = kind(
    "approval_no_unit",
    en="Records of {entity} belong to no unit. Say `within: initiator_unit`, or make the entity `owned: true`.",
    zh="{entity}的记录不属于任何部门。请填写 `within: initiator_unit`，或将实体设为 `owned: true`。",
)
NO_ASSIGNEE = kind(
    "approval_no_assignee",
    en="There is an `assignee` only where a timeout says whom to ask. Say `initiator`, or a path to a user.",
    zh="只有在超时的 `to` 中才有 `assignee`。请填写 `initiator` 或指向用户的路径。",
)
NO_PICKING = kind(
    "approval_no_picking",
    en="People can be picked for a node's `who` only. Say otherwise who is meant.",
    zh="只有节点的 `who` 可以由人选择。请换一种方式指定人员。",
)
NOBODY_BEFORE = kind(
    "approval_nobody_before",
    en="No approver comes before “{name}” who could pick its people. Let the initiator pick: `by: initiator_picks`.",
    zh="“{name}”之前没有审批人，无法由其选择。请改为由发起人选择：`by: initiator_picks`。",
)
TOO_FEW = kind(
    "approval_too_few",
    en="At least {least} have to be picked, but at most {most} may be. Correct one of them.",
    zh="至少须选 {least} 人，但最多只能选 {most} 人，请更正其中之一。",
)
MATRIX_WITHIN = kind(
    "approval_matrix_within",
    en="A matrix cannot refer to a matrix. Say in the row who is meant.",
    zh="矩阵不能引用矩阵。请在该行中直接指定人员。",
)
ROW_BEHIND = kind(
    "approval_row_behind",
    en="The row “{name}” has no condition, so the rows after it never count. Put it last, or add `when`.",
    zh="行“{name}”没有条件，其后的行不会生效。请将其放到最后，或填写 `when`。",
)
ASKS_WHO = kind(
    "approval_asks_who",
    en="A condition of an approval is decided by the record alone, whoever looks. Leave {name} out; say who may submit "
    "by `submitters`.",
    zh="审批条件只取决于记录本身，与操作人无关。请去掉 {name}；可用 `submitters` 限定提交人。",
)
NOT_FORWARD = kind(
    "approval_not_forward",
    en="“{text}” is not a time to wait: it is nothing or lies in the past. Write a length like PT4H or P2D.",
    zh="“{text}”不是可等待的时长：为零或为负。请填写 PT4H 或 P2D 这样的时长。",
)
OVER_ALL = kind(
    "approval_over_all",
    en="{percent} percent of the people can never agree. Say 100 at most.",
    zh="不可能有 {percent}% 的人同意，最多为 100。",
)
BLIND = kind(
    "approval_blind_roles",
    en="People with {roles} take part in this approval, and no role lets them see approvals. Let the role read "
    '{entities}: `approval_task: {{read: {{where: "assignee == $user"}}}}`, or give everybody a role that does.',
    zh="角色 {roles} 的人员参与此审批，但没有角色允许其查看审批。请授予该角色读取 {entities} 的权限，例如 "
    '`approval_task: {{read: {{where: "assignee == $user"}}}}`，或为所有人分配具有该权限的角色。',
)
