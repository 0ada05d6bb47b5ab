"""Texts of pools, claiming and returning: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "pool_lies_in": ("In the pool {pool}", "位于“{pool}”"),
    "pool_no_owner": ("Nobody owns it.", "暂无负责人。"),
    "pool_before": ("Returned: {reason}", "退回原因：{reason}"),
    "pool_before_by": ("Returned by {who}: {reason}", "由{who}退回：{reason}"),
    "pool_claim": ("Claim", "领取"),
    "pool_claimed": ("Claimed. It is yours now.", "已领取，现由您负责。"),
    "pool_return": ("Return to a pool…", "退回公海…"),
    "pool_return_title": ("Return to a pool", "退回公海"),
    "pool_return_text": (
        "Nobody owns {title} then, and members of the pool may claim it. You may lose sight of it.",
        "退回后{title}将没有负责人，公海成员可以领取，您可能无法再查看它。",
    ),
    "pool_returned": ("Returned to the pool.", "已退回公海。"),
    "pool_reason": ("Reason", "原因"),
    "pool_reason_hint": ("Whoever claims it next reads this in the history.", "下一位领取者可在历史中看到。"),
    "pool_which": ("Pool", "公海"),
    "pool_first_that_takes": ("The first that takes it", "自动匹配"),
    "pool_give": ("Give to…", "分配给…"),
    "pool_give_title": ("Give to somebody", "分配负责人"),
    "pool_give_text": (
        "{title} leaves its pool, and whoever you name owns it.",
        "{title}将离开公海，由您指定的人负责。",
    ),
    "pool_given": ("It has an owner now.", "已分配负责人。"),
    "pool_move": ("Move…", "移到…"),
    "pool_move_title": ("Move to another pool", "移到其他公海"),
    "pool_move_text": ("Members of the other pool may claim {title} then.", "移动后由另一公海的成员领取{title}。"),
    "pool_moved": ("Moved.", "已移动。"),
    "pool_owner": ("New owner", "新负责人"),
    "kind_claimed": ("claimed", "领取"),
    "kind_returned": ("returned to a pool", "退回公海"),
    "kind_assigned": ("assigned", "分配"),
    "kind_moved": ("moved to another pool", "移到其他公海"),
    "list_bulk_claimed": ("{count} claimed", "已领取 {count} 条"),
}
