"""Sends events to an installation over HTTP and asks it questions, as any producer and any reader would.

503 and 429 are obeyed: the same bytes go again after Retry-After, which is safe, for every event has an id of its own.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import local
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from deploy.demo.journey import Event
from deploy.refusal import CannotStart

AT_ONCE = 2000
"""Events of a request. A write costs the store as much as folding a thousand events, so fewer would load far longer."""
CONNECTIONS = 2
GIVE_UP_SECONDS = 60.0
"""How long nobody may answer."""
LONGEST_PAUSE = 30.0
_encode = msgspec.json.Encoder().encode


class Stopped(Exception):
    """Told to stop while something was still to be sent."""


@dataclass(frozen=True, slots=True)
class Target:
    """An installation: where events go, where questions go, and the keys for both."""

    url: str
    write_key: str
    read_token: str
    query_url: str


@dataclass(slots=True)
class Sender:
    """One installation and the connections to it. `stop` ends every wait."""

    target: Target
    stop: Flag
    sent: int = 0
    rejected: list[str] = field(default_factory=list)
    _connections: Any = field(default_factory=local)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(CONNECTIONS, "demo"))

    def send(self, events: Sequence[Event]) -> list[Future[int]]:
        """Begin to send; each result is a number of events that are stored."""
        return [self._pool.submit(self._post, part) for part in _parts(events)]

    def finish(self, futures: Sequence[Future[int]]) -> int:
        """Wait until all are stored, and answer how many. Raises `Stopped`, `CannotStart`, `OSError`."""
        stored = sum(future.result() for future in futures)
        self.sent += stored
        return stored

    def close(self) -> None:
        """Send nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def ask(self, path: str, **parameters: str) -> Any:
        """The answer to a question. Raises `Stopped`, `CannotStart`, `OSError`."""
        query = f"{path}?{urlencode(parameters)}"
        return json.loads(self._exchange(self.target.query_url, "GET", query, self.target.read_token, None))

    def _post(self, events: Sequence[Event]) -> int:
        body = _encode([event.item for event in events])
        answer = json.loads(self._exchange(self.target.url, "POST", "/v1/events", self.target.write_key, body))
        self.rejected += [f"{each['field']}: {each['message']}" for each in answer["rejected"]]
        return int(answer["accepted"])

    def _exchange(self, url: str, method: str, path: str, key: str, body: bytes | None) -> bytes:
        gives_up = time.monotonic() + GIVE_UP_SECONDS
        pause = 0.0
        while not self.stop.wait(pause):
            try:
                status, headers, answer = self._once(url, method, path, key, body)
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > gives_up:
                    raise OSError(f"{url} does not answer: {error}") from error
                pause = min(2.0, 0.2 + 2 * pause)
                continue
            if status < 300:
                return answer
            if status not in (429, 503):
                raise _refused(url + path.partition("?")[0], status, answer)
            gives_up = time.monotonic() + GIVE_UP_SECONDS
            pause = _pause(headers)
        raise Stopped

    def _once(
        self, url: str, method: str, path: str, key: str, body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        kept: dict[str, http.client.HTTPConnection] = self._connections.__dict__
        if url not in kept:
            parts = urlsplit(url)
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            kept[url] = kind(parts.netloc, timeout=30)
        connection = kept[url]
        try:
            base = urlsplit(url).path.rstrip("/")
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            connection.request(method, base + path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.headers.items()}, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise


def _parts(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    return (events[start : start + AT_ONCE] for start in range(0, len(events), AT_ONCE))


def _pause(headers: Mapping[str, str]) -> float:
    try:
        return min(LONGEST_PAUSE, float(headers.get("retry-after", "1")))
    except ValueError:
        return 1.0


def _refused(where: str, status: int, answer: bytes) -> CannotStart:
    told = answer[:300].decode(errors="replace")
    if status in (401, 403):
        return CannotStart(f"{where} does not know the key ({status}); give --write-key and --read-token: {told}")
    return CannotStart(f"{where} answered {status}: {told}")
