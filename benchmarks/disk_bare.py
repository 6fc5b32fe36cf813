"""The script one would write by hand for a list of prompts: a contender of ``benchmarks.disk``.

    python -m benchmarks.disk_bare URL IMAGES FOLDER [fresh]

aiohttp, a semaphore, ``json.loads``, ``b64decode``, and a plain ``write`` of each image. Nothing is
checked or flushed, and nothing is written down beside the images.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys

import aiohttp

AT_ONCE = 16


async def main(url: str, images: int, folder: str, *, fresh: bool) -> None:
    """Make all images."""
    slots = asyncio.Semaphore(AT_ONCE)
    os.makedirs(folder)  # noqa: PTH103 - as such scripts do

    async def one(nth: int) -> None:
        asked = {"req_key": "high_aes_general_v21_L", "prompt": f"a red fox {nth}"}
        async with slots:
            async with session.post(url, json=asked) as response:
                reply = json.loads(await response.read())
            image = base64.b64decode(reply["data"]["binary_data_base64"][0])
            with open(f"{folder}/{nth:06d}.png", "wb") as file:  # noqa: ASYNC230, PTH123 - the same
                file.write(image)

    connector = aiohttp.TCPConnector(force_close=fresh)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(nth) for nth in range(images)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], fresh="fresh" in sys.argv[4:]))
