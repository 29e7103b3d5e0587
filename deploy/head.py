"""HEAD wherever there is GET: load balancers and link checkers ask so, and the web framework does not add it by itself.

The answer is that of GET without its body; a stream ends after its headers. To the app the request is a GET without a
body, so that a route that reads its request before it answers does not wait for one.
"""

from __future__ import annotations

import asyncio

from deploy.observe import App, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()
        request: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def received() -> Message:
            if request:
                return request.pop()
            await answered.wait()
            return {"type": "http.disconnect"}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                answered.set()

        await self._app({**scope, "method": "GET"}, received, sent)
