"""Money: an exact amount with its currency, the currencies of ISO 4217 and how people write amounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

SCALE = 4
"""Decimals that an amount may have; most currencies use two, unit prices need more."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; `currency` None means the currency of the record it belongs to."""

    amount: Decimal
    currency: str | None = None


CURRENCIES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX
    USD UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
"""The codes of ISO 4217 that people pay in today."""

_MINOR_UNITS: Mapping[str, int] = MappingProxyType(
    dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0)
    | dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
    | dict.fromkeys("CLF UYW".split(), 4)
)

_SYMBOLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "en": {"USD": "$", "CNY": "CN¥", "JPY": "¥", "HKD": "HK$", "TWD": "NT$"},
        "zh": {"USD": "US$", "CNY": "¥", "JPY": "JP¥", "HKD": "HK$", "TWD": "NT$"},
        "*": {"EUR": "€", "GBP": "£", "KRW": "₩", "INR": "₹", "VND": "₫"},
    }
)


def minor_units(currency: str | None) -> int:
    """How many decimals a currency is written with; two for what is not known."""
    return _MINOR_UNITS.get(currency or "", 2)


def amount_text(amount: Decimal, currency: str | None) -> str:
    """An amount with the decimals of its currency, and more only where it has more: `12.50`, `0.0035`, `1200`."""
    least = minor_units(currency)
    text = format(amount, "f")
    whole, _, decimals = text.partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    text = f"{whole}.{decimals}" if decimals else whole
    return text[1:] if text.startswith("-") and not amount else text


def grouped(text: str) -> str:
    """A plain decimal text with commas between thousands."""
    sign = "-" if text.startswith("-") else ""
    whole, dot, decimals = text.removeprefix("-").partition(".")
    return f"{sign}{int(whole):,}{dot}{decimals}"


def format_money(amount: Decimal, currency: str | None, lang: str = "en") -> str:
    """An amount as a person reads it: `$1,200.00`, `¥12.50`, `CHF 3.00`."""
    text = grouped(amount_text(amount, currency))
    if not currency:
        return text
    sign = symbol(currency, lang)
    return f"-{sign}{text[1:]}" if text.startswith("-") else f"{sign}{text}"


def symbol(currency: str, lang: str = "en") -> str:
    """What stands before an amount: `$`, `¥`, `CHF` and a space."""
    return _SYMBOLS.get(lang, _SYMBOLS["en"]).get(currency) or _SYMBOLS["*"].get(currency) or f"{currency}\u00a0"
