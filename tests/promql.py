"""Which names and labels an expression of PromQL uses: enough of its grammar for ours, and a failure for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from query_api.exposition import VALUES
from schemas.signals import SIGNALS

FUNCTIONS = {"rate", "increase", "deriv", "absent", "time", "histogram_quantile", "label_replace"}
AGGREGATIONS = {"sum", "min", "max"}
_WORDS = {"by", "and"}
_SCRAPED = {"job", "instance"}
_TARGET = {"tenant"}
"""Set on every sample of a scrape of values by the job that reads it (deploy/scraping.py)."""
OF_PROMETHEUS = {"up": _SCRAPED | _TARGET, "ALERTS": {"alertname", "alertstate"}}
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*") | (?P<range>\[[^\]]+\]) | (?P<number>\d+(?:\.\d+)?) | (?P<name>[A-Za-z_:][\w:]*)
      | (?P<sign>=~|!~|!=|==|>=|<=|[-+*/%<>=(){},])
    )""",
    re.VERBOSE,
)
_RANGE = re.compile(r"\[(?:\d+[smhd]|\$__rate_interval)\]")


def _known() -> dict[str, set[str]]:
    """Every series that there is, and the labels that it has."""
    found: dict[str, set[str]] = {name: set(labels) for name, labels in OF_PROMETHEUS.items()}
    for signal in SIGNALS:
        labels = {*signal.labels, *_SCRAPED}
        if signal.kind == "histogram":
            found[f"{signal.name}_bucket"] = labels | {"le"}
            found[f"{signal.name}_sum"] = found[f"{signal.name}_count"] = labels
        else:
            found[signal.name] = labels
    return found | {value.name: {*value.labels, *_SCRAPED, *_TARGET} for value in VALUES}


KNOWN: Mapping[str, set[str]] = _known()


@dataclass(slots=True)
class Used:
    """What an expression asks for: its series, the labels it compares (with what), and those it groups by."""

    series: list[str] = field(default_factory=list)
    compared: list[tuple[str, str, str]] = field(default_factory=list)
    grouped: list[str] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        """All labels of the result that the expression leaves."""
        return {label for series in self.series for label in KNOWN[series]}


def used(expr: str) -> Used:
    """Fails on a name that nothing has, and on a label that its series does not have."""
    tokens = _tokens(expr)
    found = Used()
    place = 0
    while place < len(tokens):
        kind, token = tokens[place]
        place += 1
        if kind == "range":
            assert _RANGE.fullmatch(token), f"{token} in {expr}"
        if kind != "name":
            continue
        if token == "by":
            group, place = _parenthesised(tokens, place)
            found.grouped += [name for kind, name in group if kind == "name"]
        elif token in FUNCTIONS | AGGREGATIONS:
            assert tokens[place][1] in ("(", "by"), f"{token} in {expr}"
        elif token not in _WORDS:
            assert token in KNOWN, f"nothing is called {token}: {expr}"
            found.series.append(token)
            place = _matchers(tokens, place, token, found)
    assert found.series, expr
    assert set(found.grouped) <= found.labels, f"grouped by what no series has: {expr}"
    return found


def _tokens(expr: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(expr.rstrip()):
        match = _TOKEN.match(expr, place)
        assert match, f"not understood from {expr[place:]!r}"
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        place = match.end()
    return found


def _parenthesised(tokens: list[tuple[str, str]], place: int) -> tuple[list[tuple[str, str]], int]:
    assert tokens[place][1] == "("
    end = next(at for at in range(place, len(tokens)) if tokens[at][1] == ")")
    return tokens[place + 1 : end], end + 1


def _matchers(tokens: list[tuple[str, str]], place: int, series: str, found: Used) -> int:
    if place >= len(tokens) or tokens[place][1] != "{":
        return place
    place += 1
    while tokens[place][1] != "}":
        (_, label), (_, sign), (kind, value) = tokens[place : place + 3]
        assert label in KNOWN[series], f"{series} has no label {label}"
        assert sign in ("=", "!=", "=~", "!~")
        assert kind == "text"
        found.compared.append((label, sign, value[1:-1]))
        place += 3
        place += tokens[place][1] == ","
    return place + 1
