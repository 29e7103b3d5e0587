"""What is printed at the start: new keys once, and only commands that can work."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy import keys
from deploy.welcome import Bases, tried_out, welcome
from schemas import settings
from schemas.tenants import Source, Tenant

NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
BASE = "http://127.0.0.1:8080"
BASES = Bases(BASE, BASE)
SECRETS = ("wk_1", "rt_1", "the-secret")
TENANT = Tenant(
    id="demo",
    write_keys=("wk_1",),
    read_tokens=("rt_1",),
    sources=(Source(id="zd1", kind="zendesk", secrets=("the-secret",)),),
)
HASHED = "sha256:" + "0" * 64


def test_only_new_keys_are_printed_at_a_start() -> None:
    first, second = welcome(BASE, TENANT, "sojourn keys", NOW), welcome(BASE, None, "sojourn keys", NOW)
    assert all(secret in first for secret in SECRETS)
    assert f"{BASE}/?token=rt_1" in first
    assert not any(secret in second for secret in SECRETS)
    assert f"page  {BASE}/\n" in second
    assert "sojourn keys" in second


def test_the_event_is_older_than_any_answer_can_be() -> None:
    assert '"timestamp":"2026-11-24T11:59:30Z"' in "\n".join(tried_out(TENANT, BASES, NOW))


def test_hashed_secrets_are_not_offered_to_paste() -> None:
    text = "\n".join(tried_out(Tenant(id="demo", write_keys=(HASHED,), read_tokens=(HASHED,)), BASES, NOW))
    assert "curl" not in text
    assert "sha256" not in text


@pytest.mark.parametrize(("kafka", "questions"), [("", BASE), ("kafka:9092", "http://127.0.0.1:8081")])
def test_the_command_shows_every_key_of_every_tenant(tmp_path: Path, kafka: str, questions: str) -> None:
    other = {"id": "other", "write_keys": [HASHED], "read_tokens": ["rt_2"]}
    (tmp_path / "tenants.json").write_text(json.dumps({"tenants": [TENANT.model_dump(mode="json"), other]}))
    environment = {"SOJOURN_DATA": str(tmp_path), "KAFKA_BOOTSTRAP_SERVERS": kafka, "SOJOURN_HOST": "0.0.0.0"}
    text = keys.text(settings.read(environment), NOW)
    assert all(secret in text for secret in (*SECRETS, "rt_2"))
    assert f"{questions}/?token=rt_1" in text
    assert f"curl -sS {BASE}/v1/events" in text
    assert HASHED not in text


def test_what_systemd_keeps_is_told_from_a_terminal_and_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "other").open("w") as other:
        status = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert keys.goes_to_the_journal(journal)
        assert not keys.goes_to_the_journal(other)
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not keys.goes_to_the_journal(journal)
