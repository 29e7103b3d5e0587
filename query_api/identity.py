"""Resolves the identities that SQL alone cannot: aliases of aliases, and links that were undone and made again.

Plain links (most of them) are resolved in SQL. Alias components need a union–find, and a pair that has ever been
unlinked needs its link events one by one, from the archive; both are few, are computed here as of `at`, and travel
to the query as bound arrays. Rules: docs/definitions.md#people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from query_api.compile import Statement
from schemas.ports import Store

_ALIASES_AND_UNDONE = """
SELECT origin, target, toUnixTimestamp64Milli(min(first)) AS first_ms, groupUniqArrayArray(unlinks) AS undone
FROM identity_links WHERE tenant = {tenant:String}
GROUP BY origin, target
HAVING startsWith(origin, 'u:') OR notEmpty(undone)"""
_LINK_EVENTS = """
SELECT name, user_id, anonymous_id, previous_id, toString(event_id),
  toUnixTimestamp64Milli(min(time)) AS first_ms
FROM events
WHERE tenant = {tenant:String} AND user_id IN {users:Array(String)}
  AND time < fromUnixTimestamp64Milli({at:Int64}, 'UTC')
  AND ((anonymous_id != '' AND (person_class OR name = 'identify')) OR name = 'alias')
  AND name != 'unalias'
GROUP BY name, user_id, anonymous_id, previous_id, event_id"""

Pair = tuple[str, str]


def components(edges: Iterable[Pair]) -> dict[str, str]:
    """Each node of the graph with the smallest node of its component."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in edges:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return {node: root(node) for node in parent}


def since(links: Sequence[int], unlinks: Sequence[int]) -> int | None:
    """From when a pair is linked, given the times of its operations; None if it is not. A tie is an unlink's."""
    last = max(unlinks, default=None)
    return min((time for time in links if last is None or time > last), default=None)


async def resolve(store: Store, tenant: str, at: int) -> Mapping[str, Any]:
    """The bound arrays of the relation `people` as of `at`."""
    aliases: list[Pair] = []
    undone: dict[Pair, list[int]] = {}
    for origin, target, first, operations in await store.query(_ALIASES_AND_UNDONE, {"tenant": tenant}):
        earliest: dict[Any, int] = {}
        for time, event_id in operations:
            earliest[event_id] = min(time, earliest.get(event_id, time))
        before = [time for time in earliest.values() if time < at]
        if before:
            undone[origin, target] = before
        elif first < at and origin.startswith("u:"):
            aliases.append((origin, target))
    redone: list[tuple[str, str, int]] = []
    if undone:
        links = await _links(store, tenant, at, {target for _, target in undone})
        for (origin, target), unlinks in undone.items():
            linked = since(links[origin, target], unlinks)
            if linked is not None and origin.startswith("u:"):
                aliases.append((origin, target))
            elif linked is not None:
                redone.append((origin, target, linked))
    roots = sorted(components(aliases).items())
    gone = [pair for pair in undone if pair[0].startswith("a:")]
    return {
        "alias_nodes": [node for node, _ in roots],
        "alias_roots": [root for _, root in roots],
        "undone_origins": [origin for origin, _ in gone],
        "undone_targets": [target for _, target in gone],
        "redone_origins": [origin for origin, _, _ in redone],
        "redone_targets": [target for _, target, _ in redone],
        "redone_since": [linked for _, _, linked in redone],
    }


async def bound(store: Store, statement: Statement, tenant: str, at: int) -> dict[str, Any]:
    """All parameters of a statement."""
    return {**statement.parameters, **(await resolve(store, tenant, at) if statement.identities else {})}


async def _links(store: Store, tenant: str, at: int, targets: set[str]) -> dict[Pair, list[int]]:
    """Times of the link events of some users, by pair."""
    rows = await store.query(
        _LINK_EVENTS, {"tenant": tenant, "at": at, "users": sorted(target.removeprefix("u:") for target in targets)}
    )
    times: dict[Pair, list[int]] = defaultdict(list)
    for name, user_id, anonymous_id, previous_id, _, time in rows:
        origins = ["u:" + previous_id, "a:" + previous_id] if name == "alias" else ["a:" + anonymous_id]
        for origin in origins:
            times[origin, "u:" + user_id].append(time)
    return times
