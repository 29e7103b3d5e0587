"""Where an answer differs from what was expected of it; whatever is not expected may be anything."""

from __future__ import annotations

from typing import Any

CLOSE = 1e-9
# What hand-worked questions and the brute force can both speak about.
COMPARED = (
    "value", "n", "numerator", "denominator", "basis", "maturity", "observed", "estimate", "interval", "statistics",
    "excluded", "details", "segments", "comparison", "currency", "by_currency", "cohorts", "steps",
)  # fmt: skip


def differences(expected: Any, given: Any, where: str = "") -> list[str]:
    """One line a difference, with its place. A key of `excluded` that is absent is 0."""
    if isinstance(expected, dict):
        if not isinstance(given, dict):
            return [f"{where}: expected {expected}, given {given}"]
        absent = 0 if where.endswith(".excluded") else None
        return [
            line
            for key, value in expected.items()
            for line in differences(value, given.get(key, absent), f"{where}.{key}")
        ]
    if isinstance(expected, list):
        if not isinstance(given, list) or len(expected) != len(given):
            return [f"{where}: expected {expected}, given {given}"]
        pairs = enumerate(zip(expected, given, strict=True))
        return [line for i, (one, other) in pairs for line in differences(one, other, f"{where}[{i}]")]
    if _same(expected, given) or (expected is None and _says_nothing(given)):
        return []
    return [f"{where}: expected {expected!r}, given {given!r}"]


def _says_nothing(given: Any) -> bool:
    """Limits that are null, of a value that is null if there is one: no limits at all."""
    return isinstance(given, dict) and "low" in given and {given.get(key) for key in ("value", "low", "high")} == {None}


def _same(expected: Any, given: Any) -> bool:
    if isinstance(expected, float) and isinstance(given, int | float) and not isinstance(given, bool):
        return abs(expected - given) <= CLOSE * max(1.0, abs(expected))
    return bool(expected == given)


def of_reference(body: dict[str, Any]) -> dict[str, Any]:
    """The part of the brute force's answer that a body must agree with."""
    return {key: body[key] for key in COMPARED if key in body}


def counted(body: dict[str, Any]) -> dict[str, Any]:
    """A body without the segments under which something was seen and nothing counted: they may be listed or not."""
    return {**body, "segments": [segment for segment in body.get("segments", ()) if segment["n"]]}
