"""A headless Chromium, driven by its DevTools protocol: what a person sees, and what the browser complains of."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)
SECONDS = 60.0


def executable() -> str | None:
    """The browser of this machine, if it has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class ScriptFailed(Exception):
    """JavaScript of a test threw."""


class Page:
    """One tab: what it asked for, and everything that went wrong in it, under `complaints`."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._reading = asyncio.create_task(self._read())
        self.requested: list[str] = []
        self.complaints: list[str] = []

    async def prepare(self) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its result."""
        number = len(self._answers) + 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(SECONDS):
            result: dict[str, Any] = await answer
        return result

    async def _read(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            if "id" in message:
                answer = self._answers[message["id"]]
                if "error" in message:
                    answer.set_exception(ScriptFailed(str(message["error"])))
                elif not answer.done():
                    answer.set_result(message["result"])
            else:
                self._heard(message["method"], message["params"])

    def _heard(self, method: str, told: dict[str, Any]) -> None:
        match method:
            case "Network.requestWillBeSent":
                self.requested.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.complaints.append(" ".join(str(each.get("value", each)) for each in told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        self._events[method].set()

    async def open(self, url: str) -> None:
        """Load, and wait until the document is."""
        loaded = self._events["Page.loadEventFired"]
        loaded.clear()
        await self.call("Page.navigate", url=url)
        async with asyncio.timeout(SECONDS):
            await loaded.wait()

    async def forget(self) -> None:
        """Leave the page, and use none of the answers that it had: an unchanged one (304) keeps its watermark."""
        await self.call("Network.setCacheDisabled", cacheDisabled=True)
        await self.open("about:blank")

    async def run(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise. Raises `ScriptFailed`."""
        answer = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ScriptFailed(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def until(self, script: str, seconds: float = SECONDS) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(ScriptFailed):
                if await self.run(f"Promise.resolve({script}).then(Boolean)"):
                    return
            if time.monotonic() > deadline:
                text = await self.run("document.body.innerText")
                raise AssertionError(f"not so after {seconds:g} s: {script}\n{self.complaints}\n{text[:3000]}")
            await asyncio.sleep(0.05)

    async def text(self, selector: str) -> str:
        """The visible text of the first element."""
        return str(await self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def press(self, key: str, code: int, text: str = "") -> None:
        """A key down and up, as from a keyboard."""
        named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **named, **({"text": text} if text else {}))
        await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def size(self, width: int, height: int, *, mobile: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    async def scheme(self, name: str) -> None:
        """`dark` or `light`; without motion, so that a picture is always the same."""
        features = [
            {"name": "prefers-color-scheme", "value": name},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of what is in view, or of the whole page."""
        answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    async def close(self) -> None:
        self._reading.cancel()
        await self._connection.close()


@contextlib.contextmanager
def running(path: str) -> Iterator[str]:
    """A browser; where it is spoken to. It ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        log = Path(profile) / "stderr"
        with log.open("wb") as errors:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.asynccontextmanager
async def fresh_tab(browser: str) -> AsyncIterator[Page]:
    """A tab of a context of its own: no cookies, no cache and no storage of another one's."""
    async with connect(browser, max_size=None, proxy=None) as connection:
        whole = Page(connection)
        context = (await whole.call("Target.createBrowserContext"))["browserContextId"]
        try:
            made = await whole.call("Target.createTarget", url="about:blank", browserContextId=context)
            target = urlsplit(browser)._replace(path=f"/devtools/page/{made['targetId']}").geturl()
            async with connect(target, max_size=None, proxy=None) as own:
                page = Page(own)
                await page.prepare()
                try:
                    yield page
                finally:
                    await page.close()
        finally:
            await whole.call("Target.disposeBrowserContext", browserContextId=context)
            await whole.close()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        told = log.read_text(errors="replace")
        if found := re.search(r"DevTools listening on (ws://127\.0\.0\.1:\d+/\S+)", told):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"Chromium does not start:\n{log.read_text(errors='replace')[-2000:]}")
