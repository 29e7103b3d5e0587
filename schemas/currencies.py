"""Currencies (ISO 4217): their codes, what else stands for them, and how many decimals their minor units have.

Money is counted in minor units and shown in whole ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.words import Vocabulary

_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR
ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW UZS VED VES VND
VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG"""
_SYMBOLS: Mapping[str, tuple[str, ...]] = {
    "EUR": ("€", "euro", "euros"),
    "USD": ("US$", "us dollar", "us dollars"),
    "GBP": ("£", "pound sterling"),
    "CAD": ("CA$", "C$"),
    "AUD": ("AU$", "A$"),
    "NZD": ("NZ$",),
    "HKD": ("HK$",),
    "SGD": ("S$",),
    "BRL": ("R$",),
    "CHF": ("Fr.", "SFr.", "swiss franc"),
    "JPY": ("JP¥", "yen"),
    "CNY": ("CN¥", "RMB"),
    "INR": ("₹", "Rs.", "rupee"),
    "KRW": ("₩",),
    "RUB": ("₽",),
    "UAH": ("₴",),
    "TRY": ("₺",),
    "ILS": ("₪",),
    "VND": ("₫",),
    "PLN": ("zł",),
    "CZK": ("Kč",),
    "HUF": ("Ft",),
    "NGN": ("₦",),
    "PHP": ("₱",),
}
"""Symbols and names that mean one currency: `$`, `¥` and `kr` mean several."""
CURRENCIES = Vocabulary("currency", {code: _SYMBOLS.get(code, ()) for code in _CODES.split()}, upper=True)

MINOR_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(
        (
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
"""The currencies whose minor unit is not a hundredth."""
USUAL_DIGITS = 2
STORED_DIGITS = 6
"""Decimals that facts keep of an amount: more than any currency has."""


def minor_digits(currency: str) -> int:
    """Decimals of `currency`; an unknown code has two."""
    return MINOR_DIGITS.get(currency, USUAL_DIGITS)


def units_of(currency: str) -> int:
    """How many minor units one unit of `currency` has."""
    return int(10 ** minor_digits(currency))


def in_units(minor: int, currency: str) -> float:
    """Minor units as units of the currency: one division."""
    return minor / units_of(currency)
