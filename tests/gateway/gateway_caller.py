"""The smallest client of the gateway: aiohttp's own, so that nothing of ours is in between."""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import yarl

from volcv_async.gateway import LocalGateway

QUERY = {"Action": "CVProcess", "Version": "2022-08-31"}
V14 = {"req_key": "high_aes_general_v14", "prompt": "a cat", "model_version": "general_v1.4"}
V20_PRO = {"req_key": "high_aes_general_v20_L", "prompt": "a cat"}
V21 = {"req_key": "high_aes_general_v21_L", "prompt": "a cat"}


@attrs.frozen(kw_only=True)
class Answered:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:  # noqa: ANN401 - a test says what it expects in it
        return json.loads(self.body)


@attrs.frozen
class Caller:
    gateway: LocalGateway
    session: aiohttp.ClientSession
    headers: Mapping[str, str]

    async def post(
        self,
        body: Mapping[str, Any] | bytes = V21,
        *,
        query: Mapping[str, str] = QUERY,
        headers: Mapping[str, str] | None = None,
        url: str | None = None,
        method: str = "POST",
    ) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = self.headers if headers is None else headers
        async with self.session.request(
            method, url or self.gateway.url, params=query, data=raw, headers=sent
        ) as response:
            return Answered(
                status=response.status, body=await response.read(), headers=response.headers
            )

    async def get(self, url: str) -> Answered:
        async with self.session.get(yarl.URL(url, encoded=True)) as response:
            return Answered(
                status=response.status, body=await response.read(), headers=response.headers
            )

    async def ledger(self) -> Any:  # noqa: ANN401 - the same
        return (await self.get(self.gateway.url.replace("/volcv/v1", "/ledger"))).json


@asynccontextmanager
async def calling(gateway: LocalGateway, key: str = "local-key") -> AsyncGenerator[Caller]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Caller(gateway, session, headers)
