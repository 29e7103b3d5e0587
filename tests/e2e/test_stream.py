"""`/v1/stream` over the real server: numbers move, a stop ends it at once, and who does not read holds up nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import READ_TOKEN, Service

pytestmark = [pytest.mark.e2e, pytest.mark.engine]
READ = {"Authorization": f"Bearer {READ_TOKEN}"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    own = Service(tmp_path / "data")
    own.start()
    yield own
    own.kill()


class Listening:
    """The bodies that arrive, read beside the test."""

    def __init__(self, service: Service, **headers: str) -> None:
        self.values: list[Any] = []
        self.ended = threading.Event()
        self._service = service
        self._headers = headers
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        url = f"{self._service.url}/v1/stream?metrics=event_count&window=P1D"
        try:
            with httpx.stream("GET", url, headers=self._headers, timeout=60) as response:
                assert response.status_code == 200
                for line in response.iter_lines():
                    if line.startswith('data: {"metric"'):
                        self.values.append(json.loads(line.removeprefix("data: "))["value"])
        finally:
            self.ended.set()

    def until(self, value: int, seconds: float = 20) -> float:
        """How long it took until this value came."""
        began = time.monotonic()
        while value not in self.values:
            assert time.monotonic() - began < seconds, self.values
            time.sleep(0.02)
        return time.monotonic() - began


def test_numbers_move_and_a_stop_ends_the_streams_at_once(service: Service) -> None:
    token, cookie = Listening(service, **READ), Listening(service, Cookie=service.cookie())
    token.until(0)
    cookie.until(0)
    assert service.send({"event": "Signed In", "messageId": "m1", "userId": "u1"}).status_code == 202
    token.until(1)
    cookie.until(1)
    began = time.monotonic()
    assert service.terminate() == 0
    assert time.monotonic() - began < 8, "less than the drain"
    assert token.ended.wait(1)
    assert cookie.ended.wait(1)
    assert "Traceback" not in service.output


def test_a_reader_that_never_reads_does_not_hold_up_the_end(service: Service) -> None:
    names = "event_count,visits,orders,revenue,dau,wau,mau,stickiness,backlog,nps,csat,ces,conversion_rate"
    stuck = []
    for _ in range(20):
        own = socket.socket()
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        own.connect(("127.0.0.1", service.port))
        request = f"GET /v1/stream?metrics={names} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {READ_TOKEN}\r\n\r\n"
        own.sendall(request.encode())
        stuck.append(own)
    listening = Listening(service, **READ)
    listening.until(0)
    for n in range(1, 6):
        assert service.send({"event": "Signed In", "messageId": f"m{n}", "userId": f"u{n}"}).status_code == 202
        listening.until(n)
    assert service.terminate() == 0
    assert "Traceback" not in service.output
    for own in stuck:
        own.close()
