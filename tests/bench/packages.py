"""The description that the bench uses: two entities on both sides, and any number of further ones on ours."""

from __future__ import annotations

import shutil
from pathlib import Path

PACKAGE = Path(__file__).with_name("package")

_FURTHER = """
label: {{en: "Thing {number}", zh: "事物 {number}"}}
title: name
owned: true
search: {{name: {{}}}}
fields:
  name: {{type: text, max: 120, required: true, label: {{en: Name, zh: 名称}}}}
  opportunity: {{type: link, to: opportunity, on_delete: clear, label: {{en: Opportunity, zh: 商机}}}}
  kind: {{type: choice, options: source, label: {{en: Kind, zh: 类型}}}}
  price: {{type: money, min: 0, label: {{en: Price, zh: 价格}}}}
  share: {{type: percent, label: {{en: Share, zh: 份额}}}}
  weight: {{type: decimal, scale: 3, label: {{en: Weight, zh: 重量}}}}
  pieces: {{type: integer, min: 0, label: {{en: Pieces, zh: 件数}}}}
  begins: {{type: date, label: {{en: Begins, zh: 开始}}}}
  ends: {{type: date, label: {{en: Ends, zh: 结束}}}}
  seen_at: {{type: datetime, label: {{en: Seen at, zh: 查看时间}}}}
  done: {{type: boolean, default: false, label: {{en: Done, zh: 完成}}}}
  email: {{type: email, label: {{en: E-mail, zh: 邮箱}}}}
  website: {{type: url, label: {{en: Website, zh: 网址}}}}
  code: {{type: text, max: 40, label: {{en: Code, zh: 编码}}}}
  place: {{type: text, max: 60, label: {{en: Place, zh: 地点}}}}
  color: {{type: text, max: 20, label: {{en: Color, zh: 颜色}}}}
  note: {{type: long_text, label: {{en: Note, zh: 备注}}}}
  tags: {{type: tags, label: {{en: Tags, zh: 标签}}}}
"""


def write(folder: Path, further: int = 0) -> Path:
    """The package as a folder, with entities `thing_1`, `thing_2`, ... of 18 fields beside its two."""
    shutil.copytree(PACKAGE, folder)
    for number in range(1, further + 1):
        (folder / "entities" / f"thing_{number}.yaml").write_text(_FURTHER.format(number=number).lstrip(), "utf-8")
    return folder


def add_field(folder: Path, name: str) -> None:
    """One more field of the opportunity: its fields are the last thing in its document."""
    with (folder / "entities" / "opportunity.yaml").open("a", encoding="utf-8") as document:
        document.write(f"  {name}: {{type: text, max: 60, label: {{en: {name}, zh: {name}}}}}\n")


def add_entity(folder: Path, name: str) -> None:
    (folder / "entities" / f"{name}.yaml").write_text(_FURTHER.format(number=name).lstrip(), "utf-8")
