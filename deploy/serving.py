"""A service's port, and answering on it until it is to stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

from deploy.guard import Guard, Limits
from deploy.guarded import Guarded
from deploy.observe import Counting
from deploy.opening import address
from deploy.refusal import CannotStart
from deploy.server import PortInUse, Server, bind
from schemas.settings import Settings


def listen(settings: Settings, stack: AsyncExitStack) -> socket.socket:
    """The socket, bound until `stack` closes. Raises `CannotStart`."""
    try:
        bound = bind(settings.host, settings.port)
    except PortInUse as error:
        raise CannotStart(str(error)) from error
    stack.callback(bound.close)
    return bound


def base_url(settings: Settings, listening: socket.socket) -> str:
    """Where the service is, for a person."""
    return address(settings.host, listening.getsockname()[1])


async def serve_until_told(
    app: Counting,
    settings: Settings,
    listening: socket.socket,
    *,
    greeting: Callable[[str], str],
    draining: Callable[[], None],
    protocol: Callable[..., asyncio.Protocol] = Guarded,
) -> None:
    """Answer until SIGTERM or SIGINT. `greeting` makes what a person reads once it does, from where it is; `protocol`
    makes a connection's own, in place of uvicorn's.
    """
    base = base_url(settings, listening)
    server = Server(
        app,
        drain_seconds=settings.drain_seconds,
        started=lambda: print(greeting(base), flush=True),
        draining=draining,
        protocol=protocol,
        guard=Guard(limits(settings), app.cut),
    )
    await server.serve([listening])


def limits(settings: Settings) -> Limits:
    """The guard's limits, as far as they are settings."""
    return Limits(idle_seconds=settings.keep_alive_seconds, address_connections=settings.address_connections)
