"""ClickHouse's HTTP interface over chDB: `python -m tests.clickhouse_http FOLDER PORT`, for tests only.

The engine is the real one, so tables, types, errors and their codes are; this file and tests/clickhouse_engine.py stand
for the server around it: requests at the same time, `database`, settings and bound parameters, inserts in any format,
compression. It has no users, no sessions and no streaming, and answers as one version of the engine.

Faults for tests come from the file `FOLDER/faults`, read at every request, one a line: `refuse CODE` (every insert
fails), `reset` (an insert commits, then the connection is reset and nobody learns of it), `slow SECONDS` (before it
runs).
"""

from __future__ import annotations

import contextlib
import email.parser
import email.policy
import gzip
import os
import re
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import lz4.frame

from tests.clickhouse_engine import Engine, Refused, Request

TRANSPORT = {
    "buffer_size",
    "cancel_http_readonly_queries_on_client_close",
    "client_protocol_version",
    "compress",
    "database",
    "decompress",
    "default_format",
    "enable_http_compression",
    "http_headers_progress_interval_ms",
    "password",
    "query",
    "query_id",
    "quota_key",
    "role",
    "send_progress_in_http_headers",
    "session_check",
    "session_id",
    "session_timeout",
    "stacktrace",
    "user",
    "wait_end_of_query",
}
"""Parameters that are for the server around the engine; every other one is a setting of the query."""
STATUS = {16: 404, 47: 404, 60: 404, 62: 400, 81: 404, 159: 408, 202: 503, 497: 403}
INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(.*?)\s+FORMAT\s+(\w+)[ \t]*(?:\r?\n|$)", re.IGNORECASE | re.DOTALL)
FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)


def _unpack_lz4(body: bytes) -> bytes:
    """All frames of the body: the client sends one for each block of rows, and `decompress` would stop at the first."""
    parts = []
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        parts.append(frame.decompress(body))
        if not frame.eof:
            raise Refused(271, "The body is cut off. (CANNOT_DECOMPRESS)")
        body = frame.unused_data or b""
    return b"".join(parts)


UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": _unpack_lz4,
}


class Server(ThreadingHTTPServer):
    """A thread for each client connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._engine = Engine(str(folder / "store"))
        super().__init__(("127.0.0.1", port), Handler)

    def faults(self) -> dict[str, float]:
        """What is to go wrong just now."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._folder / "faults").read_text().splitlines()
            return {name: float(value or 0) for name, _, value in (line.partition(" ") for line in lines)}
        return {}

    def run(self, request: Request, faults: dict[str, float]) -> tuple[bytes, str]:
        """What the engine answers, after the faults that come before it."""
        time.sleep(faults.get("slow", 0))
        if request.insert and "refuse" in faults:
            raise Refused(int(faults["refuse"]), "refused by the test")
        return self._engine.run(request)


class Handler(BaseHTTPRequestHandler):
    """The HTTP around it."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def _body(self) -> bytes:
        body = b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        encoding = self.headers.get("Content-Encoding", "")
        if encoding not in UNPACK:
            raise Refused(48, f"Content-Encoding {encoding} is not implemented here. (NOT_IMPLEMENTED)")
        unpacked: bytes = UNPACK[encoding](body)
        return unpacked

    def _form(self, body: bytes) -> dict[str, str]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        whole = email.parser.BytesParser(EmailMessage, policy=email.policy.HTTP).parsebytes(head + body)
        fields: dict[str, str] = {}
        for part in whole.iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
        return fields

    def _request(self) -> Request:
        fields = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        if self.headers.get("Content-Type", "").startswith("multipart/form-data"):
            fields, body = fields | self._form(body), b""
        statement = fields.get("query", "").encode()
        inserting = INSERT.match(statement or body)
        request = Request(
            sql=(statement + b"\n" + body if statement and not inserting else statement or body).decode(
                errors="replace" if inserting else "strict"
            ),
            database=fields.get("database") or self.headers.get("X-ClickHouse-Database") or "default",
            form=self.headers.get("X-ClickHouse-Format") or fields.get("default_format", ""),
            settings={k: v for k, v in fields.items() if k not in TRANSPORT and not k.startswith("param_")},
            parameters={k.removeprefix("param_"): v for k, v in fields.items() if k.startswith("param_")},
        )
        if inserting:
            request.sql = f"INSERT INTO {inserting[1].decode()}"
            request.form = inserting[2].decode()
            request.data = body if statement else body[inserting.end() :]
        elif found := FORMAT.search(request.sql):
            request.form = found[1]
        return request

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        accepted = self.headers.get("Accept-Encoding", "")
        if "lz4" in accepted and "enable_http_compression=1" in self.path:
            body = lz4.frame.compress(body)
            headers["Content-Encoding"] = "lz4"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("X-ClickHouse-Timezone", "UTC")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_GET(self) -> None:
        """`/ping`, or a statement."""
        if self.path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        """A statement."""
        try:
            request, faults = self._request(), self.server.faults()
            body, form = self.server.run(request, faults)
        except Exception as error:  # noqa: BLE001 -- a server answers whatever happened
            found = re.search(r"Code: (\d+)", str(error))
            code = int(found[1]) if found else 1002
            headers = {"X-ClickHouse-Exception-Code": str(code)}
            self._answer(STATUS.get(code, 500), f"{str(error).strip()}\n".encode(), **headers)
            return
        if request.insert and "reset" in faults:
            print("reset after commit", flush=True)
            self._reset()
            return
        shown = {"X-ClickHouse-Format": form} if form else {}
        self._answer(200, body, **shown, **{"X-ClickHouse-Summary": '{"read_rows":"0","written_rows":"0"}'})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the base class's
        """A line for each request would be most of what a test prints."""


def main() -> None:
    """Open the engine, then the port."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    Server(folder, int(sys.argv[2])).serve_forever()


if __name__ == "__main__":
    main()
