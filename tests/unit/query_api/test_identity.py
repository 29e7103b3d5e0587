"""Who is one person: components of aliases, and pairs that were linked, parted and linked again."""

from __future__ import annotations

from query_api.identity import components, since


def test_a_component_is_named_by_its_smallest_member_however_its_edges_come() -> None:
    edges = [("u:c", "u:b"), ("u:d", "u:c"), ("u:a", "u:b"), ("u:y", "u:x")]
    expected = {"u:a": "u:a", "u:b": "u:a", "u:c": "u:a", "u:d": "u:a", "u:x": "u:x", "u:y": "u:x"}
    assert components(edges) == components(reversed(edges)) == expected


def test_a_ring_of_aliases_is_one_person() -> None:
    assert set(components([("u:a", "u:b"), ("u:b", "u:c"), ("u:c", "u:a")]).values()) == {"u:a"}


def test_a_link_counts_from_the_first_after_the_last_unlink() -> None:
    assert since([1, 5, 9], []) == 1
    assert since([1, 5, 9], [3]) == 5
    assert since([1, 5, 9], [3, 9]) is None
    assert since([], []) is None


def test_an_unlink_at_the_same_time_wins() -> None:
    assert since([5], [5]) is None
    assert since([5, 6], [5]) == 6
