"""How many decimals a currency's minor unit has (ISO 4217); money is counted in minor units and shown in whole ones."""

from __future__ import annotations

from collections.abc import Mapping

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
