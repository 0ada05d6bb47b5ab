"""Postal addresses in their parts, shown in the order of their country."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from metadata import divisions
from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import BLANKS, ecma
from metadata.fieldtypes.texts import LINE
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Label, Problem, kind

PARTS = ("country", "region", "state", "city", "district", "street", "postal_code", "recipient")
"""The parts of an address. `region` is a GB/T 2260 code and stands for state, city and district in China."""

not_address = kind(
    "value_not_address",
    en='{label} takes an address in its parts, like {{"country": "CN", "region": "440305", "street": ...}}. '
    "Send some of {parts}.",
    zh='{label} 需要按部分填写的地址，如 {{"country": "CN", "region": "440305", "street": ...}}。可用部分：{parts}。',
)
bad_part = kind(
    "value_address_part",
    en="{label}: {part} takes one line of at most {max} characters. Correct it.",
    zh="{label}：{part} 只能是一行、最多 {max} 个字符的文本，请更正。",
)
unknown_country = kind(
    "value_address_country",
    en="{label}: the country is two letters of ISO 3166, like CN or US. Correct it.",
    zh="{label}：国家应为 ISO 3166 的两位字母代码，例如 CN 或 US，请更正。",
)
unknown_region = kind(
    "value_address_region",
    en="{label}: the region is a six-digit code of GB/T 2260 in China, like 440305. Correct it, or use state and city.",
    zh="{label}：地区应为中国行政区划的六位代码，例如 440305；其他国家请填写州和城市。",
)
no_country = kind(
    "field_unknown_country",
    en="{country} is not a country. Use two letters of ISO 3166, like CN or US.",
    zh="{country} 不是国家代码，请使用 ISO 3166 的两位字母，例如 CN 或 US。",
)

LONGEST: Mapping[str, int] = {"street": 200, "postal_code": 20, "country": 2, "region": 6}
_LONGEST = 100
_FORM = ecma(LINE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()
)
_LARGEST_FIRST = frozenset({"CN", "TW", "HK", "MO", "JP", "KR"})
_STATE_AND_CODE = frozenset({"US", "CA", "AU", "IN", "BR", "MX"})
_CODE_BEFORE_CITY = frozenset(
    "DE AT CH FR BE NL ES IT PT DK SE NO FI PL CZ SK HU GR HR SI RS RO BG EE LV LT LU IS IL TR".split()
)
_CJK = re.compile("[\u3400-\u9fff\uac00-\ud7af\u3040-\u30ff]")


class Address(FieldType):
    """A postal address. Its country decides in which order the parts are shown; the country itself is shown where it
    is another than the field's (`country`, CN if not given). Conditions look at the text of it:
    `contains(address, '南山')`, in the language of the country."""

    name = "address"
    kind = "text"
    sortable = False
    indexable = False
    compared = 1
    operators: tuple[str, ...] = ("contains",)
    control = "address"
    spread = True
    parts: Mapping[str, Label] = {
        "country": {"en": "Country", "zh": "国家/地区"},
        "region": {"en": "Division", "zh": "省市区"},
        "state": {"en": "State", "zh": "州/省"},
        "city": {"en": "City", "zh": "城市"},
        "district": {"en": "District", "zh": "区"},
        "street": {"en": "Street", "zh": "详细地址"},
        "postal_code": {"en": "Postal code", "zh": "邮政编码"},
        "recipient": {"en": "Recipient", "zh": "收件人"},
    }
    properties: Mapping[str, Any] = {
        "country": {
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "The usual country (ISO 3166); CN if not given.",
        },
    }

    def check(self, field: Field) -> tuple[Problem, ...]:
        country = home(field)
        return () if country in _COUNTRIES else (no_country("country", country=country),)

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("json"), ColumnSpec("text", "__text"))

    def comparable(self, value: Any) -> Any:
        code = value.get("region")
        own = [value[part] for part in ("state", "city", "district", "street") if part in value]
        # What stands together in Chinese is looked for together.
        start = [_together(code, "zh", "") + "".join(own), _together(code, "en", " ")] if code else own
        rest = [value[part] for part in ("postal_code", "recipient", "country") if part in value]
        return " ".join([*start, *rest])

    def parse(self, field: Field, raw: Any) -> dict[str, str] | None:
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or set(raw) - set(PARTS):
            raise refuse(not_address, field, parts=PARTS)
        found = {part: text for part in PARTS if (text := self._part(field, part, raw.get(part)))}
        if not set(found) - {"country"}:
            return None
        country = found.setdefault("country", home(field))
        if country not in _COUNTRIES:
            raise refuse(unknown_country, field, "country")
        if "region" in found and (country != "CN" or found["region"] not in divisions.table()):
            raise refuse(unknown_region, field, "region")
        return found

    def _part(self, field: Field, part: str, raw: Any) -> str:
        if raw is None:
            return ""
        longest = LONGEST.get(part, _LONGEST)
        fits = isinstance(raw, str) and len(raw) <= longest and _FORM.search(raw) and not _SURROGATE.search(raw)
        text = unicodedata.normalize("NFC", raw.strip(BLANKS)) if fits else ""
        if not fits or len(text) > longest:
            raise refuse(bad_part, field, part, part=part, max=longest)
        return text

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """The parts as JSON; any other text is taken for the street, with the Chinese division that it begins with."""
        typed = text.strip()
        if not typed:
            return None
        if typed.startswith("{"):
            try:
                return self.parse(field, orjson.loads(typed))
            except orjson.JSONDecodeError:
                raise refuse(not_address, field, parts=PARTS) from None
        return self.parse(field, _read(typed, home(field)))

    def read_part(self, field: Field, part: str, text: str, context: TextContext) -> Any:
        """Countries and divisions by code or name."""
        typed = plain(text)
        if part == "country" and typed:
            return _country(typed)
        if part == "region" and typed:
            found = divisions.find(typed)
            return found[0] if len(found) == 1 else typed[:6]
        return typed or None

    def write_part(self, field: Field, part: str, value: Any, context: TextContext) -> str:
        text = super().write_part(field, part, value, context)
        if part != "region" or not text:
            return text
        path = divisions.path(text, context.language)
        return path if divisions.find(path) == (text,) else text

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else displayed(value, context.language, home(field))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else orjson.dumps(value).decode()

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return () if value is None else (self.comparable(value),)

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        def part(name: str) -> Mapping[str, Any]:
            text = {"type": "string", "maxLength": LONGEST.get(name, _LONGEST), "pattern": LINE}
            return {"anyOf": [text, {"type": "null"}]}

        return {
            "type": "object",
            "properties": {name: part(name) for name in PARTS},
            "additionalProperties": False,
        }

    def samples(self, field: Field) -> tuple[Any, ...]:
        return (
            {"country": "CN", "region": "440305", "street": "科技园南区高新南一道 1 号", "postal_code": "518057"},
            {"country": "US", "state": "CA", "city": "Palo Alto", "street": "1 Main St", "postal_code": "94301"},
            {"country": "DE", "city": "Köln", "street": "Domkloster 4", "postal_code": "50667", "recipient": "Ada"},
            {"country": "GB", "city": "London", "street": "10 Downing Street", "postal_code": "SW1A 2AA"},
        )

    def refused(self, field: Field) -> tuple[Any, ...]:
        parts: tuple[Any, ...] = (
            {"country": "China", "city": "x"},
            {"country": "XX", "city": "x"},
            {"country": "US", "region": "440305"},
            {"country": "CN", "region": "440399"},
            {"street": "a\nb"},
            {"street": 1},
            {"street": "x" * 201},
            {"city": "a\x00"},
            {"town": "x"},
        )
        return (1, True, "Main St 1", ["x"], *parts)


def _together(code: str, language: str, between: str) -> str:
    return between.join(divisions.name(each, language) for each in divisions.above(code))


def home(field: Field) -> str:
    """The usual country of a field."""
    return str(field.props.get("country", "CN"))


def countries(language: str) -> Mapping[str, str]:
    """Code -> name of every country, in the order of their names."""
    names = _names(language)
    return {code: names[code] for code in sorted(_COUNTRIES, key=names.__getitem__)}


@lru_cache(maxsize=4)
def _names(language: str) -> Mapping[str, str]:
    from babel import Locale

    known = Locale.parse("zh_Hans" if language == "zh" else "en").territories
    return {code: str(known.get(code, code)) for code in _COUNTRIES}


def _country(text: str) -> str:
    """A code, or the code of the country of this name; what is neither goes on, to be refused."""
    if len(text) == 2 and text.isascii():
        return text.upper()
    names = {name.casefold(): code for lang in ("en", "zh") for code, name in _names(lang).items()}
    return names.get(text.casefold(), text[:2].lower())


def displayed(value: Mapping[str, str], language: str, usual: str) -> str:
    """An address in one line, as it is written in its country."""
    country = value.get("country", usual)
    abroad = _names(language).get(country, country) if country != usual else ""
    local = "zh" if language == "zh" or _CJK.search(value.get("street", "")) else "en"
    division = [divisions.name(each, local) for each in divisions.above(value["region"])] if "region" in value else []
    places = [*division, *(value[part] for part in ("state", "city", "district") if part in value)]
    street, code, recipient = value.get("street"), value.get("postal_code"), value.get("recipient")
    if country in _LARGEST_FIRST and (local == "zh" or any(map(_CJK.search, places))):
        together = "".join(each for each in (abroad, *places, street) if each)
        return " ".join(each for each in (together, code, recipient) if each)
    state, city = value.get("state"), value.get("city")
    if country in _STATE_AND_CODE:
        line = [value.get("district"), city, " ".join(each for each in (state, code) if each)]
    elif country in _CODE_BEFORE_CITY:
        line = [value.get("district"), " ".join(each for each in (code, city) if each), state]
    else:
        line = [*reversed(places), code]
    return ", ".join(each for each in (recipient, street, *line, abroad) if each)


def _read(text: str, country: str) -> dict[str, str]:
    """A line that somebody has typed: a street, behind the names of Chinese divisions where it begins with them."""
    if country == "CN":
        for length in range(min(len(text), 40), 2, -1):
            found = divisions.find(text[:length]) if _CJK.match(text) else ()
            if len(found) == 1 and len(divisions.above(found[0])) > 1:
                return {"country": country, "region": found[0], "street": text[length:].strip(" ,，")}
    return {"country": country, "street": text}
