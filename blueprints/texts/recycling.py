"""Texts of the recycle bin, of undoing, of merging and of the first steps in an empty tenant: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "first_title": ("Welcome", "欢迎使用"),
    "first_intro": (
        "Everything is set up, and nothing is in it yet. Here is what people do first.",
        "系统已就绪，还没有任何数据。您可以从这里开始。",
    ),
    "first_import": ("Import {what}", "导入{what}"),
    "first_import_text": (
        "Bring {what} from a CSV or Excel file. You see what would happen before anything is written.",
        "从 CSV 或 Excel 文件导入{what}，写入前可先预览结果。",
    ),
    "first_new_text": ("Make the first {what} by hand.", "手动新建第一条{what}。"),
    "first_invite": ("Invite people", "邀请同事"),
    "first_invite_text": (
        "Whoever runs this installation adds people with a role. The password is shown once.",
        "由系统运维人员添加用户并指定角色，密码仅显示一次。",
    ),
    "first_demo": ("Look at a filled one", "查看示例"),
    "first_demo_text": (
        "A whole company with a year of made-up work, beside this one.",
        "另建一个包含一年模拟数据的示例公司。",
    ),
    "first_change": ("Make it yours", "按需调整"),
    "first_change_text": (
        "Add a field, an entity or a view in a few lines of YAML, look at the plan, apply it.",
        "用几行 YAML 添加字段、实体或视图，查看变更计划后应用。",
    ),
    "first_describe": ("Describe your business", "描述您的业务"),
    "first_describe_text": (
        "Write down in YAML what you keep records of. Tables, screens and the API follow from it.",
        "用 YAML 描述需要管理的内容，数据表、页面和 API 将自动生成。",
    ),
    "recycling_merge": ("Merge", "合并"),
    "recycling_merge_title": ("Merge {what}", "合并{what}"),
    "recycling_merge_intro": (
        "Choose the record that stays and, where they differ, the value to keep. Everything that belongs to the other "
        "records moves to it; they go to the recycle bin and their addresses lead here.",
        "请选择要保留的记录，并在有差异处选择要保留的值。其他记录的所有关联内容都会移到保留的记录；其他记录进入回收站，其地址将指向保留的记录。",
    ),
    "recycling_merge_one": (
        "Find the other record that is the same thing as this one.",
        "请查找与此记录重复的另一条记录。",
    ),
    "recycling_merge_add": ("Take in another record", "加入另一条记录"),
    "recycling_merge_none": ("Choose records in the list to merge them.", "请在列表中选择要合并的记录。"),
    "recycling_stays": ("Stays", "保留"),
    "recycling_stay": ("Keep this one", "保留此条"),
    "recycling_goes": ("Is merged into it", "并入"),
    "recycling_differ": ("Where they differ", "有差异的字段"),
    "recycling_same": ("The same in all of them ({count})", "各条相同的字段（{count}）"),
    "recycling_moves": ("What moves along", "随之移动的内容"),
    "recycling_moves_none": ("Nothing else belongs to these records.", "这些记录没有其他关联内容。"),
    "recycling_changed": ("changed {at}", "修改于 {at}"),
    "recycling_belongs": ("{count} linked", "{count} 条关联"),
    "recycling_locked": ("Only the one that stays counts", "以保留的记录为准"),
    "recycling_merge_now": ("Merge {count} records", "合并 {count} 条记录"),
    "recycling_merged": ("Merged. Everything is in this record now.", "已合并，所有内容都在此记录中。"),
    "recycling_led": (
        "The record that you asked for was merged into this one.",
        "您访问的记录已合并到此记录。",
    ),
    "recycling_empty_value": ("empty", "空"),
    "recycling_bin": ("Recycle bin", "回收站"),
    "recycling_intro": (
        "What you may delete, you may bring back. Nothing is removed from here by itself.",
        "您有权删除的记录都可以恢复。回收站中的内容不会自动清除。",
    ),
    "recycling_nothing": ("The recycle bin is empty", "回收站为空"),
    "recycling_nothing_note": (
        "Deleted records are kept here, with everything that went with them.",
        "删除的记录及其附属内容会保存在这里。",
    ),
    "recycling_nothing_found": ("Nothing deleted matches this.", "没有符合条件的已删除记录。"),
    "recycling_what": ("What", "内容"),
    "recycling_who": ("Deleted by", "删除人"),
    "recycling_when": ("When", "时间"),
    "recycling_with": ("With it", "一并删除"),
    "recycling_along": ("{count} {what}", "{count} 条{what}"),
    "recycling_into": ("merged into {title}", "已并入 {title}"),
    "recycling_all_kinds": ("All kinds", "全部类型"),
    "recycling_kind": ("Kind", "类型"),
    "recycling_select": ("Select {title}", "选择 {title}"),
    "recycling_select_all": ("Select all on this page", "选择本页全部"),
    "recycling_restore_chosen": ("Restore selected", "恢复所选"),
    "recycling_restored_some": ("{count} restored.", "已恢复 {count} 条。"),
    "recycling_older": ("Older", "更早"),
    "recycling_undo": ("Undo", "撤销"),
    "recycling_deleted": ("{title} deleted.", "已删除 {title}。"),
}
