"""Texts of forms and their controls: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "form_cell": ("{label}, row {row}", "{label}，第 {row} 行"),
    "form_close": ("Close", "关闭"),
    "form_colon": (": ", "："),
    "form_comma": (", ", "、"),
    "form_conflict": (
        "Somebody saved this record while you were editing. Your entries are kept.",
        "在您编辑期间，他人已保存此记录。您的输入已保留。",
    ),
    "form_conflict_both": (
        "You both changed these fields. Choose a value for each, then save:",
        "以下字段双方都已修改，请逐项选择后保存：",
    ),
    "form_conflict_by": (
        "{who} saved this record while you were editing ({at}). Your entries are kept.",
        "在您编辑期间，{who} 已保存此记录（{at}）。您的输入已保留。",
    ),
    "form_conflict_others": ("Changed by the other only, and taken over:", "仅对方修改、已采用其值："),
    "form_date_hint": ("2027-06-30, tomorrow, +3d", "2027-06-30、明天、+3d"),
    "form_differs": ("Two values", "两个值"),
    "form_find": ("Search", "搜索"),
    "form_warned": ("Please look at this before saving", "保存前请确认"),
    "form_save_anyway": ("Save anyway", "仍然保存"),
    "form_invalid": ("{count} entries are not right yet", "有 {count} 处需要修改"),
    "form_invalid_one": ("One entry is not right yet", "有 1 处需要修改"),
    "form_kind": ("Kind of record", "记录类型"),
    "form_merged": (
        "Saved. Somebody else changed other fields meanwhile; both changes stand.",
        "已保存。期间他人修改了其他字段，双方的修改均已保留。",
    ),
    "form_mine": ("Yours", "您的值"),
    "form_moment_hint": ("2027-06-30 14:00, tomorrow 9:00", "2027-06-30 14:00、明天 9:00"),
    "form_owner_hint": ("You", "您本人"),
    "form_row_delete": ("Delete row {row}", "删除第 {row} 行"),
    "form_rows_count": ("{count} rows", "{count} 行"),
    "form_rows_count_one": ("1 row", "1 行"),
    "form_rows_too_many": (
        "{count} rows are too many to edit in a form (at most {most}). Edit them one by one, or by import.",
        "共 {count} 行，超出表单可编辑的数量（最多 {most} 行）。请逐行编辑或使用导入。",
    ),
    "form_save_new": ("Save and new", "保存并新建"),
    "form_tags_hint": ("Words, separated by commas", "多个标签以逗号分隔"),
    "form_theirs": ("Saved by {who}", "{who} 保存的值"),
    "form_theirs_nobody": ("Saved", "已保存的值"),
    "form_unit_hint": ("Your unit", "您的部门"),
    "form_whole": ("All fields", "全部字段"),
}
