"""Texts of the frame of every page: menu, palette, notifications, preferences, help: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "account_look": ("Language, time and appearance", "语言、时间与外观"),
    "account_now": ("It is {now} in this time zone.", "该时区当前时间：{now}。"),
    "account_password_help": (
        "Every device is signed out, this one too.",
        "修改后所有设备都将退出登录，包括当前设备。",
    ),
    "account_revoke": ("Revoke the token {name}?", "吊销令牌 {name}？"),
    "account_revoke_help": ("Programs that use it are refused from now on.", "使用该令牌的程序将立即被拒绝。"),
    "account_timezone": ("Time zone", "时区"),
    "account_tokens_help": (
        "A token lets a program of yours use the API with no more than your own rights.",
        "令牌让您的程序以不超过您本人的权限使用 API。",
    ),
    "notice_by": ("{said} by {who}", "{said}（{who}）"),
    "notice_none": ("You are up to date", "没有新通知"),
    "notice_none_help": (
        "When a colleague hands you a record, or an import or export of yours is done, you read it here.",
        "当同事将记录分配给您，或您的导入、导出完成时，会在此通知您。",
    ),
    "notice_older": ("Older", "更早的通知"),
    "notice_out_of_reach": ("A record that you can no longer see", "您已无权查看的记录"),
    "notice_read_all": ("Mark all as read", "全部标为已读"),
    "notice_unread": ("unread", "未读"),
    "palette_actions": ("On this page", "当前页面操作"),
    "palette_create": ("Create", "新建"),
    "palette_hint": (
        "Type two letters of a name, Chinese characters, pinyin initials, or the last four digits of a phone number.",
        "可输入名称的两个字母、汉字、拼音首字母，或电话号码的后四位。",
    ),
    "palette_keys": ("↑ ↓ to choose, Enter to open, Esc to close", "↑ ↓ 选择，回车打开，Esc 关闭"),
    "palette_nothing": ("Nothing found", "未找到内容"),
    "palette_pages": ("Pages", "页面"),
    "palette_recent": ("Recent", "最近查看"),
    "palette_settings": ("Settings", "设置"),
    "shell_close": ("Close", "关闭"),
    "shell_crumbs": ("Where you are", "当前位置"),
    "shell_fold": ("Narrow the menu", "收起菜单"),
    "shell_keys": ("Keyboard shortcuts", "键盘快捷键"),
    "shell_notices": ("Notifications", "通知"),
    "shell_search": ("Search or jump to…", "搜索或跳转…"),
    "shell_tabs": ("Main places", "主要位置"),
    "shell_theme": ("Appearance", "外观"),
    "shell_theme_system": ("As the system", "跟随系统"),
    "shell_theme_light": ("Light", "浅色"),
    "shell_theme_dark": ("Dark", "深色"),
    "shell_go_on": ("Continue", "继续"),
    "shell_no_role": ("Nothing here for you yet", "这里还没有您的内容"),
    "shell_sign_in_to": ("Sign in to {what}", "登录 {what}"),
    "shell_tenant_help": (
        "Each organisation has an address of its own here. Ask a colleague for its short name.",
        "每个组织在此都有自己的地址，可向同事询问其短名称。",
    ),
    "shell_new_title": ("What do you want to create?", "新建什么？"),
}
