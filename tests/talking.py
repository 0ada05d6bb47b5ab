"""A company that people talk with, as a package: a timeline of three lists, a stage, a file, roles that see less."""

from __future__ import annotations

from typing import Any

from tests.doors import Api, Browser, Site
from tests.pages import Page

TALKS = """
package: {code: talks, version: 1.0.0, kind: core, settings: {currency: CNY, timezone: Asia/Shanghai}}
entities:
  user:
    title: name
    fields:
      name: {type: text, max: 80, required: true}
      email: {type: email, unique: true}
      unit: {type: link, to: unit, inverse: {key: members}}
      units: {type: links, to: unit, inverse: {key: further_members}}
      language: {type: choice, default: en, options: {en: {}, zh: {}}}
      timezone: {type: text, max: 60}
      active: {type: boolean, default: true}
  unit:
    title: name
    fields: {name: {type: text, required: true}, parent: {type: link, to: unit, inverse: {key: children}}}
  company:
    label: {en: Company, zh: 公司}
    title: name
    owned: true
    fields:
      name: {type: text, max: 120, required: true, label: {en: Name, zh: 名称}}
      stage:
        type: choice
        default: fresh
        label: {en: Stage, zh: 阶段}
        options:
          fresh: {label: {en: Fresh, zh: 新}}
          warm: {label: {en: Warm, zh: 热}, color: orange}
          signed: {label: {en: Signed, zh: 签约}, color: green}
          dropped: {label: {en: Dropped, zh: 放弃}}
      story: {type: long_text, label: {en: Story, zh: 经过}}
      secret: {type: text, label: {en: Secret word, zh: 暗号}}
      scan: {type: file, label: {en: Scan, zh: 扫描件}}
  talk:
    label: {en: Talk, zh: 谈话}
    title: subject
    owned: true
    icon: message
    sort: {at: desc}
    fields:
      subject: {type: text, max: 200, required: true}
      how:
        type: choice
        required: true
        default: call
        label: {en: How, zh: 方式}
        options: {call: {label: {en: Call, zh: 电话}}, visit: {label: {en: Visit, zh: 拜访}}}
      said: {type: long_text}
      about:
        type: any_link
        to: {company: {}}
        on_delete: cascade
        inverse: {key: talks, label: {en: Talks, zh: 谈话}}
      at: {type: datetime, required: true, default: now}
      again: {type: date, label: {en: Talk again, zh: 下次}}
  memo:
    label: {en: Memo, zh: 便笺}
    title: title
    icon: note
    fields:
      title: {type: text, max: 200, required: true}
      company: {type: link, to: company, on_delete: cascade, inverse: {key: memos, label: {en: Memos, zh: 便笺}}}
      paper: {type: file}
  bill:
    label: {en: Bill, zh: 账单}
    title: number
    fields:
      number: {type: text, required: true}
      company: {type: link, to: company, on_delete: cascade, inverse: {key: bills, label: {en: Bills, zh: 账单}}}
  product:
    title: name
    label: {en: Product, zh: 产品}
    fields:
      name: {type: text, required: true}
      company: {type: link, to: company, inverse: {key: products, label: {en: Products, zh: 产品}}}
layouts:
  talk: {entity: talk, quick: {how: {}, subject: {}, said: {}, again: {}}}
  company:
    entity: company
    stage: stage
    quick: {name: {}}
    highlights: {stage: {}, owner: {}}
    tabs:
      overview:
        label: {en: Overview, zh: 概览}
        timeline: {talks: {}, memos: {}, bills: {}}
        related: {products: {}}
      details:
        label: {en: Details, zh: 详情}
        sections: {all: {label: {en: All, zh: 全部}, fields: {name: {}, story: {}, secret: {}}}}
        related: {bills: {}}
  company_desk:
    entity: company
    roles: {desk: {}}
    tabs:
      desk:
        label: {en: Desk, zh: 前台}
        sections: {one: {label: {en: Reception, zh: 接待}, fields: {name: {}}}}
roles:
  admin: {entities: {'*': {read: all, create: all, update: all, delete: all}}}
  clerk:
    entities:
      company: {read: all, update: all, fields: {secret: hidden}}
      talk: {read: own, create: own, update: own, delete: own}
      memo: {read: all, create: all}
      product: {read: all}
      user: {read: all, fields: {'*': read}}
      unit: {read: all, fields: {'*': read}}
  desk:
    entities:
      company: {read: own, fields: {secret: hidden, story: hidden}}
"""


def page_at(browser: Browser, path: str, status: int = 200) -> Page:
    """The page at an address, which must be good HTML."""
    answer = browser.get(path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, (path, answer.status_code, text[:400])
    page = Page(text)
    assert page.wrong == [], (path, page.wrong)
    return page


def company(here: Site, api: Api, **values: Any) -> str:
    """A new company; its id."""
    id: str = api.made("company", **{"name": "Acme", **values})["id"]
    return id


def about(id: str) -> dict[str, str]:
    return {"entity": "company", "id": id}
