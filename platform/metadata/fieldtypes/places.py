"""Points on the map: latitude and longitude in degrees of WGS 84."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Label, kind

not_location = kind(
    "value_not_location",
    en='{label} takes degrees as text. Send {{"lat": "22.5431", "lon": "114.0579"}}, seven decimals at most.',
    zh='{label} 需要文本形式的度数，请发送 {{"lat": "22.5431", "lon": "114.0579"}}，最多七位小数。',
)
beyond_earth = kind(
    "value_location_range",
    en="{label}: latitude is from -90 to 90 and longitude from -180 to 180. Check that they are not swapped.",
    zh="{label}：纬度范围为 -90 到 90，经度范围为 -180 到 180，请检查是否颠倒。",
)
unreadable_location = kind(
    "value_unreadable_location",
    en="{label}: {text} is not a place. Write latitude and longitude, like 22.5431, 114.0579.",
    zh="{label}：{text} 不是坐标，请写纬度和经度，例如 22.5431, 114.0579。",
)

_LAT = r"^-?(90(\.0{1,7})?|[0-8]?[0-9](\.[0-9]{1,7})?)$"
_LON = r"^-?(180(\.0{1,7})?|(1[0-7][0-9]|[0-9]{1,2})(\.[0-9]{1,7})?)$"
_FORMS = {"lat": ecma(_LAT), "lon": ecma(_LON)}
_DEGREES = ecma(r"^-?[0-9]{1,3}(\.[0-9]{1,7})?$")
_TYPED = re.compile(
    r"(?:geo:)?(?P<lat>[+-]?\d{1,3}(?:\.\d{1,15})?) ?°? ?(?P<ns>[NS北南]?)[纬]?[ ,;/，；]+"
    r"(?P<lon>[+-]?\d{1,3}(?:\.\d{1,15})?) ?°? ?(?P<ew>[EW东西]?)[经]?",
    re.ASCII | re.IGNORECASE,
)
_PLACES = Decimal("0.0000001")


class Location(FieldType):
    """A point by latitude and longitude (WGS 84, as GPS gives them), exact to a centimetre.

    Maps of China draw other coordinates (GCJ-02); what they show has to be converted before it is kept here.
    """

    name = "location"
    kind = "json"
    sortable = False
    indexable = False
    operators: tuple[str, ...] = ("==", "!=")
    control = "location"
    parts: Mapping[str, Label] = {"lat": {"en": "Latitude", "zh": "纬度"}, "lon": {"en": "Longitude", "zh": "经度"}}

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("json"),)

    def parse(self, field: Field, raw: Any) -> dict[str, str] | None:
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or set(raw) != {"lat", "lon"}:
            raise refuse(not_location, field)
        texts = {part: raw[part] for part in ("lat", "lon")}
        if not all(isinstance(each, str) and _DEGREES.search(each) for each in texts.values()):
            raise refuse(not_location, field)
        if not all(_FORMS[part].search(each) for part, each in texts.items()):
            raise refuse(beyond_earth, field)
        return {part: _shortest(each) for part, each in texts.items()}

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """`22.5431, 114.0579`, also with N, S, E, W or as `geo:22.5431,114.0579`; further decimals are rounded."""
        typed = plain(text)
        if not typed:
            return None
        found = _TYPED.fullmatch(typed) if len(typed) <= 60 else None
        if found is None:
            raise refuse(unreadable_location, field, text=text.strip()[:40])
        lat, lon = (Decimal(found[part]).quantize(_PLACES) for part in ("lat", "lon"))
        lat = -lat if found["ns"].upper() in ("S", "南") and found["ns"] else lat
        lon = -lon if found["ew"].upper() in ("W", "西") and found["ew"] else lon
        return self.parse(field, {"lat": format(lat, "f"), "lon": format(lon, "f")})

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else f"{value['lat']}, {value['lon']}"

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        return ()

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {
            "type": "object",
            "properties": {"lat": {"type": "string", "pattern": _LAT}, "lon": {"type": "string", "pattern": _LON}},
            "required": ["lat", "lon"],
            "additionalProperties": False,
        }

    def samples(self, field: Field) -> tuple[Any, ...]:
        pairs = (("22.5431", "114.0579"), ("-33.8567844", "151.2152967"), ("0", "0"), ("90", "-180.0"))
        return tuple({"lat": lat, "lon": lon} for lat, lon in pairs)

    def refused(self, field: Field) -> tuple[Any, ...]:
        pairs = (
            ("91", "0"),
            ("90.1", "0"),
            ("0", "180.0000001"),
            ("114.05", "22.5"),
            ("1e1", "0"),
            ("", "0"),
            ("1.12345678", "0"),
            (22.5, 114.1),
            ("+1", "1"),
            ("NaN", "0"),
        )
        objects: tuple[Any, ...] = ({}, {"lat": "1"}, {"lat": "1", "lon": "1", "alt": "1"}, {"lat": None, "lon": "1"})
        return ("1, 1", 1, True, [1, 2], *objects, *({"lat": lat, "lon": lon} for lat, lon in pairs))


def _shortest(text: str) -> str:
    """One text for equal numbers."""
    number = Decimal(text)
    short = format(number, "f")
    short = short.rstrip("0").rstrip(".") if "." in short else str(int(short))
    return "0" if not number else short
