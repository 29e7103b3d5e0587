"""Who is who as of an instant: links and unlinks replayed, people as components, traits of all their actors.

Decided here: only canonical copies link; an `alias` without both ids links nothing; an event's traits belong to its
actor, whatever the event, an empty text says nothing and null takes the trait away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tests.reference.copies import Copy

UNLINK, LINK = 1, 0


class People:
    def __init__(self, copies: Iterable[Copy]) -> None:
        operations: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self.traits: dict[str, dict[str, tuple[tuple[int, int, str], str | None]]] = defaultdict(dict)
        for copy in copies:
            if not copy.canonical:
                continue
            for edge, kind in _operations(copy):
                operations[edge].append((copy.time, kind))
            if copy.actor:
                kept = self.traits[copy.actor]
                for name, value in copy.traits.items():
                    key = (copy.time, copy.sequence, copy.event_id)
                    if value != "" and (name not in kept or kept[name][0] < key):
                        kept[name] = (key, value)
        self.parent: dict[str, str] = {}
        owners: dict[str, tuple[int, str]] = {}
        for (source, target), found in operations.items():
            since = _since(found)
            if since is None:
                continue
            if source.startswith("u:"):
                self._join(source, target)
            elif source not in owners or (since, target) < owners[source]:
                owners[source] = (since, target)
        self.owners = {anonymous: user for anonymous, (_, user) in owners.items()}
        self.actors: dict[str, set[str]] = defaultdict(set)
        for actor in {*self.traits, *self.owners, *self.parent}:
            self.actors[self.person(actor)].add(actor)

    def _root(self, user: str) -> str:
        while user in self.parent:
            user = self.parent[user]
        return user

    def _join(self, one: str, other: str) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        if low != high:
            self.parent[high] = low

    def person(self, actor: str) -> str:
        """The person of an actor: the smallest user of the component, an unlinked anonymous one itself, "" of none."""
        return self._root(self.owners.get(actor, actor))

    def trait(self, person: str, name: str) -> str:
        found = [
            self.traits[actor][name] for actor in self.actors.get(person, ()) if name in self.traits.get(actor, {})
        ]
        return max(found, key=lambda told: told[0])[1] or "" if found else ""


def _operations(copy: Copy) -> list[tuple[tuple[str, str], int]]:
    user = f"u:{copy.user}"
    if copy.name == "alias" and copy.user and copy.previous:
        return [((f"u:{copy.previous}", user), LINK), ((f"a:{copy.previous}", user), LINK)]
    if copy.name == "unalias" and copy.user and copy.previous:
        return [((f"u:{copy.previous}", user), UNLINK), ((f"a:{copy.previous}", user), UNLINK)]
    if copy.name == "unalias" and copy.user and copy.anonymous:
        return [((f"a:{copy.anonymous}", user), UNLINK)]
    if (copy.name == "identify" or copy.persons) and copy.user and copy.anonymous:
        return [((f"a:{copy.anonymous}", user), LINK)]
    return []


def _since(operations: list[tuple[int, int]]) -> int | None:
    """When the present link began: the first one strictly after the last unlink."""
    unlinked = max((time for time, kind in operations if kind == UNLINK), default=None)
    links = [time for time, kind in operations if kind == LINK and (unlinked is None or time > unlinked)]
    return min(links, default=None)
