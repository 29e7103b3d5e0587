"""Token buckets: what is admitted, what has to wait and for how long, whatever the file says in between."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Problem
from schemas.quotas import Meters, TokenBucket
from schemas.tenants import InvalidTenants, Tenant, load


def test_a_bucket_admits_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(2.0, 10.0, 0.0)
    admitted = 0
    for now in [0.0] * 50:
        if not bucket.wait(now):
            bucket.take(1)
            admitted += 1
    assert admitted == 10
    assert bucket.wait(0.0) > 0
    assert bucket.wait(0.6) == 0.0


def test_a_batch_is_taken_whole_and_its_debt_has_to_be_waited_for() -> None:
    bucket = TokenBucket(10.0, 100.0, 0.0)
    bucket.take(600)
    assert bucket.wait(0.0) == pytest.approx(50.0)
    assert bucket.wait(30.0) == pytest.approx(20.0)
    bucket.take(-600)
    assert bucket.wait(30.0) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.integers(1, 50)), max_size=60))
def test_no_more_than_burst_and_rate_and_one_batch_ever_passes(requests: list[tuple[float, int]]) -> None:
    bucket, now, passed, largest = TokenBucket(7.0, 20.0, 0.0), 0.0, 0, 0
    for later, amount in requests:
        now += later
        if not bucket.wait(now):
            bucket.take(amount)
            passed, largest = passed + amount, max(largest, amount)
    assert passed <= 20 + 7 * now + largest + 1e-6


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tenant(**more: object) -> Tenant:
    return Tenant.model_validate({"id": "demo", "write_keys": ["wk_a", "wk_b"], "read_tokens": ["rt"], **more})


def test_who_has_no_quota_has_no_meter() -> None:
    assert Meters().of(tenant(), "wk_a") is None


def test_quotas_of_a_tenant_hold_for_all_its_keys_and_those_of_a_key_for_it_alone() -> None:
    time, one = Time(), {"events": {"per_second": 1, "burst": 5}}
    found = tenant(quotas={"events": {"per_second": 1, "burst": 100}}, key_quotas={"wk_a": one})
    meters = Meters(time)
    first, second = meters.of(found, "wk_a"), meters.of(found, "wk_b")
    assert first is not None
    assert second is not None
    first.take("events", 10)
    second.check("events")
    with pytest.raises(Problem) as refused:
        first.check("events", "bytes")
    assert (refused.value.code, refused.value.retry_after) == ("quota_exceeded", 5)
    assert "of this key" in refused.value.detail
    second.take("events", 200)
    with pytest.raises(Problem, match="of this tenant"):
        second.check("events")
    assert meters.refused == {("demo", "events"): 2}
    time.now = 6.0
    with pytest.raises(Problem, match="of this tenant"):
        first.check("events")
    second.check("questions")


def test_a_file_that_is_read_again_fills_no_bucket() -> None:
    meters, quota = Meters(Time()), {"bytes": {"per_day": 86_400}}
    before = meters.of(tenant(quotas=quota), "wk_a")
    assert before is not None
    before.take("bytes", 86_410)
    again = meters.of(tenant(quotas=quota, currency="USD"), "wk_a")
    assert again is not None
    with pytest.raises(Problem) as refused:
        again.check("bytes")
    assert refused.value.retry_after == 10
    changed = meters.of(tenant(quotas={"bytes": {"per_day": 100_000}}), "wk_a")
    assert changed is not None
    changed.check("bytes")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"quotas": {"events": {}}}, "per_second, per_day or both"),
        ({"quotas": {"events": {"burst": 5, "per_day": 7}}}, "burst belongs to per_second"),
        ({"quotas": {"events": {"per_second": 0}}}, "greater than 0"),
        ({"quotas": {"event": {"per_second": 1}}}, "quotas.event"),
        ({"key_quotas": {"wk_c": {"events": {"per_second": 1}}}}, "not among the tenant's"),
    ],
)
def test_a_quota_that_cannot_be_says_where(tmp_path: Path, wrong: dict[str, object], told: str) -> None:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps({"tenants": [{"id": "a", "write_keys": ["wk_a"], **wrong}]}))
    with pytest.raises(InvalidTenants, match=told):
        load(path)


def test_a_key_quota_may_name_its_key_by_digest_where_the_key_stands_in_full() -> None:
    digest = "sha256:" + hashlib.sha256(b"wk_a").hexdigest()
    found = tenant(key_quotas={digest: {"events": {"per_second": 1}}})
    assert Meters().of(found, "wk_a") is not None
    assert found.quotas_of_key("wk_b") is None
