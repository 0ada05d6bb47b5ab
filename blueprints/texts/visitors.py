"""Texts of public forms: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "visitors_send": ("Send", "提交"),
    "visitors_sent": ("Sent", "已提交"),
    "visitors_thanks": ("Thank you. We have received what you sent.", "谢谢，我们已收到您提交的内容。"),
    "visitors_again": ("Fill in another one", "再填写一份"),
    "visitors_wrong": ("Not sent yet. Look at the marked entries.", "尚未提交，请检查标出的内容。"),
    "visitors_optional": ("optional", "选填"),
    "visitors_trap": ("Leave this empty", "请留空"),
    "visitors_language": ("Language", "语言"),
    "visitors_choose": ("Please choose", "请选择"),
}
