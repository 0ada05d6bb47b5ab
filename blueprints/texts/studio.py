"""Texts of the pages for people who configure: English, Chinese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "studio_expressions": ("Try an expression", "试算表达式"),
    "studio_expressions_intro": (
        "Ask a condition or a formula of one record, and see how each part came to its value.",
        "对一条记录试算条件或公式，并查看每一部分的计算过程。",
    ),
    "studio_entity": ("Kind of record", "记录类型"),
    "studio_find": ("Find a record", "查找记录"),
    "studio_record": ("Record", "记录"),
    "studio_no_record": ("No record found. Search for another one.", "没有找到记录，请换个关键词。"),
    "studio_expression": ("Expression", "表达式"),
    "studio_expression_hint": (
        "For example: amount > 1000 and stage == 'won', or round(amount / 12, 2)",
        "例如：amount > 1000 and stage == 'won'，或 round(amount / 12, 2)",
    ),
    "studio_try": ("Try", "试算"),
    "studio_result": ("Result", "结果"),
    "studio_true": ("It is true", "成立"),
    "studio_false": ("It is not true", "不成立"),
    "studio_why": ("How it came about", "计算过程"),
    "studio_decided": ("What decided against it", "不成立的原因"),
    "studio_column": ("Column {column}", "第 {column} 列"),
    "studio_meant": ("Did you mean {name}?", "是否想用 {name}？"),
}
