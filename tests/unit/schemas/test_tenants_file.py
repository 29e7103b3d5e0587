"""The tenants file: what may stand in it, who is known by which key, and what becomes of edits."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from schemas.tenants import InvalidTenants, Tenants, create_default, load

TENANT: dict[str, Any] = {"id": "demo", "timezone": "Europe/Berlin", "write_keys": ["wk"], "read_tokens": ["rt"]}


def written(path: Path, *tenants: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"tenants": tenants}), encoding="utf-8")
    return path


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tenants.json"


def test_the_example_of_the_design_is_read(path: Path) -> None:
    example = {
        "id": "demo",
        "timezone": "Europe/Berlin",
        "week_start": "monday",
        "currency": "EUR",
        "write_keys": ["wk_demo"],
        "read_tokens": ["rt_demo"],
        "allowed_origins": ["*"],
        "sources": [{"id": "zd1", "kind": "zendesk", "secrets": ["…"]}],
        "questions": [
            {
                "survey": "s1",
                "question": "q1",
                "metric": "csat",
                "min": 1,
                "max": 5,
                "good": "high",
                "satisfied_from": 4,
            }
        ],
        "targets": [{"metric": "nps", "segment": {"channel": "web"}, "value": 50}],
    }
    tenants = Tenants(written(path, example))
    (demo,) = tenants.all
    assert (demo.k_anon, demo.zone.key, demo.questions[0].satisfied_from) == (0, "Europe/Berlin", 4)
    assert tenants.source("zendesk", "zd1") == (demo, demo.sources[0])
    assert tenants.source("shopify", "zd1") is None


def test_keys_are_known_by_their_kind_only(path: Path) -> None:
    tenants = Tenants(written(path, TENANT))
    assert tenants.by_write_key("wk") is not None
    assert tenants.by_write_key("rt") is None
    assert tenants.by_read_token("rt") is not None
    assert tenants.by_read_token("wk") is None
    assert tenants.by_write_key("") is None
    assert tenants.by_write_key("\ud800") is None


def test_a_secret_may_stand_as_its_sha256(path: Path) -> None:
    digest = "sha256:" + hashlib.sha256(b"wk").hexdigest()
    tenants = Tenants(written(path, {**TENANT, "write_keys": [digest]}))
    assert tenants.by_write_key("wk") is not None
    assert tenants.by_write_key(digest) is None


@pytest.mark.parametrize(
    "tenants",
    [
        [],
        [TENANT, TENANT],
        [TENANT, {**TENANT, "id": "other"}],
        [{**TENANT, "timezone": "Europe/Nowhere"}],
        [{**TENANT, "timezone": "../../etc/passwd"}],
        [{**TENANT, "week_start": "friday"}],
        [{**TENANT, "currency": "euro"}],
        [{**TENANT, "write_keys": ["sha256:abc"]}],
        [{**TENANT, "sources": [{"id": "native", "kind": "zendesk", "secrets": []}]}],
        [{**TENANT, "sources": [{"id": "zd1", "kind": "zendesk", "secrets": ["sha256:" + "0" * 64]}]}],
        [{**TENANT, "colour": "red"}],
    ],
)
def test_what_cannot_be_meant_is_refused(path: Path, tenants: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidTenants):
        load(written(path, *tenants))


def test_an_error_shows_no_secret(path: Path) -> None:
    with pytest.raises(InvalidTenants) as error:
        load(written(path, {**TENANT, "write_keys": ["sha256:my secret"], "read_tokens": 7}))
    assert "my secret" not in str(error.value)


def test_an_edit_is_seen_within_two_seconds_and_a_broken_one_changes_nothing(path: Path) -> None:
    clock = Clock()
    tenants = Tenants(written(path, TENANT), clock)
    written(path, {**TENANT, "write_keys": ["wk_new_and_longer"]})
    assert tenants.by_write_key("wk") is not None
    clock.now = 2.0
    assert tenants.by_write_key("wk") is None
    assert tenants.by_write_key("wk_new_and_longer") is not None
    path.write_text("{broken", encoding="utf-8")
    clock.now = 4.0
    assert tenants.by_write_key("wk_new_and_longer") is not None
    path.unlink()
    clock.now = 6.0
    assert tenants.by_write_key("wk_new_and_longer") is not None
    written(path, TENANT)
    clock.now = 8.0
    assert tenants.by_write_key("wk") is not None


def test_a_new_file_holds_random_keys_for_its_owner_only(path: Path) -> None:
    create_default(path)
    tenants = Tenants(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    (demo,) = tenants.all
    assert (demo.id, demo.timezone, demo.currency, demo.allowed_origins) == ("demo", "Europe/Berlin", "EUR", ("*",))
    assert tenants.by_write_key(demo.write_keys[0]) == tenants.by_read_token(demo.read_tokens[0]) == demo
    assert tenants.source("zendesk", demo.sources[0].id) is not None
    create_default(path.with_name("other.json"))
    (other,) = Tenants(path.with_name("other.json")).all
    assert not {*demo.write_keys, *demo.read_tokens} & {*other.write_keys, *other.read_tokens}


def test_a_file_that_is_there_is_never_replaced(path: Path) -> None:
    written(path, TENANT)
    with pytest.raises(FileExistsError):
        create_default(path)
    assert [tenant.id for tenant in load(path).tenants] == ["demo"]
    assert list(path.parent.iterdir()) == [path]


def test_a_question_has_the_usual_scale_of_its_metric_unless_told(path: Path) -> None:
    questions = [
        {"survey": "s1", "question": "q1", "metric": "ces"},
        {"survey": "s1", "question": "q2", "metric": "csat", "min": 1, "max": 10},
    ]
    (tenant,) = Tenants(written(path, {**TENANT, "questions": questions})).all
    assert [question.scale for question in tenant.questions] == [(1, 7), (1, 10)]


@pytest.mark.parametrize("question", [{"question": "q1"}, {"question": "q2", "min": 5, "max": 5}])
def test_a_question_that_is_declared_twice_or_has_no_scale_is_refused(path: Path, question: dict[str, Any]) -> None:
    questions = [{"survey": "s1", "question": "q1", "metric": "nps"}, {"survey": "s1", "metric": "nps", **question}]
    with pytest.raises(InvalidTenants, match="question"):
        Tenants(written(path, {**TENANT, "questions": questions}))


def test_a_bad_target_is_named_with_its_place_and_takes_nothing_else_with_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = [{"metric": "nps", "value": 50}, {"metric": "nps", "segment": {"channel": "web"}, "value": 40}]
    bad = {
        "1.metric: there is no metric 'happiness'": {"metric": "happiness", "value": 1},
        "2.segment.colour: nps is cut by country": {"metric": "nps", "segment": {"colour": "red"}, "value": 1},
        "3.value: Field required": {"metric": "nps"},
        "4.definition: csat has default, mean": {"metric": "csat", "definition": "zendesk", "value": 1},
        "5.statistic: nps has none": {"metric": "nps", "statistic": "mean", "value": 1},
        "6.segment: an earlier target is for the same number": {"metric": "nps", "value": 51},
        "7.segment: at most 2": {"metric": "nps", "segment": dict.fromkeys(("a", "b", "c"), "x"), "value": 1},
        "8.aim: Extra inputs": {"metric": "nps", "value": 1, "aim": 2},
        "9: Input should be": 5,
    }
    (tenant,) = Tenants(written(path, {**TENANT, "targets": [good[0], *bad.values(), good[1]]})).all
    assert [(target.metric, target.value) for target in tenant.targets] == [("nps", 50.0), ("nps", 40.0)]
    assert len(caplog.messages) == len(bad)
    for told, message in zip(bad, caplog.messages, strict=True):
        assert f"{path}: tenants.0.targets.{told}" in message


def test_a_new_target_holds_once_the_file_is_looked_at_again(path: Path) -> None:
    clock = Clock()
    tenants = Tenants(written(path, TENANT), clock)
    assert not tenants.all[0].targets
    written(path, {**TENANT, "targets": [{"metric": "nps", "segment": {"trait.plan": "pro"}, "value": 50}]})
    clock.now = 5.0
    assert [target.segment for target in tenants.all[0].targets] == [{"trait.plan": "pro"}]
