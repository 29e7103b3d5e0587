"""Payloads of the SDKs of Segment, Rudder and Jitsu as they were recorded, and the answers that they understand."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from ingest.http import Response
from ingest.service import Ingest
from tests.unit.ingest.memory_log import MemoryLog

BASIC = {"authorization": "Basic " + base64.b64encode(b"wk_demo:").decode(), "content-type": "text/plain"}
BATCH: dict[str, Any] = {
    "batch": [
        {
            "integrations": {},
            "anonymousId": "a1",
            "properties": {"order_id": "50314e2b", "value": 30, "products": [{"product_id": "p1"}]},
            "timestamp": "2026-11-22T00:43:36.681+00:00",
            "context": {"ip": "1.2.3.4", "sessionId": 123, "library": {"name": "analytics-python", "version": "2.4.0"}},
            "userId": "u1",
            "type": "track",
            "event": "Order Completed",
            "messageId": "9a2a8150",
        }
    ],
    "sentAt": "2026-11-22T00:43:37Z",
    "writeKey": "wk_demo",
}


async def post(ingest: Ingest, path: str, body: Any, headers: dict[str, str] | None = None) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await ingest.handle("POST", path, BASIC if headers is None else headers, {}, raw)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/v1/batch/"])
async def test_a_batch_is_answered_with_200(ingest: Ingest, log: MemoryLog, path: str) -> None:
    response = await post(ingest, path, BATCH)
    assert response.status == 200
    assert json.loads(response.body) == {"success": True, "accepted": 1, "rejected": []}
    (record,) = log.records
    assert (record.source, record.name, record.raw_name) == ("segment", "order_completed", "Order Completed")
    assert (record.user_id, record.anonymous_id, record.session_id) == ("u1", "a1", "123")
    assert record.message_id == "9a2a8150"


async def test_gzip_sent_as_a_form_is_read(ingest: Ingest) -> None:
    headers = {**BASIC, "content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    response = await post(ingest, "/v1/batch", gzip.compress(json.dumps(BATCH).encode()), headers)
    assert response.status == 200


async def test_the_key_in_the_body_is_enough(ingest: Ingest) -> None:
    assert (await post(ingest, "/v1/batch", BATCH, {})).status == 200


@pytest.mark.parametrize(
    ("path", "item", "name"),
    [
        ("/v1/t", {"type": "track", "event": "Product Added"}, "product_added"),
        ("/v1/track", {"event": "Product Added"}, "product_added"),
        ("/v1/p", {"type": "page", "name": "Home"}, "page_viewed"),
        ("/v1/page", {"originalTimestamp": "2026-11-22T00:43:36Z", "userId": ""}, "page_viewed"),
        ("/v1/i", {"type": "identify", "traits": {"plan": "pro"}}, "identify"),
        ("/v1/identify", {"traits": {"plan": "pro"}}, "identify"),
        ("/v1/s", {"type": "screen"}, "screen_viewed"),
        ("/v1/screen", {}, "screen_viewed"),
        ("/v1/a", {"type": "alias", "userId": "u1", "previousId": "a1"}, "alias"),
        ("/v1/alias", {"userId": "u1", "previousId": "a1"}, "alias"),
        ("/v1/g", {"type": "group", "groupId": "g1", "traits": {"name": "Initech"}}, "group"),
        ("/v1/group", {"groupId": "g1"}, "group"),
        ("/api/s/track", {"type": "track", "event": "Signed In"}, "signed_in"),
    ],
)
async def test_a_single_call_is_named_by_its_type_or_its_path(
    ingest: Ingest, log: MemoryLog, path: str, item: dict[str, Any], name: str
) -> None:
    response = await post(ingest, path, {"messageId": "m1", "anonymousId": "a1", **item})
    assert json.loads(response.body)["accepted"] == 1
    assert log.records[0].name == name


async def test_rudders_original_timestamp_is_the_time(ingest: Ingest, log: MemoryLog) -> None:
    await post(ingest, "/v1/page", {"type": "page", "originalTimestamp": "1970-01-01T00:00:01Z"})
    assert log.records[0].time == 1000


async def test_identify_tells_traits_and_group_does_not(ingest: Ingest, log: MemoryLog) -> None:
    items = [{"type": kind, "userId": "u1", "traits": {"plan": "pro"}} for kind in ("identify", "group")]
    await post(ingest, "/v1/batch", {"batch": items})
    assert [record.traits for record in log.records] == [{"plan": "pro"}, {}]


async def test_bad_items_do_not_fail_the_request(ingest: Ingest, log: MemoryLog) -> None:
    batch = [{"type": "nonsense"}, {"type": "track"}, BATCH["batch"][0]]
    response = await post(ingest, "/v1/batch", {"batch": batch})
    body = json.loads(response.body)
    assert (response.status, body["accepted"], [each["index"] for each in body["rejected"]]) == (200, 1, [0, 1])
    assert len(log.frames[0].dead_letters) == 2


@pytest.mark.parametrize(("headers", "body", "status"), [({}, b"{}", 401), (BASIC, b"{", 400)])
async def test_errors_have_the_body_that_all_sdks_read(
    ingest: Ingest, headers: dict[str, str], body: bytes, status: int
) -> None:
    response = await post(ingest, "/v1/batch", body, headers)
    content = json.loads(response.body)
    assert response.status == status
    assert response.headers["content-type"] == "application/json"
    assert {"code", "message", "error", "detail"} <= set(content)
    assert content["status"] == 0


async def test_an_unavailable_log_makes_the_sdk_try_again(ingest: Ingest, log: MemoryLog) -> None:
    log.failing = True
    response = await post(ingest, "/v1/batch", BATCH)
    assert (response.status, response.headers["retry-after"]) == (503, "7")


async def test_analytics_js_finds_its_settings(ingest: Ingest) -> None:
    headers = {"host": "collector.example", "origin": "https://any.example", "x-forwarded-proto": "https"}
    response = await ingest.handle("GET", "/v1/projects/wk_demo/settings", headers, {})
    destination = json.loads(response.body)["integrations"]["Segment.io"]
    assert response.status == 200
    assert (destination["apiKey"], destination["apiHost"]) == ("wk_demo", "collector.example/v1")
    assert response.headers["access-control-allow-origin"] == "https://any.example"
    assert (await ingest.handle("GET", "/v1/projects/wk_unknown/settings", headers, {})).status == 404
