"""What can be wrong in an SLA, in words."""

from __future__ import annotations

from metadata.problems import kind

OF_PLATFORM = kind(
    "sla_of_platform",
    en="Records of {entity} are written by the platform alone, so nobody is to do anything about them in time. Name "
    "another entity.",
    zh="{entity}的记录仅由平台写入，没有需要按时处理的工作。请填写其他实体。",
)
NO_DEFAULT = kind(
    "sla_no_default",
    en="“{name}” has a condition and is the last one, so for some records nothing would count. Remove its `when`, or "
    "add one without `when` after it.",
    zh="最后一项“{name}”带有条件，部分记录将没有适用的规则。请去掉其 `when`，或在其后增加一项无条件的默认项。",
)
NEVER_REACHED = kind(
    "sla_never_reached",
    en="“{name}” has no condition, so what stands after it never counts. Put it last, or add `when`.",
    zh="“{name}”没有条件，其后的各项不会生效。请将其放到最后，或填写 `when`。",
)
RESPONSE_PAUSED = kind(
    "sla_response_paused",
    en="“{name}” measures a response, which is never paused: whoever waits for a first answer waits all the time. "
    "Remove `pause`, or say `measures: resolution`.",
    zh="“{name}”度量响应时间，不能暂停：客户一直在等待首次答复。请去掉 `pause`，或改为 `measures: resolution`。",
)
RESPONSE_LONGER = kind(
    "sla_response_longer",
    en="The response “{response}” may take {first}, longer than the resolution “{resolution}” with {second}. Let the "
    "response be no longer.",
    zh="响应“{response}”的时限 {first} 超过了解决“{resolution}”的时限 {second}。响应时限不得更长。",
)
NOT_MEASURED = kind(
    "sla_not_measured",
    en="No policy says how long “{name}” may take, so it is never measured. Give it a time under `within`, or remove "
    "it.",
    zh="没有任何策略规定“{name}”的时限，因此不会计时。请在 `within` 中填写时限，或删除该目标。",
)
TARGETS = {"en": "the targets", "zh": "目标"}
NOT_A_MOMENT = kind(
    "sla_not_a_moment",
    en="{field} is not a moment that is stored with the record. Name a field of type datetime.",
    zh="{field}不是记录中存储的时间点。请填写 datetime 类型的字段。",
)
NOT_KEPT = kind(
    "sla_not_kept",
    en="{field} gets its value from elsewhere or must always have one, so the due moment cannot be kept in it. Name a "
    "plain field of type datetime that is not required.",
    zh="{field}的值由其他来源给出或为必填，不能用来保存到期时间。请填写非必填的普通 datetime 字段。",
)
KEPT_TWICE = kind(
    "sla_kept_twice",
    en="{field} keeps the due moment of “{other}” already. Name another field.",
    zh="{field}已用于保存“{other}”的到期时间，请填写其他字段。",
)
NOT_ONE_TIME = kind(
    "sla_alert_time",
    en="“{name}” must say exactly one of: {known}. Keep one.",
    zh="“{name}”必须且只能填写其中之一：{known}。",
)
NOT_HOURS = kind(
    "sla_alert_days",
    en="“{text}” counts days or months. Around a breach only hours, minutes and seconds count: `PT8H`.",
    zh="“{text}”包含天或月。违约前后的提醒只能使用小时、分钟和秒，例如 `PT8H`。",
)
DEPENDS = kind(
    "sla_condition",
    en="A clock is decided by the record alone when it is saved, whoever looks and whenever. Leave {name} out.",
    zh="计时只取决于保存时的记录本身，与操作人和时间无关。请去掉 {name}。",
)
CHANGES_ITSELF = kind(
    "sla_reads_due",
    en="A condition of this SLA reads {field}, in which it keeps its own due moment. Leave it out.",
    zh="此 SLA 的条件读取了 {field}，而该字段由其自身保存到期时间。请去掉该字段。",
)
