"""What is printed at the start: keys once, and only commands that can work."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.welcome import welcome
from schemas.tenants import CreatedKeys, Tenant

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
BASE = "http://127.0.0.1:8080"


def test_new_keys_are_shown_and_known_ones_only_where_they_are_used() -> None:
    tenant = Tenant(id="demo", write_keys=("wk_1",), read_tokens=("rt_1",))
    created = CreatedKeys("demo", "wk_1", "rt_1", "zd1", "the-secret")
    first, second = welcome(BASE, tenant, created, NOW), welcome(BASE, tenant, None, NOW)
    assert "the-secret" in first
    assert "the-secret" not in second
    assert f"{BASE}/?token=rt_1" in second


def test_the_event_is_older_than_any_answer_can_be() -> None:
    text = welcome(BASE, Tenant(id="demo", write_keys=("wk_1",), read_tokens=("rt_1",)), None, NOW)
    assert '"timestamp":"2026-11-24T11:59:30Z"' in text


def test_hashed_secrets_are_not_offered_to_paste() -> None:
    hashed = "sha256:" + "0" * 64
    text = welcome(BASE, Tenant(id="demo", write_keys=(hashed,), read_tokens=(hashed,)), None, NOW)
    assert "curl" not in text
    assert "sha256" not in text
