"""What can differ from what a scenario expects, in words; `expected` and `found` are told to machines as well."""

from __future__ import annotations

from metadata.problems import kind

GIVEN = kind(
    "scenario.given",
    en="What is given cannot be saved: {found}",
    zh="给定的数据无法保存：{found}",
)
VALUE = kind(
    "scenario.value",
    en="{record}: {field} should be {expected}, and is {found}.",
    zh="{record}：{field}应为 {expected}，实际为 {found}。",
)
GONE = kind(
    "scenario.record_gone",
    en="{record} is not there any more: {found}",
    zh="{record}已不存在：{found}",
)
NOT_HOLDING = kind(
    "scenario.not_holding",
    en="“{expected}” should hold of {record}, and does not: {found}",
    zh="{record}应满足“{expected}”，但不满足：{found}",
)
REFUSED = kind(
    "scenario.refused",
    en="This should be possible, and was refused: {found}",
    zh="此操作应当成功，却被拒绝：{found}",
)
NOT_REFUSED = kind(
    "scenario.not_refused",
    en="This should be refused ({expected}), and was done.",
    zh="此操作应被拒绝（{expected}），却执行成功。",
)
REFUSED_OTHERWISE = kind(
    "scenario.refused_otherwise",
    en="This should be refused by {expected}, and was refused by another: {found}",
    zh="此操作应因 {expected} 被拒绝，实际因其他原因被拒绝：{found}",
)
DELETED = kind(
    "scenario.not_deleted",
    en="{record} should lie in the recycle bin, and does not.",
    zh="{record}应在回收站中，实际不在。",
)
VISIBLE = kind(
    "scenario.not_visible",
    en="{person} should see {record}, and does not.",
    zh="{person}应能看到{record}，实际看不到。",
)
HIDDEN = kind(
    "scenario.visible",
    en="{person} should not see {record}, and does.",
    zh="{person}不应看到{record}，实际能看到。",
)
COUNT = kind(
    "scenario.count",
    en="There should be {expected} of {what}, and there are {found}.",
    zh="{what}应有 {expected} 个，实际有 {found} 个。",
)
NONE_FITS = kind(
    "scenario.none_fits",
    en="{what} should be there ({expected}). There is: {found}.",
    zh="应有{what}（{expected}）。实际有：{found}。",
)
HOW_MANY = kind(
    "scenario.how_many",
    en="{what} ({expected}) should be there {count} times, and {number} fit. There is: {found}.",
    zh="{what}（{expected}）应有 {count} 个，实际符合的有 {number} 个。现有：{found}。",
)
RUN_FAILED = kind(
    "scenario.run_failed",
    en="A run of {workflow} has failed in its step {step}: {found}",
    zh="工作流 {workflow} 的运行在步骤 {step} 失败：{found}",
)
STATE = kind(
    "scenario.state",
    en="{what} should be {expected}, and is {found}.",
    zh="{what}应为 {expected}，实际为 {found}。",
)

TASK = {"en": "An open task", "zh": "待办任务"}
NOTIFICATION = {"en": "A notification", "zh": "通知"}
MAIL = {"en": "A mail", "zh": "邮件"}
CALL = {"en": "A request to another system", "zh": "对外请求"}
RUN = {"en": "A run of {workflow}", "zh": "工作流 {workflow} 的运行"}
APPROVAL = {"en": "The approval of {record}", "zh": "{record}的审批"}
ITS_DEFINITION = {"en": "The approval that {record} takes", "zh": "{record}所走的审批"}
WAITING = {"en": "Whose turn it is for {record}", "zh": "{record}当前的审批人"}
NODE = {"en": "The node at which {record} is", "zh": "{record}所在的审批节点"}
NOTHING = {"en": "nothing", "zh": "无"}
