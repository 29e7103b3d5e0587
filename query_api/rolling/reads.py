"""Which events a metric is made of, read off its SQL: by the tables that it reads and the events that it names. It says
what has to be counted anew soon, not what may be: that a visitor turns out to be somebody else changes other numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from query_api.parameters import parse
from schemas.events import EVENTS, names_of_family
from schemas.facts import named_in
from schemas.metrics.metric import Metric
from schemas.tables import ACTIVITY, IDENTITY_LINKS, TABLES, TRAITS
from schemas.tables import EVENTS as ARCHIVE
from schemas.tenants import Tenant

Names = frozenset[str] | None
_TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
_NAMED = re.compile(r"'(\w+)'")
_OF_EVERYTHING = {IDENTITY_LINKS.name, TRAITS.name}
"""Read by nearly every metric, and filled from nearly every event."""


def names_read(metric: Metric, tenant: Tenant, folded: Mapping[str, Names]) -> Names:
    """Names of events; None: all. `folded` says of which events each table of facts is made."""
    metric, sql = _statement(metric, tenant)
    names = {name for name in _NAMED.findall(sql) if name in EVENTS}
    if family := metric.options.get("family"):
        names.update(names_of_family(family))
    tables = set(_TABLE.findall(sql)) & {*folded, ARCHIVE.name} - _OF_EVERYTHING
    of_tables = [folded.get(table, frozenset()) for table in tables]
    if any(each is None for each in of_tables):
        return None
    for each in of_tables:
        names |= each or frozenset()
    return frozenset(names) or None


def tables_read(metric: Metric, tenant: Tenant) -> set[str]:
    """The tables that a metric is made of: the archive or the activity, if it has no units of its own."""
    found = set(_TABLE.findall(_statement(metric, tenant)[1])) & TABLES.keys()
    return found or {ARCHIVE.name, ACTIVITY.name}


def _statement(metric: Metric, tenant: Tenant) -> tuple[Metric, str]:
    """The metric as it is asked by default, and the SQL of what it counts."""
    question = parse(metric, [], tenant, 0).question
    metric, parameters = question.metric, question.parameters
    own = metric.units_sql(parameters) + metric.selects_sql(parameters)
    return metric, " ".join([own, *(relation.sql for relation in named_in(own))])
