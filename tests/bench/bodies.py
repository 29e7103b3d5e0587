"""What the load generator sends: whole requests with events of a shop, one or a hundred in each."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.service import WRITE_KEY

DIFFERENT = 200
MARK = b"0123456789abcdef"
"""In the id of an event that is to be another one each time: what the sender puts another number for."""


def event(rng: random.Random, number: int) -> dict[str, Any]:
    """One event of ordinary size (about 450 bytes), as an SDK would send it."""
    return {
        "messageId": f"node-next-{1_795_000_000_000 + number}-{rng.getrandbits(64):016x}",
        "event": "product_added",
        "timestamp": f"2026-11-18T09:{number % 60:02}:{rng.randrange(60):02}.{rng.randrange(1000):03}Z",
        "userId": f"u{rng.randrange(10_000)}",
        "anonymousId": f"{rng.getrandbits(128):032x}",
        "sessionId": f"s{rng.randrange(100_000)}",
        "context": {"country": "DE", "channel": "web", "device": {"type": "mobile"}, "traits": {"plan": "pro"}},
        "properties": {
            "cart_id": f"c{rng.randrange(100_000)}",
            "product_id": f"p{rng.randrange(1000)}",
            "price": rng.randrange(10_000) / 100,
            "quantity": 1 + rng.randrange(3),
            "currency": "EUR",
        },
    }


def requests(path: str, events: int, seed: int = 1, *, anew: bool = False) -> list[bytes]:
    """Requests as bytes: one event as an object, several as `{"events": […]}`; `anew`: with a mark, and of now."""
    rng = random.Random(seed)
    built = []
    for number in range(DIFFERENT if events == 1 else DIFFERENT // 10):
        if events == 1:
            told = event(rng, number)
            if anew:
                del told["timestamp"]
                told["messageId"] = f"{number}-{MARK.decode()}"
            body = json.dumps(told).encode()
        else:
            items = [event(rng, number * events + index) for index in range(events)]
            body = json.dumps({"events": items}).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
            f"Authorization: Bearer {WRITE_KEY}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        built.append(head.encode() + body)
    return built
