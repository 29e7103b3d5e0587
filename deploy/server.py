"""The HTTP server: uvicorn, told to stop by our own handler, so that a drained service ends with exit code 0.

uvicorn raises a caught signal again after its shutdown. Here SIGTERM and SIGINT turn readiness off, and a moment later
start uvicorn's graceful stop: no new connections, requests in flight finish, then the caller closes the log and the
store. Without that moment, a request that has been sent but not read yet would be reset.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from deploy import garbage
from deploy.guard import Guard, Limits
from deploy.guarded import Guarded

LINGER_SECONDS = 1.0
"""Time for who asks `/readyz` to look elsewhere, and for requests that a busy machine has not read yet."""


class PortInUse(Exception):
    """The address cannot be listened on."""


def bind(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen yet: nobody is answered before the service can. Raises `PortInUse`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        reason = "is in use (choose another with SOJOURN_PORT)" if error.errno == errno.EADDRINUSE else str(error)
        raise PortInUse(f"{host}:{port} {reason}") from error
    return bound


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT; a second signal does not wait for requests in flight."""

    def __init__(
        self,
        app: Any,
        *,
        drain_seconds: int,
        started: Callable[[], None],
        draining: Callable[[], None],
        protocol: Callable[..., asyncio.Protocol] = Guarded,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard or Guard(Limits(), Counter())
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=partial(protocol, self._guard),  # type: ignore[arg-type]  # it is only called
                ws="none",
                lifespan="off",
                log_config=None,  # its records go where all others go
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=drain_seconds,
            )
        )
        self._stopping = False
        self._on_start = started
        self._on_drain = draining

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        garbage.seldom()
        self._on_start()

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections once a second (uvicorn comes here every tenth of one)."""
        if counter % 10 == 0:
            self._guard.sweep(tuple(self.server_state.connections), asyncio.get_running_loop().time())  # type: ignore[arg-type]
        return await super().on_tick(counter)

    def _stop(self) -> None:
        if self._stopping:
            self.force_exit = self.should_exit = True
            return
        self._stopping = True
        self._on_drain()
        asyncio.get_running_loop().call_later(LINGER_SECONDS, setattr, self, "should_exit", True)
