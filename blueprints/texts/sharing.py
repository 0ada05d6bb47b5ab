"""Texts of sharing: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "share": ("Share…", "共享…"),
    "share_title": ("Share", "共享"),
    "share_intro": (
        "Who has {title} by sharing, beyond those whose roles let them see it.",
        "除角色允许查看的人以外，以下人员或部门可访问{title}。",
    ),
    "share_none": ("Nobody yet.", "尚未共享给任何人。"),
    "share_read": ("May read", "可查看"),
    "share_write": ("May read and change", "可查看和修改"),
    "share_right": ("Right", "权限"),
    "share_until": ("until {at}", "截至 {at}"),
    "share_unit": ("Unit, with everybody in it and below", "部门，含其下级全体成员"),
    "share_change": ("Change", "修改"),
    "share_end": ("Remove", "移除"),
    "share_end_of": ("Remove {name}", "移除{name}"),
    "share_change_of": ("Change what {name} may do", "修改{name}的权限"),
    "share_end_confirm": ("Stop sharing with {name}?", "取消与{name}的共享？"),
    "share_add": ("Share with somebody", "共享给他人"),
    "share_add_button": ("Share", "共享"),
    "share_save": ("Save", "保存"),
    "share_close": ("Close", "关闭"),
    "share_given": ("Shared.", "已共享。"),
    "share_ended": ("No longer shared.", "已取消共享。"),
    "share_not_yours": (
        "Only people who may change it by their own roles can share it.",
        "只有凭自身角色可修改它的人才能共享。",
    ),
}
