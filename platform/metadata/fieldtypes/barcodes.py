"""Codes that scanners read: EAN and UPC with their check digit, Code 128, Code 39 and QR."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metadata.fieldtypes.base import ColumnSpec, FieldType, TextContext, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import kind

bad_code = kind(
    "value_not_barcode",
    en="{label} takes {form}. Correct it.",
    zh="{label} 需要{form}，请更正。",
)
bad_digit = kind(
    "value_barcode_check",
    en="{label}: the check digit of {code} would be {digit}. Scan or type it again.",
    zh="{label}：{code} 的校验位应为 {digit}，请重新扫描或输入。",
)

_DIGITS: Mapping[str, int] = {"ean13": 13, "ean8": 8, "upca": 12}
"""Codes of so many digits, the last of which is checked."""
_FORMS: Mapping[str, str] = {
    "code128": r"^[ -~]{1,80}$",
    "code39": r"^[0-9A-Z \-.$/+%]{1,80}$",
    # Four hundred characters of any script are well read by a telephone.
    "qr": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,400}$",
    **{name: rf"^[0-9]{{{length}}}$" for name, length in _DIGITS.items()},
}
_COMPILED = {name: ecma(source) for name, source in _FORMS.items()}
_SAID: Mapping[str, Mapping[str, str]] = {
    "code128": {"en": "1 to 80 letters, digits and signs of ASCII", "zh": " 1 到 80 个 ASCII 字母、数字或符号"},
    "code39": {
        "en": "1 to 80 capital letters, digits and - . $ / + %",
        "zh": " 1 到 80 个大写字母、数字或 -.$/+%",
    },
    "qr": {"en": "one line of 1 to 400 characters", "zh": "一行 1 到 400 个字符的文本"},
    "ean13": {"en": "the 13 digits of an EAN", "zh": " EAN 的 13 位数字"},
    "ean8": {"en": "the 8 digits of an EAN-8", "zh": " EAN-8 的 8 位数字"},
    "upca": {"en": "the 12 digits of a UPC", "zh": " UPC 的 12 位数字"},
}


class Barcode(FieldType):
    """A code as text, drawn as bars (or squares) where it is shown. `symbology` says which: code128 if not given."""

    name = "barcode"
    kind = "text"
    operators: tuple[str, ...] = ("==", "!=", "in", "contains", "starts_with")
    control = "barcode"
    properties: Mapping[str, Any] = {
        "symbology": {"enum": list(_FORMS), "description": "The kind of code; code128 if not given."},
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        form = symbology(field)
        fits = isinstance(raw, str) and _COMPILED[form].search(raw) and raw.strip()
        if not fits or (not raw.isprintable() and any("\ud800" <= each <= "\udfff" for each in raw)):
            raise refuse(bad_code, field, form=_SAID[form])
        if form in _DIGITS and raw[-1] != (digit := check_digit(raw[:-1])):
            raise refuse(bad_digit, field, code=raw, digit=digit)
        return str(raw).strip()

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        """Digits may be grouped by blanks and dashes."""
        typed = plain(text) if symbology(field) != "qr" else text.strip()
        if symbology(field) in _DIGITS:
            typed = typed.replace(" ", "").replace("-", "")
        return self.parse(field, typed) if typed else None

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "pattern": _FORMS[symbology(field)], "anyOf": [{"pattern": r"\S"}]}

    def samples(self, field: Field) -> tuple[Any, ...]:
        return {
            "code128": ("AB-1234/7", "0042", "Shelf 7, row C"),
            "code39": ("AB-1234", "0042"),
            "qr": ("https://example.com/a?b=1", "资产 0042"),
            "ean13": ("6901234567892", "4006381333931"),
            "ean8": ("96385074", "73513537"),
            "upca": ("036000291452", "012345678905"),
        }[symbology(field)]

    def refused(self, field: Field) -> tuple[Any, ...]:
        wrong: Mapping[str, tuple[Any, ...]] = {
            "ean13": ("6901234567893", "690123456789", "69012345678921"),
            "ean8": ("96385075",),
            "upca": ("036000291453",),
            "qr": ("x" * 401,),
            "code39": ("ab", "ÄÖ"),
        }
        return (1, True, [], {}, "", " ", "a\nb", "a\x00", "x" * 401, *wrong.get(symbology(field), ("Ä", "x" * 81)))


def symbology(field: Field) -> str:
    return str(field.props.get("symbology", "code128"))


def check_digit(digits: str) -> str:
    """The last digit of an EAN or UPC: every second digit from the right counts three times."""
    total = sum(int(each) * (3 if at % 2 == 0 else 1) for at, each in enumerate(reversed(digits)))
    return str(-total % 10)
