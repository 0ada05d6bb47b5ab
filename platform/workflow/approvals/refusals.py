"""Why a verb is refused: who has decided already, or what to do instead. A refused verb has changed nothing."""

from __future__ import annotations

from metadata.problems import Conflict, Forbidden, Invalid, PlatformError, kind


class Refused(PlatformError):
    """A verb that is not allowed. One of the three below, so it answers 409, 403 or 422."""


class TooLate(Refused, Conflict):
    """The request is not, or no longer, where the verb supposes."""


class NotYours(Refused, Forbidden):
    """Somebody else may do this."""


class Wrong(Refused, Invalid):
    """The verb itself has to be mended."""


DECIDED = kind(
    "approval_task_decided",
    en="{who} has already decided this task. Reload the page to see where the approval stands.",
    zh="{who} 已处理此任务。请刷新页面查看审批进展。",
)
OVER = kind(
    "approval_task_over",
    en="This task is over, because {why}. Reload the page to see where the approval stands.",
    zh="此任务已结束，原因：{why}。请刷新页面查看审批进展。",
)
NOT_YET = kind(
    "approval_task_waiting",
    en="This task waits for {who}. It can be decided after that.",
    zh="此任务正在等待 {who} 处理，之后才能处理。",
)
WAITS_AFTER = kind(
    "approval_task_approving",
    en="You have approved this task; it waits for {who}. Take your decision back if it was wrong.",
    zh="您已同意此任务，正在等待 {who} 处理。如有误，请撤回您的审批。",
)
NO_TASK = kind(
    "approval_task_unknown",
    en="This approval has no such task. Open it again from your list.",
    zh="此审批没有该任务。请从您的列表重新打开。",
)
NOT_REPRESENTED = kind(
    "approval_not_represented",
    en="Only {who} and a standing proxy of theirs can do this. Ask them, or an administrator of the approval.",
    zh="只有 {who} 本人或其代理人可以执行此操作。请联系对方或审批管理员。",
)
NOT_ASSIGNEE = kind(
    "approval_not_assignee",
    en="Only {who} can do this. Ask for the task to be transferred to you.",
    zh="只有 {who} 可以执行此操作。请让对方将任务转交给您。",
)
NOT_RUNNING = kind(
    "approval_not_running",
    en="This approval is not running: it is {state}. Submit the record for approval again if it still needs one.",
    zh="此审批未在进行中，当前状态：{state}。如仍需审批，请重新提交。",
)
NOT_DRAFT = kind(
    "approval_submitted",
    en="{who} has already submitted this approval. Open it to see where it stands.",
    zh="{who} 已提交此审批。请打开查看进展。",
)
NOT_SUBMITTER = kind(
    "approval_not_submitter",
    en="You may not submit this record for approval. Ask somebody with one of the roles that may.",
    zh="您无权提交此审批。请联系具有提交权限的人员。",
)
NOT_INITIATOR = kind(
    "approval_not_initiator",
    en="Only {who}, who submitted it, can do this. Add a comment to ask for it.",
    zh="只有提交人 {who} 可以执行此操作。您可以添加评论提出请求。",
)
NOT_ADMIN = kind(
    "approval_not_admin",
    en="Only those who look after this approval can do this: {who}. Ask one of them.",
    zh="只有此审批的管理员可以执行此操作：{who}。请联系管理员。",
)
NOT_ENTERED = kind(
    "approval_not_needed",
    en="This record does not meet the condition of this approval, so there is nothing to approve. Save it as it is.",
    zh="此记录不满足该审批的条件，无需审批。请直接保存。",
)
COMMENT_NEEDED = kind(
    "approval_comment_needed",
    en="Say why: a comment is needed here.",
    zh="此处必须填写意见。请说明原因。",
)
SIGNATURE_NEEDED = kind(
    "approval_signature_needed",
    en="Sign to decide this task.",
    zh="处理此任务需要签名。请先签名。",
)
NO_REJECT = kind(
    "approval_handle_not_rejected",
    en="A task to handle cannot be rejected. Return it, or complete it with a comment.",
    zh="办理任务不能拒绝。请退回，或填写意见后完成。",
)
CLOSED_FIELDS = kind(
    "approval_fields_closed",
    en="You may not change {fields} while deciding this task. Return it to {who} to have that changed.",
    zh="处理此任务时不能修改 {fields}。请退回给 {who} 修改。",
)
NO_RETURN = kind(
    "approval_return_refused",
    en="It cannot be returned there. Choose one of: {targets}.",
    zh="不能退回到该节点。请选择：{targets}。",
)
NO_RETURN_AT_ALL = kind(
    "approval_return_nowhere",
    en="Nothing can be returned from here. Approve or reject it.",
    zh="此节点不能退回。请同意或拒绝。",
)
OPINION_ONLY = kind(
    "approval_opinion_only",
    en="You are asked for an opinion: approve or reject. {who} does the rest.",
    zh="您受委派提供意见：请同意或拒绝，其他操作由 {who} 执行。",
)
ONE_KIND = kind(
    "approval_signers_one_kind",
    en="This task already has signers {how}. Remove them first, or add more of that kind.",
    zh="此任务已有{how}加签人。请先减签，或继续添加同类加签人。",
)
ALREADY_ASKED = kind(
    "approval_already_asked",
    en="{who} takes part in this node already. Choose somebody else.",
    zh="{who} 已参与此节点。请选择其他人。",
)
NOBODY_ADDED = kind(
    "approval_nobody_added",
    en="Name at least one person.",
    zh="请至少选择一人。",
)
TOO_DEEP = kind(
    "approval_signers_too_deep",
    en="Signers cannot add signers beyond {most} levels. Transfer the task instead.",
    zh="加签不能超过 {most} 层。请改用转交。",
)
TOO_MANY = kind(
    "approval_too_many_voters",
    en="A node has at most {most} people. Add fewer, or remove some first.",
    zh="一个节点最多 {most} 人。请减少人数，或先减签。",
)
INACTIVE = kind(
    "approval_person_inactive",
    en="{who} is no longer active. Choose somebody else.",
    zh="{who} 已停用。请选择其他人。",
)
SEPARATED = kind(
    "approval_duties_separated",
    en="{who} submitted this and may not decide here. Choose somebody else.",
    zh="{who} 是提交人，不能在此节点审批。请选择其他人。",
)
NOT_ADDED = kind(
    "approval_signer_not_added",
    en="Only signers who were added can be removed, and only by {who}, who added them.",
    zh="只能由加签人 {who} 移除其添加的人员。",
)
NOBODY_TO_REMOVE = kind(
    "approval_signer_original",
    en="This person is an approver by definition. Ask for a transfer instead of removing them.",
    zh="此人是流程定义的审批人，不能减签。请改用转交。",
)
WITHDRAW_LATE = kind(
    "approval_withdraw_late",
    en="{who} has already acted, so it cannot be withdrawn. Ask an approver to return it to you.",
    zh="{who} 已处理，不能撤回。请让审批人退回给您。",
)
WITHDRAW_ADMIN = kind(
    "approval_withdraw_admin",
    en="This approval can be withdrawn only by those who look after it: {who}. Ask one of them.",
    zh="此审批只能由管理员撤回：{who}。请联系管理员。",
)
NOT_TAKEN_BACK = kind(
    "approval_nothing_to_take_back",
    en="Only your own decision that still counts can be taken back. Add a comment instead.",
    zh="只能撤回您本人仍然有效的审批。请改为添加评论。",
)
TAKE_BACK_LATE = kind(
    "approval_take_back_late",
    en="{who} has already acted after you, so it cannot be taken back. Ask them to return it to your node.",
    zh="{who} 已在您之后处理，不能撤回。请让对方退回到您的节点。",
)
TAKE_BACK_SET = kind(
    "approval_take_back_passed",
    en="The approval has already gone on past {node}, so it cannot be taken back. Ask the next approver to return it.",
    zh="审批已经过 {node}，不能撤回。请让下一位审批人退回。",
)
NOT_APPROVED = kind(
    "approval_not_approved",
    en="Only an approved request can be voided: this one is {state}. Withdraw or terminate it instead.",
    zh="只有已通过的审批可以作废，当前状态：{state}。请改用撤回或终止。",
)
URGED = kind(
    "approval_urged",
    en="They were reminded a short while ago. Try again in {minutes} minutes.",
    zh="刚刚已催办。请在 {minutes} 分钟后再试。",
)
NOBODY_TO_URGE = kind(
    "approval_nobody_to_urge",
    en="Nobody is asked at the moment, so there is nobody to remind. Wait for the next step.",
    zh="当前没有待处理人，无需催办。请等待下一步。",
)
REASON_NEEDED = kind(
    "approval_reason_needed",
    en="Say why: the reason is kept with the approval.",
    zh="请填写原因，原因将随审批保存。",
)
NO_JUMP = kind(
    "approval_jump_refused",
    en="It cannot go on at {node}: no node of that id can be reached from here. Choose one of: {targets}.",
    zh="不能跳转到 {node}：从此处无法到达该节点。请选择：{targets}。",
)
NOT_RETURNED = kind(
    "approval_not_returned",
    en="This approval was not returned, so there is nothing to submit again. Withdraw it to change the record.",
    zh="此审批未被退回，无需重新提交。如需修改记录，请先撤回。",
)
MEND_FIRST = kind(
    "approval_mend_first",
    en="This request was returned to {who}, who can change the record and submit it again, or withdraw it.",
    zh="此审批已退回给 {who}，可修改记录后重新提交，或撤回。",
)
PICK = kind(
    "approval_pick",
    en="Choose who decides at {node}: at least {least}, at most {most}.",
    zh="请为 {node} 选择审批人：至少 {least} 人，最多 {most} 人。",
)
PICK_AMONG = kind(
    "approval_pick_among",
    en="{who} may not be chosen for {node}. Choose somebody with one of its roles.",
    zh="{who} 不能作为 {node} 的审批人。请从指定角色中选择。",
)
NOT_TO_PICK = kind(
    "approval_not_to_pick",
    en="Nobody is chosen by you for {node}. Leave it out.",
    zh="{node} 的审批人不由您选择。请去掉该项。",
)
