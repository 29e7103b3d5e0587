"""chDB as the engine of a server: requests at the same time, each on a connection of its own, apart for inserts."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import chdb

MAX_RUNNING = 100
QUOTED = re.compile(r"'(?:\\.|''|[^'\\])*'|`(?:\\.|[^`\\])*`|\"(?:\\.|[^\"\\])*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)


class Refused(Exception):
    """An answer with an error code of ClickHouse."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}")


@dataclass
class Request:
    """One statement with what came with it."""

    sql: str
    data: bytes | None = None
    form: str = ""
    database: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def insert(self) -> bool:
        return self.sql.lstrip()[:6].upper() == "INSERT"


class Connection:
    """One connection of the engine, which remembers its database and settings, so that most requests need no `SET`."""

    def __init__(self, folder: str) -> None:
        connect: Callable[[str], Any] = chdb.connect
        self._engine = connect(folder)
        self._database = ""
        self._settings: dict[str, str] = {}

    def _set(self, name: str, value: str) -> None:
        if not re.fullmatch(r"\w+", name):
            raise Refused(115, f"Unknown setting '{name}'. (UNKNOWN_SETTING)")
        self._engine.query(f"SET {name} = {value}", "Null")

    def _prepare(self, request: Request) -> None:
        if request.database != self._database:
            self._engine.query(f"USE `{request.database.replace('`', '')}`", "Null")
            self._database = request.database
        for name in self._settings.keys() - request.settings.keys():
            self._set(name, "DEFAULT")
            del self._settings[name]
        for name, value in request.settings.items():
            if self._settings.get(name) != value:
                quoted = value.replace("\\", "\\\\").replace("'", "\\'")
                self._set(name, f"'{quoted}'")
                self._settings[name] = value

    def run(self, request: Request) -> tuple[bytes, str]:
        """The body and the name of its format (empty: the statement answers nothing)."""
        self._prepare(request)
        if request.data is not None:
            # Through a file, because the engine's own way to take rows (`send_insert`) says nothing when writing fails.
            with tempfile.NamedTemporaryFile() as rows:
                rows.write(request.data)
                rows.flush()
                self._engine.query(f"{request.sql} FROM INFILE '{rows.name}' FORMAT {request.form}", "Null")
            return b"", ""
        if request.form:
            return self._engine.query(request.sql, request.form, params=request.parameters).bytes() or b"", request.form
        # A statement that answers rows has at least the line of names, also when there is no row.
        named = self._engine.query(request.sql, "TabSeparatedWithNames", params=request.parameters).bytes() or b""
        return named.partition(b"\n")[2], "TabSeparated" if named else ""


class Engine:
    """Connections are made when they are needed and lent to one request at a time."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._free: dict[bool, list[Connection]] = {False: [Connection(folder)], True: []}
        self._lock = threading.Lock()
        self._running = 0

    def run(self, request: Request) -> tuple[bytes, str]:
        """Run it on a free engine connection. Raises `Refused`, or whatever the engine raises."""
        if ";" in QUOTED.sub("", request.sql).strip().rstrip(";"):
            raise Refused(62, "Syntax error (Multi-statements are not allowed). (SYNTAX_ERROR)")
        with self._lock:
            if self._running >= MAX_RUNNING:
                raise Refused(202, "Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)")
            self._running += 1
            free = self._free[request.insert]
            connection = free.pop() if free else None
        try:
            connection = connection or Connection(self._folder)
            answer = connection.run(request)
        finally:
            with self._lock:
                self._running -= 1
                if connection is not None:
                    free.append(connection)
        return answer
