"""What people say in public and why they came: reviews by platform, purposes by visit."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist
from typing import Any

from tests.reference import numbers
from tests.reference.asking import DAY, Asked
from tests.reference.copies import VISITS, Copy
from tests.reference.counting import VISIT_GAP, Known, passes
from tests.reference.scores import maturity, mean_limits
from tests.reference.surveys import by_version, last_told, number, told_scale
from tests.reference.unit import Unit

Body = dict[str, Any]
POSTED = ("review_posted", "product_reviewed")


@dataclass(slots=True)
class Review(Unit):
    """`past` are those that were posted before the window: for the mean of twelve months and of ever."""

    source: str = ""
    stars: Fraction = Fraction(0)
    past: bool = False
    valid: bool = True


def reviews(known: Known, asked: Asked) -> Iterator[Review]:
    by_id: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    for copy in known.copies:
        if copy.name in (*POSTED, "review_edited", "review_deleted"):
            own = copy.text("review_id") or copy.event_id
            by_id[copy.text("source").lower(), own].append(copy)
    weights = weights_of(asked)
    for (source, own), copies in by_id.items():
        posted = [copy for copy in copies if copy.name in POSTED]
        if not posted or min(copy.time for copy in posted) >= asked.until:
            continue
        first = min(posted, key=lambda copy: copy.order)
        unit = Review(f"{source}/{own}", first.time, known.dimensions(copies), known.people.person(first.actor))
        unit.source, unit.past = source, first.time < asked.start
        unit.mature = known.at - first.time >= int(asked.parameters["within"])
        until = first.time + int(asked.parameters["within"])
        in_time = [copy for copy in copies if copy.canonical and copy.time < until]
        said = by_version(copy for copy in in_time if copy.name != "review_deleted")
        stars = _stars(said)
        verified = any(copy.properties.get("verified") in (True, "true") for copy in said)
        unit.reason = (
            "bot" if first.bot
            else "deleted" if len(said) < len(in_time)
            else "invalid_score" if stars is None
            else "unverified" if asked.parameters["verified"] == "only" and not verified
            else "unweighted" if weights and not weights.get(source) else ""
        )  # fmt: skip
        unit.stars, unit.valid = stars or Fraction(0), not unit.reason
        if unit.past:
            # Not of the window: neither counted nor excluded.
            unit.n, unit.reason = 0, ""
        if passes(unit, asked):
            yield unit


def _stars(said: Sequence[Copy]) -> Fraction | None:
    """The rating told last on the scale told last, mapped linearly to 1–5."""
    rating = last_told(said, lambda copy: number(copy.properties.get("rating")))
    low, high = last_told(said, told_scale) or (Decimal(1), Decimal(5))
    if rating is None or not low <= rating <= high:
        return None
    return 1 + 4 * (Fraction(rating) - Fraction(low)) / (Fraction(high) - Fraction(low))


def weights_of(asked: Asked) -> dict[str, Fraction]:
    told = str(asked.parameters["weights"])
    pairs = [part.rsplit(":", 1) for part in told.split(",") if part]
    return {source.lower(): Fraction(weight) for source, weight in pairs}


def _pooled(asked: Asked, values: dict[str, Fraction]) -> Fraction | None:
    """The platforms' values, each by its weight."""
    weights = weights_of(asked)
    shares = {source: weights.get(source, Fraction(0)) if weights else Fraction(1) for source in values}
    total = sum(shares.values(), Fraction(0))
    return sum((shares[source] * values[source] for source in values), Fraction(0)) / total if total else None


def _by_source(units: Sequence[Review]) -> dict[str, list[Fraction]]:
    found: dict[str, list[Fraction]] = defaultdict(list)
    for unit in units:
        found[unit.source].append(unit.stars)
    return found


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def review_body(_known: Known, asked: Asked, units: list[Unit], whole: list[Unit], _body: Body) -> Body:
    everything = [unit for unit in units if isinstance(unit, Review)]
    found = [unit for unit in everything if not unit.past and unit.valid]
    sources = _by_source(found)
    definition = asked.definition
    positive = {source: Fraction(sum(v >= 4 for v in values), len(values)) for source, values in sources.items()}
    means = {source: _mean(values) for source, values in sources.items()}
    one = next(iter(sources.values())) if len(sources) == 1 else None
    body: Body = {"value": None, "numerator": None, "denominator": None}
    limits: numbers.Limits = (None, None)
    if definition in ("share", "wilson_lower"):
        value = _pooled(asked, positive)
        if one is not None:
            k = sum(v >= 4 for v in one)
            limits = numbers.wilson(k, len(one))
            body |= {"numerator": k, "denominator": len(one)}
        body["value"] = limits[0] if definition == "wilson_lower" else None if value is None else float(value)
    elif definition == "bayesian":
        body["value"] = _shrunk(asked, sources, whole)
    else:
        value = _pooled(asked, means)
        body["value"] = None if value is None else float(value)
        limits = mean_limits(one, 1, 5) if one is not None else _stratified(asked, sources)
        if one is not None:
            body |= {"numerator": float(sum(one, Fraction(0))), "denominator": len(one)}
    ever = _by_source([unit for unit in everything if unit.valid])
    cumulative = _pooled(asked, {source: _mean(values) for source, values in ever.items()})
    stars = Counter(math.floor(unit.stars + Fraction(1, 2)) for unit in found)
    return {
        **body,
        "interval": None if limits[0] is None else {"low": limits[0], "high": limits[1]},
        **maturity(asked, [unit for unit in everything if not unit.past]),
        "details": {
            "distribution": {str(star): stars[star] for star in sorted(stars)},
            "sources": [
                {"source": source, "value": float(means[source]), "n": len(values)}
                for source, values in sorted(sources.items(), key=lambda pair: (-len(pair[1]), pair[0]))
            ],
            "cumulative": {
                "value": None if cumulative is None else float(cumulative),
                "n": sum(len(values) for values in ever.values()),
            },
        },
    }


def _stratified(asked: Asked, sources: dict[str, list[Fraction]]) -> numbers.Limits:
    if not sources or any(len(values) < 2 for values in sources.values()):
        return None, None
    weights = weights_of(asked)
    shares = {source: float(weights[source]) if weights else 1.0 for source in sources}
    total, variance = sum(shares.values()), 0.0
    for source, values in sources.items():
        mean = _mean(values)
        spread = float(sum(((value - mean) ** 2 for value in values), Fraction(0)) / (len(values) - 1))
        variance += (shares[source] / total) ** 2 * spread / len(values)
    centre = _pooled(asked, {source: _mean(values) for source, values in sources.items()})
    half = numbers.Z * math.sqrt(variance)
    return max(1.0, float(centre or 0) - half), min(5.0, float(centre or 0) + half)


def _shrunk(asked: Asked, sources: dict[str, list[Fraction]], whole: list[Unit]) -> float | None:
    prior = Fraction(str(asked.parameters["prior"]))
    year = _by_source(
        [unit for unit in whole if isinstance(unit, Review) and unit.valid and unit.entry >= asked.end - 365 * DAY]
    )
    shrunk = {
        source: (prior * _mean(year[source]) + sum(values, Fraction(0))) / (prior + len(values))
        for source, values in sources.items()
    }
    value = _pooled(asked, shrunk)
    return None if value is None else float(value)


@dataclass(slots=True)
class Visit(Unit):
    answers: list[tuple[tuple[int, int, str], frozenset[str]]] = field(default_factory=list)

    @property
    def purposes(self) -> frozenset[str]:
        return max(self.answers)[1] if self.answers else frozenset()


def told(copy: Copy) -> frozenset[str]:
    """The purposes of an answer, in lower case."""
    several = copy.properties.get("purposes")
    given = several if isinstance(several, list) else [copy.properties.get("purpose") or ""]
    return frozenset(word for each in given if (word := str(each).strip().lower()))


def purposes(known: Known, asked: Asked) -> Iterator[Visit]:
    current: dict[str, Visit] = {}
    latest: dict[str, int] = {}
    found: list[Visit] = []
    for copy in known.canonical:
        if copy.name not in VISITS:
            continue
        single = known.single(copy, "bot" if copy.bot else "" if copy.actor else "no_actor")
        if not passes(single, asked):
            continue
        given = told(copy) if copy.name == "visit_purpose_answered" else frozenset()
        unit = Visit(single.id, single.entry, single.dimensions, single.person, single.reason)
        if unit.reason:
            if given:
                found.append(unit)
            continue
        if unit.person not in latest or copy.time - latest[unit.person] >= VISIT_GAP:
            current[unit.person] = unit
            found.append(unit)
        latest[unit.person] = copy.time
        visit = current[unit.person]
        if given:
            left_out = _left_out(asked, copy)
            if left_out:
                visit.flags = (*visit.flags, left_out)
            else:
                visit.answers.append(((copy.time, copy.sequence, copy.event_id), given))
    for visit in found:
        if asked.start <= visit.entry < asked.until:
            visit.n = int(bool(visit.answers))
            yield visit


def _left_out(asked: Asked, copy: Copy) -> str:
    kind = "inferred" if copy.properties.get("inferred") in (True, "true") else "declared"
    if kind != asked.parameters["labels"]:
        return kind
    wanted = asked.parameters["taxonomy"]
    return "other_taxonomy" if wanted and copy.text("taxonomy") != wanted else ""


def _classes(units: list[Unit]) -> Counter[str]:
    return Counter(
        purpose for unit in units if isinstance(unit, Visit) and not unit.reason for purpose in unit.purposes
    )


def _first(counts: Counter[str]) -> str:
    return min(counts, key=lambda purpose: (-counts[purpose], purpose), default="")


def _goodman(k: int, n: int, classes: int) -> numbers.Limits:
    """Simultaneous limits of so many classes (statsmodels' `goodman`): Wilson with Bonferroni's normal point."""
    z = NormalDist().inv_cdf(1 - 0.05 / (2 * max(1, classes)))
    p, scale = k / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    centre = (p + z * z / (2 * n)) / scale
    return centre - half, centre + half


def purpose_body(_known: Known, asked: Asked, units: list[Unit], whole: list[Unit], _body: Body) -> Body:
    counts, visits = _classes(units), [unit for unit in units if not unit.reason]
    n = sum(unit.n for unit in visits)
    purpose = str(asked.parameters["purpose"]).strip().lower() or _first(_classes(whole))
    limits = {name: _goodman(k, n, len(counts)) for name, k in counts.items()}
    low, high = limits.get(purpose) or (_goodman(0, n, len(counts)) if n else (None, None))
    return {
        "value": counts[purpose] / n if n else None,
        "numerator": counts[purpose],
        "denominator": n,
        "interval": {"low": low, "high": high} if n else None,
        "basis": "observed" if not n and asked.at < asked.end else "mature",
        "maturity": 0.0 if not n and asked.at < asked.end else 1.0,
        "details": {
            "purpose": purpose or None,
            "visits": len(visits),
            "answered": n,
            "multiple": sum(isinstance(unit, Visit) and len(unit.purposes) > 1 for unit in visits),
            "shares": [
                {"purpose": name, "n": k, "share": k / n, "low": limits[name][0], "high": limits[name][1]}
                for name, k in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
            ],
        },
    }


def drift(now: Body, before: Body) -> Body:
    """How far two mixes are apart: total variation, and chi-square of the two rows of answers."""
    rows = [{cell["purpose"]: cell["n"] for cell in body["details"]["shares"]} for body in (now, before)]
    sizes = [sum(row.values()) for row in rows]
    names = sorted({*rows[0], *rows[1]})
    if not all(sizes):
        return {"total_variation": None, "chi_square": None, "degrees": None}
    apart = sum(abs(rows[0].get(name, 0) / sizes[0] - rows[1].get(name, 0) / sizes[1]) for name in names) / 2
    chi = 0.0
    for row, size in zip(rows, sizes, strict=True):
        for name in names:
            expected = size * (rows[0].get(name, 0) + rows[1].get(name, 0)) / sum(sizes)
            chi += (row.get(name, 0) - expected) ** 2 / expected
    return {"total_variation": apart, "chi_square": chi, "degrees": len(names) - 1}
