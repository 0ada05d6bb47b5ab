"""Names of people, companies and products that nobody has, in Chinese and English, enough of each to be distinct."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

_SURNAMES = (
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 "
    "梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕"
).split()
_GIVEN = (
    "伟 芳 娜 敏 静 强 磊 洋 艳 勇 杰 娟 涛 明 超 秀英 建国 志强 晓明 海燕 丽华 国栋 "
    "雨桐 子涵 浩然 欣怡 思远 嘉宁 文博 佳琪 俊豪 梦洁 雅婷 宇轩 诗涵 天佑 若曦 子墨 "
    "可欣 一诺 景行 知远 清扬 沐辰 书瑶"
).split()
_FIRST = (
    "Ada Alan Alice Amir Anna Ben Bianca Carl Carla Chen Clara Daniel Diana Elena Emil Eva Felix Fiona George Grace "
    "Hannah Hugo Ines Ivan Jack Jana Julia Karim Kate Laura Leo Lena Marco Maria Max Mia Nadia Nina Noah Olga Omar "
    "Paul Petra Quentin Rosa Sam Sara Tariq Tom Uma Vera Victor Wendy Yara Zoe"
).split()
_LAST = (
    "Adams Baker Becker Bell Brown Clark Costa Cruz Diaz Evans Fischer Foster Garcia Gray Green Haas Hill Hughes "
    "Jensen Jones Kaya Keller Klein Kumar Lang Lopez Marsh Meyer Moreau Nash Novak Ortiz Park Patel Perez Reed Rossi "
    "Sato Silva Singh Stone Tanaka Turner Vogel Wagner Walsh Weber Wood Young Zeller"
).split()
_CITIES = "北京 上海 深圳 广州 杭州 苏州 南京 成都 武汉 西安 重庆 天津 青岛 宁波 厦门 长沙 合肥 郑州 大连 无锡".split()
_BRANDS = (
    "华信 恒达 瑞丰 博远 中科智 鼎盛 天元 海川 金石 云帆 联创 正泰源 嘉禾 "
    "光明里 新锐 德润 凯利 宏图 泰和 明远 安捷 启辰 晨曦 万象 百川"
).split()
_TRADES = "科技 贸易 实业 电子 机械 医疗器械 物流 建材 食品 软件 能源 信息技术 装备 化工 文化传播".split()
_COMPANY = (
    "Alder Amber Apex Aurora Beacon Birch Blue Cedar Cobalt Copper Crescent Delta Eastern Echo Falcon Fern Granite "
    "Harbor Helix Iron Juniper Keystone Lumen Maple Meridian Nova Oak Orbit Pacific Pine Prime Quartz Ridge River "
    "Silver Solar Summit Tidal Union Vertex Violet Willow Zenith"
).split()
_LINE = (
    "Logistics Systems Foods Medical Energy Textiles Software Motors Paper Glass Robotics Chemicals Optics Marine "
    "Plastics Instruments"
).split()
_FORM = "Ltd GmbH Inc Group Co.".split()
_GRADES = "标准版 专业版 企业版 Lite Plus Pro Max Edge Air Core".split()
_THINGS = (
    "智能网关 工业平板 传感器 云存储 数据看板 会议终端 打印机 扫码枪 路由器 监控主机 "
    "Router Gateway Sensor Terminal Scanner Printer Dashboard Storage Controller Display"
).split()
_SERIES = "A B C D E F G H K M N P R S T V X Z".split()


def names(kind: str, seed: random.Random) -> Iterator[str]:
    """Distinct names in an order that the seed decides; when all are used they go on with a number."""
    every = list(dict.fromkeys(_ALL[kind]()))
    seed.shuffle(every)
    again = 1
    while True:
        for name in every:
            yield name if again == 1 else f"{name} {again}"
        again += 1


def short_of(company: str) -> str:
    """What people call a company: 华信科技 for 北京华信科技有限公司, Amber Foods for Amber Foods GmbH."""
    if company.isascii():
        return " ".join(each for each in company.split() if each not in _FORM and not each.isdigit())
    found = company.split(" ")[0].removesuffix("有限公司")
    city = next((each for each in _CITIES if found.startswith(each)), "")
    return found.removeprefix(city)


def _people() -> Iterator[str]:
    yield from _people_zh()
    yield from _people_en()


def _people_zh() -> Iterator[str]:
    return (f"{surname}{given}" for surname, given in product(_SURNAMES, _GIVEN))


def _people_en() -> Iterator[str]:
    return (f"{first} {last}" for first, last in product(_FIRST, _LAST))


def _companies() -> Iterator[str]:
    # About as many of either language.
    yield from _companies_zh()
    yield from _companies_en()


def _companies_zh() -> Iterator[str]:
    for city, brand, trade in product(_CITIES[:6], _BRANDS, _TRADES):
        yield f"{city}{brand}{trade}有限公司"
    for city, brand in product(_CITIES[6:], _BRANDS):
        yield f"{city}{brand}集团"


def _companies_en() -> Iterator[str]:
    return (f"{name} {line} {form}" for name, line, form in product(_COMPANY, _LINE, _FORM))


def _cities_zh() -> Iterator[str]:
    return iter(_CITIES)


def _cities_en() -> Iterator[str]:
    return iter("Berlin Hamburg Munich Vienna Zurich Lyon Milan Madrid Leeds Dublin Boston Denver Austin".split())


def _products() -> Iterator[str]:
    for thing, grade in product(_THINGS, _GRADES):
        yield f"{thing} {grade}"
    yield from (f"{thing} {series}{number}00" for thing, series, number in product(_THINGS, _SERIES, range(1, 6)))


_ALL = {
    "person": _people,
    "person_zh": _people_zh,
    "person_en": _people_en,
    "company": _companies,
    "company_zh": _companies_zh,
    "company_en": _companies_en,
    "city_zh": _cities_zh,
    "city_en": _cities_en,
    "product": _products,
}
