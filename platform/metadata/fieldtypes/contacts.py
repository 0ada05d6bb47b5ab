"""How people are reached: mail addresses, telephone numbers and web addresses, each kept in one form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from metadata.fieldtypes.base import ENCRYPTED, MASK, ColumnSpec, FieldType, TextContext, Typed, ValueProblem, refuse
from metadata.fieldtypes.patterns import ecma
from metadata.folding import plain
from metadata.model import Field
from metadata.problems import Problem, kind

bad_email = kind(
    "value_not_email",
    en="{label} takes a mail address in Latin letters, like ada@example.com. Correct it.",
    zh="{label} 需要使用英文字母的邮箱地址，例如 ada@example.com，请更正。",
)
bad_phone = kind(
    "value_not_phone",
    en="{label} is no telephone number of {region}. Check its digits, or begin with + and the country code.",
    zh="{label} 不是 {region} 的有效电话号码，请检查位数，或以 + 和国家代码开头。",
)
bad_url = kind(
    "value_not_url",
    en="{label} takes a web address that begins with http:// or https:// and has no blanks. Correct it.",
    zh="{label} 需要以 http:// 或 https:// 开头、不含空格的网址，请更正。",
)
unknown_region = kind(
    "field_unknown_region",
    en="{region} is not a region that has telephone numbers. Use two letters, like CN or US.",
    zh="{region} 不是有电话号码的地区，请使用两位字母，例如 CN 或 US。",
)


class Contact(FieldType):
    """A text of one form: `pattern` says which in the schema, `form` is that pattern compiled for `parse`."""

    kind = "text"
    operators: tuple[str, ...] = ("==", "!=", "<", "<=", ">", ">=", "in", "contains", "starts_with")
    pattern: str
    form: re.Pattern[str]
    longest: int
    refusal = bad_email
    properties: Mapping[str, Any] = ENCRYPTED

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None:
            return None
        if not isinstance(raw, str) or len(raw) > self.longest or self.form.search(raw) is None:
            raise refuse(self.refusal, field)
        return self.normal(raw)

    def normal(self, text: str) -> str:
        return text

    def literal(self, field: Field, raw: str) -> str:
        # A part of one is compared as it is.
        try:
            return str(self.parse(field, raw))
        except ValueProblem:
            return raw

    def json_schema(self, field: Field) -> Mapping[str, Any]:
        return {"type": "string", "maxLength": self.longest, "pattern": self.pattern}


class Email(Contact):
    """A mail address, in lower case."""

    name = "email"
    control = "email"
    maskable = True
    longest = 254
    pattern = (
        r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$"
    )
    form = ecma(pattern)

    def normal(self, text: str) -> str:
        return text.lower()

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = plain(text)
        return self.parse(field, re.sub("^mailto:", "", typed, flags=re.IGNORECASE)) if typed else None

    def mask(self, value: Any) -> str:
        return str(value)[:1] + MASK

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("ada@example.com", "o'neil+crm@mail.example.co.uk", "li.wei@xn--fiqs8s.xn--fiqs8s")

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "ada", "ada@", "@example.com", "ada@example", "a b@example.com", "a..b@example.com")
        more = (
            ".a@example.com",
            "a@-x.com",
            "a@x..com",
            "a@b@example.com",
            "用户@example.com",
            "a@example.com, b@example.com",
        )
        return (1, True, [], {}, "a" * 250 + "@x.com", "a\x00@example.com", *texts, *more)


_EXTENSION = re.compile(r" *(?:;? *ext\.?=?|分机号?|转|x|#) *[:.]? *([0-9]{1,7})$", re.IGNORECASE)
_DASHES = re.compile(r"[‐‑‒–—―−]")


class Phone(Contact):
    """A telephone number as E.164, with `;ext=` where it has an extension. Numbers without `+` are of the region.

    What was typed is kept beside it: people and files see that, everything that compares sees the number.
    """

    name = "phone"
    as_typed = True
    maskable = True
    control = "phone"
    longest = 40
    pattern = r"^[+(]?[0-9][0-9 ()./-]*(;ext=[0-9]{1,7})?$"
    form = ecma(pattern)
    properties: Mapping[str, Any] = {
        "region": {
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "Where a number without + is dialled (ISO 3166); CN if not given.",
        },
        **ENCRYPTED,
    }

    def columns(self, field: Field) -> tuple[ColumnSpec, ...]:
        return (ColumnSpec("text"), ColumnSpec("text", "__typed"))

    def mask(self, value: Any) -> str:
        number = str(value).partition(";")[0]
        # Of a short number the last digits would be most of it.
        return MASK + number[-4:] if len(number) > 8 else MASK

    def check(self, field: Field) -> tuple[Problem, ...]:
        import phonenumbers

        region = field.props.get("region", "CN")
        return () if region in phonenumbers.SUPPORTED_REGIONS else (unknown_region("region", region=region),)

    def parse(self, field: Field, raw: Any) -> str | None:
        if raw is None or isinstance(raw, Typed):
            return raw
        region = field.props.get("region", "CN")
        fits = isinstance(raw, str) and len(raw) <= self.longest and self.form.search(raw) is not None
        found = _e164(raw, region) if fits else None
        if found is None:
            raise refuse(bad_phone, field, region=region)
        return found if found == raw else Typed(found, raw)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = _DASHES.sub("-", plain(text))
        typed = re.sub(r"^(tel|电话|手机)\s*[:.]?\s*", "", typed, flags=re.IGNORECASE)
        found = self.parse(field, _EXTENSION.sub(r";ext=\1", typed)) if typed else None
        kept = text.strip()
        return found if found is None or found == kept or len(kept) > _LONGEST_TYPED else Typed(str(found), kept)

    def show(self, field: Field, value: Any, context: TextContext) -> str:
        """As it was typed, else as it is dialled in its region, or with its country code."""
        if value is None:
            return ""
        if (typed := self._typed(field, value)) is not None:
            return typed
        return _dialled(str(value), field.props.get("region", "CN"))

    def write_text(self, field: Field, value: Any, context: TextContext) -> str:
        return "" if value is None else self._typed(field, value) or str(value)

    def _typed(self, field: Field, value: str) -> str | None:
        """What was typed, as long as it still means this number: one without country code was of the region of then."""
        typed = getattr(value, "typed", None)
        if typed is None or typed.startswith("+") or value.startswith(_country_code(field.props.get("region", "CN"))):
            return typed
        return None

    def tokens(self, field: Field, value: Any) -> tuple[str, ...]:
        """The digits with and without the country code."""
        if value is None:
            return ()
        import phonenumbers

        whole = value.removeprefix("+").partition(";")[0]
        try:
            number = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return (whole,)
        return (whole, phonenumbers.national_significant_number(number))

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("+8613800001111", "+86 10 6552 9988", "+1 (202) 555-0123", "+861065529988;ext=801")

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = ("", "abc", "1", "+", "+0123", "+86123", "tel:+8613800001111", "+86138000011112222", "1 800 FLOWERS")
        return (13800001111, True, [], {}, "+8613800001111\x00", "1" * 41, "+８６13800001111", *texts)


_LONGEST_TYPED = 80


@lru_cache(maxsize=300)
def _country_code(region: str) -> str:
    import phonenumbers

    return f"+{phonenumbers.country_code_for_region(region)}"


@lru_cache(maxsize=4_000)
def _dialled(value: str, region: str) -> str:
    """A number as it is dialled in a region. Lists show the same numbers again and again, and each takes its time."""
    import phonenumbers as numbers

    try:
        number = numbers.parse(value)
    except numbers.NumberParseException:
        return value
    home = numbers.region_code_for_number(number) == region
    form = numbers.PhoneNumberFormat.NATIONAL if home else numbers.PhoneNumberFormat.INTERNATIONAL
    return str(numbers.format_number(number, form))


@lru_cache(maxsize=4_000)
def _e164(text: str, region: str) -> str | None:
    """The number in its one form, None when there is no such number."""
    # Tables of every country: loaded with the first number, not with the program.
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{form};ext={number.extension}" if number.extension else str(form)


class Url(Contact):
    """A web address."""

    name = "url"
    control = "url"
    longest = 2000
    refusal = bad_url
    # No user name before the host: `https://bank.example@evil.example` only ever misleads.
    pattern = (
        r'^[Hh][Tt][Tt][Pp][Ss]?://[^\s\x00-\x20\x7f-\x9f/?#@:\\"<>^`{|}\[\]]+(:[0-9]{1,5})?'
        r'([/?#][^\s\x00-\x20\x7f-\x9f\\"<>^`{|}]*)?$'
    )
    form = ecma(pattern)

    def read_text(self, field: Field, text: str, context: TextContext) -> Any:
        typed = text.strip()
        if not typed:
            return None
        bare = "://" not in typed and re.match(r"[^\s/:@]+\.[^\s/:@]{2,}", typed)
        return self.parse(field, f"https://{typed}" if bare else typed)

    def samples(self, field: Field) -> tuple[Any, ...]:
        return ("https://example.com", "http://例子.测试:8080/路径?q=1&b=%20#top")

    def refused(self, field: Field) -> tuple[Any, ...]:
        texts = (
            "",
            "example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://",
            "https://a b.com",
            "//x.com",
        )
        return (
            1,
            True,
            [],
            {},
            "https://a@b.com",
            "https://x.com/\x00",
            "https://x.com/\ny",
            "https://x.com/<a>",
            *texts,
        )
