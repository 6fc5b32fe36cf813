"""A real browser for tests: Chromium without a window, spoken to by its DevTools protocol."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None,
    reason="there is no chromium on this machine; get it with: apt-get install chromium",
)

_PATIENCE = 30.0
_CODES = {"Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Tab:
    """One tab, and all that the browser told of it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0
        self.told: list[dict[str, Any]] = []

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while (said := await self._hear()).get("id") != self._number:
            self.told.append(said)
        assert "error" not in said, said
        given: dict[str, Any] = said["result"]
        return given

    async def _hear(self) -> dict[str, Any]:
        said: dict[str, Any] = await self._socket.receive_json(timeout=_PATIENCE)
        return said

    async def open(self, url: str) -> None:
        self.told.clear()
        await self.call("Page.navigate", url=url)
        while self.told[-1:] == [] or self.told[-1]["method"] != "Page.loadEventFired":
            self.told.append(await self._hear())

    async def run(self, script: str) -> Any:  # noqa: ANN401 - what the script gives
        """Run a script in the page; give its value, a promise's too."""
        given = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in given, json.dumps(given)
        return given["result"].get("value")

    async def press(self, key: str, text: str = "") -> None:
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": _CODES.get(key, 0)}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def told_of(self, *methods: str) -> list[dict[str, Any]]:
        return [one["params"] for one in self.told if one["method"] in methods]


@asynccontextmanager
async def chromium() -> AsyncGenerator[Tab]:
    """Start a browser, and give its only tab."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            "chromium",
            *("--headless=new", "--no-sandbox", "--remote-debugging-port=0", "--no-first-run"),
            *(f"--user-data-dir={profile}", "--window-size=1280,900", "about:blank"),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with aiohttp.ClientSession() as session, _tab(session, process) as tab:
                yield tab
        finally:
            process.terminate()
            await process.communicate()


@asynccontextmanager
async def _tab(
    session: aiohttp.ClientSession, process: asyncio.subprocess.Process
) -> AsyncGenerator[Tab]:
    assert process.stderr is not None
    async with asyncio.timeout(_PATIENCE):
        while not (found := re.search(rb"ws://([\d.:]+)/", await process.stderr.readline())):
            pass
        async with session.get(f"http://{found[1].decode()}/json") as reply:
            tabs: list[dict[str, Any]] = await reply.json()
    (url,) = (tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
    async with session.ws_connect(url, max_msg_size=0) as socket:
        tab = Tab(socket)
        for domain in ("Page", "Runtime", "Network", "Log"):
            await tab.call(f"{domain}.enable")
        yield tab
