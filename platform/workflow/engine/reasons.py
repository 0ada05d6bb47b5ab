"""Why a run ended otherwise than well, in words that are stored with it, and the kinds that the engine itself finds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from metadata.model import EMPTY
from metadata.problems import LANGUAGES, Label, Problem, kind

TOO_DEEP = kind(
    "workflow_too_deep",
    en="Workflows started one another {most} times in a row: {chain}. Give one of them a condition that ends this.",
    zh="工作流互相触发已达 {most} 层：{chain}。请为其中一个加上能终止循环的条件。",
)
TOO_MANY_STEPS = kind(
    "workflow_too_many_steps",
    en="The run took {most} steps and was stopped at {chain}. Let it handle fewer records, or split it up.",
    zh="本次运行已执行 {most} 个步骤，在 {chain} 处停止。请减少处理的记录，或拆分工作流。",
)
UNKNOWN_STEP = kind(
    "workflow_step_gone",
    en="The run stands at the step {step}, which its workflow does not have. Start it again.",
    zh="运行停留在步骤 {step}，但工作流中已没有该步骤。请重新启动。",
)
NO_MOMENT = kind(
    "workflow_no_moment",
    en="{text} gives no moment to wait for. Fill in the date, or test for it before the step.",
    zh="{text} 没有给出可等待的时间。请填写日期，或在此步骤之前先判断。",
)
NO_MATCH = kind(
    "workflow_no_match",
    en="{text} is empty, so no message can be known as one about this record. Fill it in, or test for it "
    "before the step.",
    zh="{text} 为空，无法识别与此记录对应的消息。请填写，或在此步骤之前先判断。",
)
RUN_FAILED = kind(
    "workflow_sub_failed",
    en="The workflow {workflow}, which this step waited for, did not end well. Look at its run.",
    zh="此步骤等待的工作流 {workflow} 未能正常结束。请查看它的运行记录。",
)
CALL_FAILED = kind(
    "workflow_call_failed",
    en="The request was not answered well (status {status}). Look at the other side, or add a block `failed`.",
    zh="请求未得到成功的应答（状态 {status}）。请检查对方系统，或添加 `failed` 分支。",
)
STOPPED = kind("workflow_stopped", en="The workflow stops here.", zh="工作流在此停止。")


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code and a sentence for people; `step` and `visit` say where, 0 for the run as a whole.

    The sentence is stored as it was said, so an old run can be read when the kind is no longer there.
    """

    code: str
    texts: Label = dataclasses.field(default_factory=lambda: EMPTY)
    step: str = ""
    visit: int = 0


def reason(problem: Problem) -> Reason:
    """A problem as it is stored."""
    return Reason(problem.code, {lang: problem.message(lang) for lang in LANGUAGES})
